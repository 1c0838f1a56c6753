// The peer in a browser: open it, ask for rounds of training, close it. What it is compared with may take its own rounds in
// between, in the same browser: a page that is not asked does nothing.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { readNpz } from "../../tests/browser/npz.mjs";

const HERE = import.meta.dirname;
const BUILDS = path.join(HERE, "node_modules/@tensorflow/tfjs-backend-wasm/dist");

let server, browser, page;

// The weights of a safetensors file: { name: { values, shape } }.
function weightsOf(bytes) {
  const start = 8 + Number(bytes.readBigUInt64LE());
  const { __metadata__, ...header } = JSON.parse(bytes.toString("utf8", 8, start));
  const config = JSON.parse(__metadata__.config);
  const oneLayer = [config.hidden, config.classifier_hidden].every((hidden) => hidden.length === 1);
  if (config.model !== "m2" || config.likelihood !== "bernoulli" || config.activation !== "relu" || !oneLayer) {
    throw new Error("the peer is M2 of bits with one hidden layer of ReLUs");
  }
  const array = ({ shape, data_offsets: offsets }) => {
    const own = new Uint8Array(bytes.subarray(start + offsets[0], start + offsets[1]));
    return { shape, values: Array.from(new Float32Array(own.buffer)) };
  };
  return Object.fromEntries(Object.entries(header).map(([name, entry]) => [name, array(entry)]));
}

async function read(folder) {
  const file = (name) => readFile(path.join(folder, name));
  return {
    weights: weightsOf(await file("model.safetensors")),
    batch: readNpz(await file("batch.npz")),
    settings: JSON.parse(await file("step.json")),
  };
}

// The page, the worker with everything that it imports as one module, and the builds of the back end.
async function serve() {
  const entryPoints = [path.join(HERE, "worker.mjs")];
  const bundle = await build({ entryPoints, bundle: true, minify: true, format: "esm", write: false, logLevel: "error" });
  const files = {
    "/": ["text/html", () => readFile(path.join(HERE, "page.html"))],
    "/worker.js": ["text/javascript", () => bundle.outputFiles[0].contents],
  };
  const wasm = (name) => ["application/wasm", () => readFile(path.join(BUILDS, path.basename(name)))];
  server = createServer(async ({ url }, response) => {
    try {
      const [type, body] = files[url] ?? (url.endsWith(".wasm") ? wasm(url) : []);
      const content = await body();
      response.writeHead(200, { "content-type": type }).end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${server.address().port}/`;
}

const ask = (request, argument) => page.evaluate((asked) => ask(...asked), [request, argument]);

// Opens the peer with what `gleaner bench recipe --fixture FOLDER` wrote, in a browser of its own unless one is given.
// Returns what it says of itself, and the objective and the norm of the gradient of the first step.
export async function open({ fixture, variant = "tuned", browser: given }) {
  const address = await serve();
  if (!given) {
    const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
    browser = await chromium.launch({ executablePath, args: ["--no-sandbox"], headless: true });
  }
  page = await (given ?? browser).newPage();
  const builds = [];
  page.on("request", (request) => {
    if (request.url().endsWith(".wasm")) builds.push(path.basename(request.url()));
  });
  page.on("pageerror", (error) => process.stderr.write(`${error}\n`));
  await page.goto(address);
  const about = await ask("open", { variant, fixture: await read(fixture), folder: address });
  if (builds.join() !== "tfjs-backend-wasm-simd.wasm" || about.threads !== 1) {
    throw new Error(`not SIMD on one thread: the back end took ${builds.join(" and ")}, ${about.threads} threads`);
  }
  return { ...about, variant, build: builds[0], chromium: (given ?? browser).version() };
}

// Trains for so many seconds, or `most` steps. Returns how many steps that were, how long they took to the end of the last
// one, and what the last one found.
export const round = (seconds, most) => ask("round", { seconds, most });

export async function close() {
  await page?.close();
  await browser?.close();
  server?.closeAllConnections();
  server?.close();
  server = browser = page = undefined;
}
