// The objective of M2 and its gradient by the chain rule: two thirds of the operations that tf.variableGrads needs, and no
// copies of what a tape saves on the way.

import * as tf from "@tensorflow/tfjs-core";

const LOG_VAR_BOUND = 8;

const fused = (a, [b, bias], activation = "linear") => tf.fused.matMul({ a, b, bias, activation });

export function closedForm(weights, batch, epsilon) {
  const { labelled, unlabelled, classes, targets, examples, x, y, both } = batch;
  const every = classes * unlabelled;
  const of = (name) => [weights[`${name}.weight`], weights[`${name}.bias`]];
  const gradients = {};
  const ones = Object.fromEntries([x, examples].map(({ shape: [count] }) => [count, tf.ones([1, count])]));
  // What a layer learns from the slope of its output, and from the transpose of its input.
  const learn = (name, transposed, slope) => {
    gradients[`${name}.weight`] = transposed.matMul(slope);
    gradients[`${name}.bias`] = ones[slope.shape[0]].matMul(slope).reshape([slope.shape[1]]);
  };
  const below = (name, slope) => slope.matMul(weights[`${name}.weight`].transpose());

  const hidden = fused(examples, of("classifier.hidden.0"), "relu");
  const logQ = fused(hidden, of("classifier.output")).logSoftmax();
  const [weight, bias] = of("encoder.input.features");
  const h = fused(both, [tf.concat([weight, weights["encoder.input.classes"]]), bias], "relu");
  const mean = fused(h, of("encoder.mean"));
  const tanh = fused(h, of("encoder.log_var")).div(LOG_VAR_BOUND).tanh();
  const logVar = tanh.mul(LOG_VAR_BOUND);
  const deviation = logVar.mul(0.5).exp();
  const variance = deviation.square();
  const spread = deviation.mul(epsilon);
  const z = mean.add(spread);
  const decoded = fused(z, of("decoder.input.features")).add(y.matMul(weights["decoder.input.classes"])).relu();
  const logits = fused(decoded, of("decoder.output"));
  const divergence = mean.square().add(variance).sub(logVar).sub(1).sum(1).mul(0.5);
  const bound = x.mul(logits).sub(logits.softplus()).sum(1).sub(divergence);

  const logQu = logQ.slice(0, unlabelled);
  const q = logQu.exp();
  const share = tf.concat([q.transpose().reshape([every]).mul(-1 / unlabelled), tf.fill([labelled], -1 / labelled)]);
  const value = bound.mul(share).sum().add(2 * Math.log(classes));
  const entropy = q.mul(logQu).sum().div(-unlabelled);
  const objective = value.sub(entropy).add(logQ.mul(targets).sum());

  // Of the classifier: through the cross-entropy, and through q in the unlabelled bound.
  const surplus = bound.slice(0, every).reshape([classes, unlabelled]).transpose().sub(logQu);
  const expected = q.mul(surplus).sum(1, true);
  const throughQ = q.mul(surplus.sub(expected)).mul(-1 / unlabelled);
  const labels = targets.sub(logQ.exp().mul(targets.sum(1, true)));
  const ofLogQ = labels.add(throughQ.pad([[0, labelled], [0, 0]]));
  learn("classifier.output", hidden.transpose(), ofLogQ);
  learn("classifier.hidden.0", examples.transpose(), below("classifier.output", ofLogQ).mul(hidden.step()));

  // Of the decoder.
  const column = share.expandDims(1);
  const ofLogits = x.sub(logits.sigmoid()).mul(column);
  learn("decoder.output", decoded.transpose(), ofLogits);
  const ofDecoded = below("decoder.output", ofLogits).mul(decoded.step());
  learn("decoder.input.features", z.transpose(), ofDecoded);
  gradients["decoder.input.classes"] = y.transpose().matMul(ofDecoded);

  // Of the encoder.
  const ofZ = below("decoder.input.features", ofDecoded);
  const ofMean = ofZ.sub(mean.mul(column));
  const ofLogVar = ofZ.mul(spread).sub(variance.sub(1).mul(column)).mul(0.5);
  const ofRaw = ofLogVar.mul(tf.scalar(1).sub(tanh.square()));
  const hTransposed = h.transpose();
  learn("encoder.mean", hTransposed, ofMean);
  learn("encoder.log_var", hTransposed, ofRaw);
  const ofFirst = below("encoder.mean", ofMean).add(below("encoder.log_var", ofRaw)).mul(h.step());
  learn("encoder.input.features", both.transpose(), ofFirst);
  const [ofFeatures, ofClasses] = tf.split(gradients["encoder.input.features.weight"], [weight.shape[0], classes]);
  Object.assign(gradients, { "encoder.input.features.weight": ofFeatures, "encoder.input.classes": ofClasses });
  return { value: objective, gradients };
}
