// Where to train: on the visitor's GPU if there is one and it pays, else on the CPU, with the reason.

const PAYS = 28 * 28; // values of an example from which on the page asks for a GPU
// Adapters that are the CPU under another name: what trains on the CPU directly is quicker.
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|softwarerasterizer|basic render/i;

const NONE = "this browser offers no GPU to pages";

const sentence = (error) => (error instanceof Error ? error.message : String(error));

const told = ({ vendor, architecture, device, description }) => [vendor, architecture, device, description].filter(Boolean).join(" ");

// Why the browser's adapter is not to be used, as { reason, why }; null if it is a GPU.
async function objection() {
  if (!navigator.gpu) return { reason: NONE, why: "this browser has no WebGPU, or this address has no https" };
  let adapter;
  try {
    adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
  } catch (error) {
    return { reason: NONE, why: sentence(error) };
  }
  if (!adapter) return { reason: NONE, why: "the browser found no adapter for WebGPU" };
  const info = adapter.info ?? {};
  const software = info.isFallbackAdapter || adapter.isFallbackAdapter || SOFTWARE.test(told(info));
  return software ? { reason: "this browser has no real GPU", why: `its adapter, ${told(info) || "a fallback"}, computes on the CPU, too` } : null;
}

// What a badge says of it: as it was planned, or of what is being trained, with what was given up since.
export function inWords({ on, reason, why }, about, gaveUp) {
  const backend = about?.backend ?? (on === "cpu" ? "cpu" : "webgpu");
  if (backend === "webgpu") return { backend, words: "GPU: WebGPU", why: "Training computes on the GPU." };
  let because = { reason, why };
  if (gaveUp) because = { reason: "without the GPU", why: gaveUp };
  else if (about?.reason) because = { reason: NONE, why: about.reason };
  return { backend, words: `CPU (${because.reason})`, why: `Training computes on one core of the CPU, with 128-bit SIMD (${because.why}).` };
}

// Where to train on examples of so many values: { on } as the program takes it, with the `reason` for the CPU in a person's words and
// `why` in technical ones. `asked` is what the visitor says of it.
export async function place(features, asked) {
  if (asked === "webgpu") return { on: "webgpu" };
  if (asked === "cpu") return { on: "cpu", reason: "as the address says", why: "the address has on=cpu" };
  if (features < PAYS) return { on: "cpu", reason: "small pictures", why: "a GPU is asked for from 28 × 28 pixels on" };
  const against = await objection();
  return against ? { on: "cpu", ...against } : { on: "auto" };
}
