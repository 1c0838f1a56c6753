// Keeps the page for when there is no network. With one, everything comes fresh from it, so that no visitor is left with an old page.

const NAME = "gleaner";
const FILES = [
  "./",
  "style.css",
  "icon.svg",
  "third-party.txt",
  "gleaner-web.js",
  "gleaner-web_bg.wasm",
  ...[
    "app", "away", "certificate", "chart", "checkpoints", "coreset", "dom", "engine", "fields", "filter", "generate", "grid", "inside", "link",
    "map", "spaces", "worker",
  ].map((name) => `js/${name}.js`),
];

// The models, as their list names them.
async function models() {
  const list = "checkpoints/index.json";
  const files = (await (await fetch(list)).json()).flatMap(({ id }) =>
    ["summary.json", "model.safetensors"].map((name) => `checkpoints/${id}/${name}`),
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
