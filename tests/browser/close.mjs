// How near numbers of the page are to those of the native build.

import assert from "node:assert/strict";

// The largest difference allowed, relative to the larger of the two; values far below the scale of the
// whole answer (a logit near zero is a difference of large terms) count as a tenth of it. Sums of up to 64
// terms in another order differ by about 1e-6; 1e-4 is the promise.
export const TOLERANCE = 1e-4;

export function worstDifference(found, wanted) {
  assert.equal(found.length, wanted.length, "number of values");
  const scale = Math.sqrt(wanted.reduce((sum, value) => sum + value * value, 0) / wanted.length);
  let worst = 0;
  wanted.forEach((value, index) => {
    assert.ok(Number.isFinite(found[index]), `value ${index} is ${found[index]}`);
    const size = Math.max(Math.abs(value), Math.abs(found[index]), 0.1 * scale, Number.MIN_VALUE);
    worst = Math.max(worst, Math.abs(found[index] - value) / size);
  });
  return worst;
}

export function assertClose(context, name, found, wanted, tolerance = TOLERANCE) {
  const worst = worstDifference(found, wanted);
  context.diagnostic(`${name}: largest relative difference ${worst.toExponential(2)}`);
  assert.ok(worst <= tolerance, `${name} differs by ${worst}`);
}

const EXACT = ["y", "index", "source_index", "weight", "source_files", "source_file", "source_row"];

// The arrays of two files, numbers nearly and everything else exactly the same.
export function assertSameArrays(context, what, found, wanted, tolerance = 1e-3) {
  assert.deepEqual(Object.keys(found).sort(), Object.keys(wanted).sort(), `${what}: names`);
  for (const [name, { shape, values }] of Object.entries(wanted)) {
    assert.deepEqual(found[name].shape, shape, `${what}: shape of ${name}`);
    if (EXACT.includes(name)) {
      assert.deepEqual(found[name].values, values, `${what}: ${name}`);
    } else assertClose(context, `${what}: ${name}`, found[name].values, values, tolerance);
  }
}
