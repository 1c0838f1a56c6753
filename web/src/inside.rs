//! A look inside the model: what it makes of one example, and of a walk from there.

use burn::tensor::Tensor;
use gleaner_core::data::one_hot;
use gleaner_core::eigen::symmetric;
use gleaner_core::infer;
use gleaner_core::ink::{self, Framing};
use gleaner_core::measures::eval::{arg_max, entropy_of_logits, probabilities};
use gleaner_core::models::{Architecture as _, Classify as _, Generative as _};
use gleaner_core::nets::Classes;
use gleaner_core::traverse::{around, over_classes, responses};
use serde::Deserialize;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsError, JsValue};

use crate::paint::bitmap;
use crate::session::Session;
use gleaner_border::asked::{Whole, object_only, options};
use gleaner_border::exchange::{doubles, floats, indices, object};

/// How far a walk goes to each side: in units of the prior, whose standard deviation is 1 in every direction.
const FAR: f64 = 4.0;

/// Names of what is computed, in errors.
const PREDICTION: &str = "the prediction";
const WALK: &str = "the walk";

/// What [`Session::look`] takes: one of the three.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
enum Example {
    /// What a pen drew.
    #[serde(deserialize_with = "object_only")]
    Strokes(Drawn),
    /// A sample, by its row.
    Sample(Whole),
    /// Values, in the order of the model's shape.
    Values(Vec<f32>),
}

/// Strokes, and whether they are one of MNIST's digits.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Drawn {
    strokes: Vec<Vec<ink::Point>>,
    digit: bool,
}

/// What [`Session::walk`] takes.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WalkSettings {
    class: Whole,
    side: Whole,
}

#[wasm_bindgen]
impl Session {
    /// What the model makes of one example: `{ strokes: { strokes, digit } }`, `{ sample: row }` or `{ values }` to `{ x, predicted,
    /// probabilities, entropy, picture, reconstruction, styles }`: its values, the most probable class, `q(y|x)` and its entropy in
    /// nats, and three bitmaps: the example, what the model makes of its `z` and that class, and the same `z` in every class, a tile
    /// for each.
    ///
    /// Strokes are lists of `[x, y]`, each between 0 and 1 from the upper left corner; `digit` brings them to the size and place of
    /// MNIST's digits.
    ///
    /// # Errors
    /// If the example is none of this model's, or the device fails.
    #[wasm_bindgen(unchecked_return_type = "object")]
    pub async fn look(
        &self,
        #[wasm_bindgen(unchecked_param_type = "object")] request: JsValue,
    ) -> Result<JsValue, JsError> {
        let values = self.example(options("look", &request)?)?;
        let (features, tile) = (self.features(), self.tile());
        let x = self.upload(values.clone(), [1, features]);
        let logits = infer::finite(PREDICTION, self.model.classify(x.clone())).await?;
        let predicted = std::iter::once(arg_max(&logits) as i64);
        let y = Classes::Given(one_hot(predicted, self.config.classes(), &self.device));
        let z = self.model.encode(x, &y);
        let reconstruction = self.model.decode(z.clone(), &y).mean();
        let reconstruction = infer::finite("the reconstruction", reconstruction).await?;
        let styles = infer::finite("the styles", over_classes(&self.model, z.clone())).await?;
        self.made.borrow_mut().z = Some(z);
        Ok(object(&[
            ("x", floats(&values)),
            ("predicted", arg_max(&logits).into()),
            ("probabilities", doubles(&probabilities(&logits))),
            ("entropy", entropy_of_logits(&logits).into()),
            ("picture", bitmap(&values, features, tile).await?.into()),
            ("reconstruction", bitmap(&reconstruction, features, tile).await?.into()),
            ("styles", bitmap(&styles, features, tile).await?.into()),
        ]))
    }

