// The step in a thread of its own, asked by messages [request, argument]; each is answered by { value } or { error }.

import { Step, start, tensors } from "./m2.mjs";

let step;

const requests = {
  async open({ variant, fixture, folder }) {
    const about = await start(folder);
    step = new Step(variant, fixture);
    return { ...about, isolated: crossOriginIsolated, ...step.first() };
  },

  // As many steps as there is time for, at least one, at most `most`.
  round({ seconds, most = Infinity }) {
    const started = performance.now();
    let [steps, passed, before] = [0, 0, 0];
    do {
      step.take();
      steps += 1;
      // What the first step leaves is disposed of by the next one.
      before ||= tensors();
      passed = (performance.now() - started) / 1000;
    } while (passed < seconds && steps < most);
    if (tensors() !== before) throw new Error(`${tensors() - before} tensors were left behind`);
    return { steps, seconds: passed, ...step.last() };
  },
};

onmessage = async ({ data: [request, argument] }) => {
  try {
    postMessage({ value: await requests[request](argument) });
  } catch (error) {
    postMessage({ error: error.stack });
  }
};
