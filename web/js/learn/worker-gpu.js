// The program that trains where there is a GPU, in a worker: the one that draws elsewhere trains, too.

import { hearOfLoss } from "../lost.js";
import { serve } from "../serve.js";

hearOfLoss();
serve({
  load: () => import("../../gleaner-web.js"),
  name: "Trainer",
  wasm: new URL("../../gleaner-web_bg.wasm", import.meta.url),
  nothing: "nothing is being trained: choose data first",
});