    /// A walk from the `z` of the example that was looked at last, or from the middle of the prior, along the two directions that change
    /// `class` most: `{ class, side }` to `{ picture, distances, predicted, entropy }`, a bitmap of `side` times `side` tiles, the
    /// first direction to the right and the second upwards, how far each column and row is, and of each tile the most probable class
    /// and the entropy in nats.
    ///
    /// # Errors
    /// If the model has no such class, or the device fails.
    #[wasm_bindgen(unchecked_return_type = "object")]
    pub async fn walk(
        &self,
        #[wasm_bindgen(unchecked_param_type = "{ class: number, side: number }")] request: JsValue,
    ) -> Result<JsValue, JsError> {
        let WalkSettings { class, side } = options("walk", &request)?;
        let (class, side) = (class.count(), side.count());
        let classes = self.config.classes();
        if class >= classes || !(2..=32).contains(&side) {
            let rule = format!("classes are 0 to {}, side is 2 to 32", classes - 1);
            return Err(JsError::new(&format!("walk: class {class}, side {side}: {rule}")));
        }
        let z = self.place();
        let responses = infer::finite(WALK, responses(&self.model, z.clone(), class)).await?;
        let latent = self.model.latent();
        let (_, axes) = symmetric(responses.into_iter().map(f64::from).collect(), latent);
        let axes = axes.iter().take(2).flatten().map(|&value| value as f32);
        let axes: Vec<f32> = axes.chain(std::iter::repeat(0.0)).take(2 * latent).collect();
        let distances: Vec<f64> =
            (0..side).map(|at| FAR * (2.0 * at as f64 / (side - 1) as f64 - 1.0)).collect();
        let x = around(&self.model, z, class, self.upload(axes, [2, latent]), &distances);
        let logits = infer::finite(PREDICTION, self.model.classify(x.clone())).await?;
        let x = infer::finite(WALK, x).await?;
        let seen: Vec<usize> = logits.chunks_exact(classes).map(arg_max).collect();
        let entropy: Vec<f64> = logits.chunks_exact(classes).map(entropy_of_logits).collect();
        Ok(object(&[
            ("picture", bitmap(&x, self.features(), self.tile()).await?.into()),
            ("distances", doubles(&distances)),
            ("predicted", indices(&seen)),
            ("entropy", doubles(&entropy)),
        ]))
    }
}

impl Session {
    /// Where a walk starts.
    fn place(&self) -> Tensor<2> {
        let looked_at = self.made.borrow().z.clone();
        looked_at.unwrap_or_else(|| Tensor::zeros([1, self.model.latent()], &self.device))
    }

    /// The values of an example.
    fn example(&self, example: Example) -> Result<Vec<f32>, JsError> {
        let values = self.values(example)?;
        match values.iter().position(|value| !value.is_finite()) {
            None => Ok(values),
            Some(at) => {
                let rule = format!("number {at} of the example is too large for 32 bits");
                Err(JsError::new(&format!("look: {rule}")))
            }
        }
    }

    fn values(&self, example: Example) -> Result<Vec<f32>, JsError> {
        let features = self.features();
        match example {
            Example::Values(values) if values.len() == features => Ok(values),
            Example::Values(values) => {
                let found = values.len();
                let rule = format!("values holds {found} numbers, but this model takes {features}");
                Err(JsError::new(&format!("look: {rule}")))
            }
            Example::Sample(row) => {
                let (samples, row) = (self.samples()?, row.count());
                if row >= samples.len() {
                    let rule = format!("there is no sample {row}: use one below {}", samples.len());
                    return Err(JsError::new(&format!("look: {rule}")));
                }
                Ok(samples.pick(&[row]).x)
            }
            Example::Strokes(Drawn { strokes, digit }) => {
                let [height, width, channels] = *self.config.shape() else {
                    return Err(JsError::new("look: strokes need a model of pictures: use values"));
                };
                if height != width {
                    return Err(JsError::new("look: strokes need square pictures: use values"));
                }
                let framing = if digit { Framing::Digit } else { Framing::Sheet };
                let grey = ink::picture(&strokes, width, framing);
                Ok(grey.into_iter().flat_map(|v| std::iter::repeat_n(v, channels)).collect())
            }
        }
    }
}
