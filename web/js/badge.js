// Where the page computes, in a person's words; the program's own stand behind them.

import { element } from "./dom.js";

// `backend` is "webgpu" or "cpu", `words` a few of a person's, `why` a sentence or two for who wants to know more.
export function showBadge({ backend, words, why }) {
  element("badge").dataset.backend = backend;
  element("badge-text").textContent = words;
  element("badge-why").textContent = why;
}
