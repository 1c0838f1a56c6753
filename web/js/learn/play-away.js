// What the visitor takes away from the playground: the model, the points, the run, the command, a link.

import { element, save } from "../dom.js";
import { copies } from "./copy.js";

const FILES = [
  ["save-model", "model.safetensors", "application/octet-stream", (training) => training.ask("model")],
  ["save-run", "run.zip", "application/zip", (training) => training.ask("run")],
  ["save-points", "points.csv", "text/csv", async (training) => (await training.ask("data")).bytes],
];

const say = (text) => {
  element("away-status").textContent = text;
};

export function setUpAway({ training }) {
  for (const [button, name, type, bytes] of FILES) {
    element(button).addEventListener("click", async () => {
      if (!training.about) {
        say("Nothing is trained yet.");
        return;
      }
      try {
        save(name, new Blob([await bytes(training)], { type }));
        say(`Saved ${name}.`);
      } catch (error) {
        say(error.message);
      }
    });
  }
  copies(element("copy-command"), () => element("command").textContent, say, () => "The command is copied.");
  for (const id of ["copy-link", "copy-link-top"]) {
    copies(element(id), () => location.href, say, () => "The link is copied. It restores data, labels, model and settings.");
  }
}
