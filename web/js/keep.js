// Keeps the pages for when there is no network. Where the browser has no place for them, they work all the same.

export function keepForLater() {
  if (navigator.serviceWorker && isSecureContext) navigator.serviceWorker.register("offline.js").catch(() => {});
}
