// Toy points on their way into a comparison: for the playground, the first screen and whoever shows the plane.

import { COUNT, HELD_OUT } from "./data.js";

// Draws points of a kind and shows them; training on them is then a matter of `training.open({ data: scene.data, settings })`.
// `labels` of the options is how many have one; `give` may change which: it is called with the points and returns the labels. Resolves to
// null, with nothing shown, where they are not `wanted` any more when they are there.
export async function showToy({ training, scene, pair }, { count = COUNT, seed = 0, ...options }, give = ({ given }) => given, wanted = () => true) {
  const points = await training.askProgram("toy", { count, heldOut: HELD_OUT, seed, ...options });
  if (!wanted()) return null;
  training.halt();
  scene.show({ ...points, given: give(points) });
  pair.held = { x: points.heldX, y: points.heldY };
  pair.unseen = true;
  return points;
}
