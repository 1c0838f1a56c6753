// The program that trains on the CPU, in a worker: small enough to be there at once.

import { serve } from "../serve.js";

serve({
  load: () => import("../../gleaner-training.js"),
  name: "Trainer",
  wasm: new URL("../../gleaner-training_bg.wasm", import.meta.url),
  nothing: "nothing is being trained: choose data first",
});
