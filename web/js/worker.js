// The program that draws, filters and picks, in a worker.

import { hearOfLoss } from "./lost.js";
import { serve } from "./serve.js";

hearOfLoss();
serve({
  load: () => import("../gleaner-web.js"),
  name: "Session",
  wasm: new URL("../gleaner-web_bg.wasm", import.meta.url),
  nothing: "no model is open: choose a model first",
});
