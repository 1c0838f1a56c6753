// Asks before a page is left with what it has learned, if that took a while and nothing of it was taken away.
//
// A training says "taken" when the visitor has something of it.

const LONG = 15_000; // milliseconds of training that nobody minds to lose

export function askBeforeLeaving(training) {
  let spent = 0; // on what was learned since something was taken away, ...
  let since = null; // ... and since when it is learning

  const stop = () => {
    if (since !== null) spent += performance.now() - since;
    since = null;
  };
  const forget = () => {
    spent = 0;
    since = training.playing ? performance.now() : null;
  };
  for (const news of ["made", "canceled", "taken"]) training.addEventListener(news, forget);
  training.addEventListener("playing", () => {
    stop();
    if (training.playing) since = performance.now();
  });
  addEventListener("beforeunload", (event) => {
    const learned = spent + (since === null ? 0 : performance.now() - since);
    if (learned > LONG) event.preventDefault();
  });
}
