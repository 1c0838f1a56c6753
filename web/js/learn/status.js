// The line in which a page says what it is doing.

// How to say something there; what is said again is not read out again. Kinds: busy, done, news, idle, error.
export const speaker = (line) => (kind, text) => {
  if (line.textContent === text && line.dataset.kind === kind) return;
  line.dataset.kind = kind;
  line.textContent = text;
};

// What a training says of itself is said there, too. How much of the program has come matters to who waits for it.
export function follow(training, say, waits = () => !training.about) {
  training.addEventListener("news", ({ detail }) => say("news", detail));
  let troubled = false;
  training.addEventListener("trouble", ({ detail }) => {
    troubled = true;
    say("error", detail);
  });
  // What was wrong with labels or weights is mended by others.
  training.addEventListener("accepted", () => {
    if (troubled) say("done", "");
    troubled = false;
  });
  training.addEventListener("progress", ({ detail: { loaded } }) => {
    if (waits()) say("busy", `Loading the program: ${(loaded / 1e6).toFixed(1)} MB…`);
  });
}
