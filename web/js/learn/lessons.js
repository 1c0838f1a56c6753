// The lessons: an overview of them, or one of them at the step that the address names, with everything set.

import { element, make } from "../dom.js";
import { keepForLater } from "../keep.js";
import * as address from "./address.js";
import { copies } from "./copy.js";
import { picture } from "./lesson-cards.js";
import { coreset } from "./lesson-coreset.js";
import { energy } from "./lesson-energy.js";
import { filtering } from "./lesson-filter.js";
import { mier } from "./lesson-mier.js";
import { Stage } from "./lesson-stage.js";
import { worth } from "./lesson-worth.js";
import { follow, speaker } from "./status.js";
import { Training } from "./training.js";

const LESSONS = [worth, mier, energy, filtering, coreset];

// Where arrow keys have a meaning of their own.
const OWN_ARROWS = "input, select, textarea, canvas, [tabindex], summary";

const asked = () => new URLSearchParams(location.search);
const lessonOf = (query) => LESSONS.find(({ id }) => id === query.get("lesson"));
const linkTo = (id, step) => `lessons.html?${new URLSearchParams({ lesson: id, step })}`;

const status = speaker(element("status"));

function overview() {
  const { complaint } = address.read(asked(), { lesson: address.oneOf(...LESSONS.map(({ id }) => id)) });
  element("no-lesson").textContent = complaint;
  const cards = LESSONS.map(({ id, title, summary, minutes, steps }, at) =>
    make(
      "li",
      { class: "lesson-card" },
      picture(id),
      make("h2", {}, make("a", { href: linkTo(id, 1) }, `${at + 1}. ${title}`)),
      make("p", {}, summary),
      make("p", { class: "hint" }, `${steps.length} steps, about ${minutes} minutes`),
    ),
  );
  element("cards").replaceChildren(...cards);
  element("overview").hidden = false;
}

class Lesson {
  #lesson;
  #number; // of the lesson, from 0
  #step = 0; // from 0
  #stage;
  #shown;
  #address = ""; // the query of what is shown

  constructor(lesson) {
    this.#lesson = lesson;
    this.#number = LESSONS.indexOf(lesson);
    document.title = `${lesson.title} · Lessons · Gleaner`;
    element("lesson").hidden = false;
    element("lesson-title").textContent = lesson.title;
    element("lesson-place").textContent = `Lesson ${this.#number + 1} of ${LESSONS.length}`;
    const training = new Training();
    training.addEventListener("made", () => status("done", ""));
    follow(training, status);
    const say = (text) => {
      element("said").textContent = text;
    };
    this.#stage = new Stage({ box: element("stage"), training, say, status, remember: () => this.#remember() });
    this.#shown = lesson.mount(this.#stage);
    this.#dots();
    this.#listen();
  }

  // The step that the address names, with its values.
  async open() {
    const known = { ...this.#lesson.takes, step: address.whole(1, this.#lesson.steps.length) };
    const { values: { step = 1, ...values }, complaint } = address.read(asked(), known);
    this.#step = step - 1;
    element("complaint").textContent = complaint;
    this.#stage.set({ ...this.#start(), ...values });
    this.#tell();
    this.#remember();
    try {
      await this.#shown.show(this.#step);
    } catch (error) {
      status("error", error.message);
    }
  }

  #start = () => ({ ...this.#lesson.start, ...this.#lesson.steps[this.#step].set });

  #remember() {
    address.remember({ lesson: this.#lesson.id, step: this.#step + 1, ...this.#stage.values }, this.#start());
    this.#address = location.search;
    this.#doors();
  }

  // The steps as links: each is an address.
  #dots() {
    const links = this.#lesson.steps.map(({ title }, at) => {
      const number = make("span", { class: "number" }, String(at + 1));
      const link = make("a", { href: linkTo(this.#lesson.id, at + 1) }, number, " ", make("span", { class: "words" }, title));
      link.addEventListener("click", (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        this.#go(at);
      });
      return make("li", {}, link);
    });
    element("steps").replaceChildren(...links);
  }

  #go(at) {
    const { id, steps } = this.#lesson;
    if (at < 0 && this.#number === 0) location.href = "lessons.html";
    else if (at < 0) location.href = linkTo(LESSONS[this.#number - 1].id, LESSONS[this.#number - 1].steps.length);
    else if (at < steps.length) {
      if (at === this.#step) return;
      history.pushState(null, "", linkTo(id, at + 1));
      this.open();
      element("step-title").focus({ preventScroll: true });
      // The text stays in sight by itself; the pictures are what may have been scrolled away.
      if (element("stage").getBoundingClientRect().top < 0) element("lesson").scrollIntoView();
    } else if (this.#number + 1 < LESSONS.length) location.href = linkTo(LESSONS[this.#number + 1].id, 1);
    else location.href = "lessons.html";
  }

  #tell() {
    const { steps } = this.#lesson;
    const { title, text, attempt, question, seen, link } = steps[this.#step];
    element("step-title").textContent = `${this.#step + 1}. ${title}`;
    element("step-text").replaceChildren(...text.map((words) => make("p", {}, words)));
    element("attempt").textContent = attempt;
    element("question").textContent = question;
    element("seen").open = false;
    element("seen-text").textContent = seen;
    const further = link ? [make("a", { href: link.to }, link.words)] : [];
    element("further").replaceChildren(...further);
    element("further").hidden = !link;
    document.querySelectorAll("#steps a").forEach((place, at) => {
      if (at === this.#step) place.setAttribute("aria-current", "step");
      else place.removeAttribute("aria-current");
    });
    const before = LESSONS[this.#number - 1];
    const after = LESSONS[this.#number + 1];
    element("previous").textContent = this.#step > 0 ? "Previous" : before ? "Lesson before" : "All lessons";
    element("next").textContent = this.#step + 1 < steps.length ? "Next" : after ? "Next lesson" : "All lessons";
  }

  // The way off the path: the playground with the same points, model and weights.
  #doors() {
    const state = this.#lesson.playground(this.#stage.values, this.#stage);
    element("playground").hidden = !state;
    if (!state) return;
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(state)) if (value !== "" && value !== undefined) query.set(name, value);
    element("playground").href = `play.html?${query}`;
  }

  #listen() {
    element("previous").addEventListener("click", () => this.#go(this.#step - 1));
    element("next").addEventListener("click", () => this.#go(this.#step + 1));
    // A link within the page goes nowhere else.
    addEventListener("popstate", () => location.search !== this.#address && this.open());
    addEventListener("keydown", (event) => {
      const { key, target } = event;
      if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
      if (target.closest(OWN_ARROWS) && target.id !== "step-title") return;
      if (key === "ArrowRight") this.#go(this.#step + 1);
      else if (key === "ArrowLeft") this.#go(this.#step - 1);
      else return;
      event.preventDefault();
    });
    copies(element("copy-link"), () => location.href, (text) => status("news", text));
  }
}

addEventListener("error", ({ error, message }) => status("error", error?.message ?? message));
const lesson = lessonOf(asked());
if (lesson) new Lesson(lesson).open();
else overview();
keepForLater();
