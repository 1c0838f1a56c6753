// The program that draws, filters and picks, in a worker.

import { serve } from "./serve.js";

// The framework keeps its device to itself; here is where one hears that it was lost.
if (self.GPUAdapter) {
  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = async function (...args) {
    const device = await requestDevice.apply(this, args);
    device.lost.then(({ message, reason }) => postMessage({ news: "lost", reason: message || reason }));
    return device;
  };
}

serve({
  load: () => import("../gleaner-web.js"),
  name: "Session",
  wasm: new URL("../gleaner-web_bg.wasm", import.meta.url),
  nothing: "no model is open: choose a model first",
});
