// Keeps the pages for when there is no network. With one, everything comes fresh from it, so that no visitor is left with an old one.

const NAME = "gleaner";
const FILES = [
  "./",
  "play.html",
  "lessons.html",
  "own.html",
  "digits.html",
  "data/digits-images-idx3-ubyte.gz",
  "data/digits-labels-idx1-ubyte.gz",
  "data/mnist-thin.npz",
  "style.css",
  "learn.css",
  "own.css",
  "digits.css",
  "lessons.css",
  "icon.svg",
  "third-party.txt",
  "gleaner-web.js",
  "gleaner-web_bg.wasm",
  "gleaner-training.js",
  "gleaner-training_bg.wasm",
  ...[
    "app", "away", "badge", "certificate", "chart", "checkpoints", "coreset", "dom", "engine", "fields", "filter", "generate", "grid", "inside",
    "keep", "link", "lost", "map", "serve", "spaces", "tip", "worker",
    ...[
      "address", "box", "contours", "controls", "copy", "curves", "data", "easel", "energy", "formula", "glyph", "hand", "hero", "layers", "models",
      "nearest", "numbers", "pair", "palette", "picks", "plane", "play", "play-away", "play-choice", "play-model", "play-points", "play-sight", "status",
      "weight-slider",
      "lesson-cards", "lesson-coreset", "lesson-dots", "lesson-energy", "lesson-filter", "lesson-mier", "lesson-samples", "lesson-stage",
      "lesson-worth", "lessons", "place", "programs", "regions", "scene", "thumbnail", "toy", "training", "worker", "worker-gpu",
      "chance", "digit-away", "digit-data", "digit-drawing", "digit-keys", "digit-labels", "digit-models", "digit-speed", "digit-watch", "digits",
      "hand-over", "ink", "pad", "pictures", "readings", "tray", "unsaved",
      "own", "own-accuracy", "own-away", "own-directions", "own-example", "own-file", "own-look", "own-profile", "own-rows", "own-scatter",
      "own-seen", "own-tables",
    ].map((name) => `learn/${name}`),
  ].map((name) => `js/${name}.js`),
];

// The models, as their list names them.
async function models() {
  const list = "checkpoints/index.json";
  const files = (await (await fetch(list)).json()).flatMap(({ id, picture }) =>
    ["summary.json", "model.safetensors", picture].filter(Boolean).map((name) => `checkpoints/${id}/${name}`),
  );
  return [list, ...files];
}

async function keep() {
  const cache = await caches.open(NAME);
  await cache.addAll([...FILES, ...(await models())]);
}

async function answer(request) {
  const cache = await caches.open(NAME);
  try {
    const response = await fetch(request);
    if (response.ok && response.status === 200) await cache.put(request.url.split("?")[0], response.clone());
    return response;
  } catch (error) {
    const kept = await cache.match(request, { ignoreSearch: true });
    if (kept) return kept;
    throw error;
  }
}

addEventListener("install", (event) => {
  skipWaiting();
  event.waitUntil(keep());
});
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method === "GET" && request.url.startsWith(registration.scope)) event.respondWith(answer(request));
});
