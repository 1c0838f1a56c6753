// The note beside the pointer.

import { element } from "./dom.js";

// Says something at a pointer's place, or nothing.
export function tip(text, event) {
  const note = element("tip");
  note.hidden = !text;
  if (!text) return;
  note.textContent = text;
  const left = Math.max(4, Math.min(event.clientX + 14, innerWidth - note.offsetWidth - 8));
  note.style.transform = `translate(${left}px, ${event.clientY + 20}px)`;
}
