// Buttons that copy a text.

const SHOWN = 1600; // milliseconds

// The button itself says that it is done, and `say` hears what `done` returns, or what to do where the browser does not allow it.
export function copies(button, text, say, done = () => "") {
  const words = button.textContent;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text());
    } catch {
      say(`The browser does not let the page copy. Copy this: ${text()}`);
      return;
    }
    button.textContent = "Copied";
    setTimeout(() => {
      button.textContent = words;
    }, SHOWN);
    if (done()) say(done());
  });
}
