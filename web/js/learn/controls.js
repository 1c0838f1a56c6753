// The buttons that run a training: play and pause, one step, slow motion, from the beginning.

import { make } from "../dom.js";
import { many } from "./numbers.js";

const ICONS = {
  play: "M7 4.5v15l12-7.5z",
  pause: "M6.5 5h4v14h-4zM13.5 5h4v14h-4z",
  step: "M5 5.5v13l9-6.5zM16 5.5h3v13h-3z",
  restart: "M12 5a7 7 0 1 1-6.7 9h2.2A5 5 0 1 0 12 7v3.2L7 6l5-4.2z",
};

const icon = (name) =>
  make("svg:svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" }, make("svg:path", { d: ICONS[name] }));

// Fills a box with the buttons of a training.
export function transport(box, training, { small = false } = {}) {
  const play = make("button", { type: "button", class: "play" });
  const step = make("button", { type: "button", class: "quiet", "aria-label": "One step" }, icon("step"), make("span", {}, "One step"));
  const restart = make("button", { type: "button", class: "quiet", "aria-label": "Restart" }, icon("restart"), make("span", {}, "Restart"));
  const slow = make("input", { type: "checkbox" });
  const label = make("label", { class: "check" }, slow, " slow motion");
  const counter = make("p", { class: "counter" });
  box.append(play, ...(small ? [restart] : [step, restart, label]), counter);

  function show() {
    const { playing, about, told } = training;
    const words = playing ? "Pause" : told?.done ? "Again" : "Play";
    if (play.dataset.shows !== words) {
      play.dataset.shows = words;
      play.replaceChildren(icon(playing ? "pause" : "play"), make("span", {}, words));
    }
    for (const button of [play, step, restart]) button.disabled = !about && !playing;
    step.disabled ||= Boolean(told?.done);
  }
  function count() {
    const { about, told } = training;
    if (!about) {
      counter.textContent = "";
      return;
    }
    const done = many(told?.step ?? about.step);
    counter.textContent = small ? `step ${done}` : `step ${done} of ${many(about.steps)}`;
  }
  play.addEventListener("click", () => (training.playing ? training.pause() : training.play()));
  step.addEventListener("click", () => training.step());
  restart.addEventListener("click", () => training.restart({ play: training.playing || Boolean(training.told?.done) }));
  slow.addEventListener("change", () => {
    training.slow = slow.checked;
  });
  training.addEventListener("playing", show);
  for (const news of ["made", "canceled", "advanced"]) training.addEventListener(news, () => (show(), count()));
  show();
}
