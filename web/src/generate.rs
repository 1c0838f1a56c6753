//! Drawing samples, in one go or step by step.

use std::rc::Rc;

use gleaner_core::drawing::{Drawing, Wish};
use gleaner_core::infer;
use gleaner_core::measures::predictions::{Predictions, Scale};
use gleaner_core::models::{Architecture as _, Model};
use gleaner_core::noise::Noise;
use gleaner_core::sample::SampleSet;
use gleaner_core::sampler::Convention;
use serde::Deserialize;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsError, JsValue};

use crate::paint::bitmap;
use crate::session::Session;
use gleaner_border::asked::{Whole, argument, options};
use gleaner_border::exchange::{doubles, floats, indices, integers, object};

/// Most values that one drawing may hold: a page that asks for more has made a mistake, and would run out
/// of memory before it could say so.
const MOST_VALUES: usize = 1 << 26;

/// What [`Session::begin`] and [`Session::generate`] take. The settings of chains are the model's own where none are given.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Root of every draw: the same seed gives the same samples.
    seed: Whole,
    /// Samples of each class, at least 1.
    per_class: Whole,
    /// Which classes; all of them unless named.
    classes: Option<Vec<Whole>>,
    /// Steps of a chain.
    steps: Option<Whole>,
    /// Size of a step.
    step_size: Option<f64>,
    /// What that size means.
    convention: Option<Convention>,
    /// Of the target.
    temperature: Option<f64>,
}

#[wasm_bindgen]
impl Session {
    /// Starts drawing: `{ seed, per_class, classes?, steps?, step_size?, convention?, temperature? }` to `{ y, taken, left }`, the
    /// class of each sample and how many steps its chain has taken and has left: none, where `z` has a prior to draw from at
    /// once.
    ///
    /// # Errors
    /// If the options are not those, or no model can be asked so.
    #[wasm_bindgen(unchecked_return_type = "{ y: Int32Array, taken: number, left: number }")]
    pub async fn begin(
        &self,
        #[wasm_bindgen(unchecked_param_type = "object")] request: JsValue,
    ) -> Result<JsValue, JsError> {
        let settings: Settings = options("generate", &request)?;
        let model = self.set_up(&settings)?;
        let every = || (0..self.config.classes()).collect();
        let named = |classes: Vec<Whole>| classes.into_iter().map(Whole::count).collect();
        let classes = settings.classes.map_or_else(every, named);
        let wish = Wish { per_class: settings.per_class.count(), classes };
        let values = wish.per_class.saturating_mul(self.config.classes() * self.features());
        if wish.per_class == 0 || values > MOST_VALUES {
            let most = MOST_VALUES / (self.config.classes() * self.features());
            let rule = format!("per_class is {}: use 1 to {most}", wish.per_class);
            return Err(JsError::new(&format!("generate: {rule}")));
        }
        let mut noise = Noise::new(u64::from(settings.seed.0)).split("samples");
        let drawing = Drawing::start(&model, &wish, &mut noise, &self.device)?;
        let (taken, left) = drawing.progress();
        let answer = object(&[
            ("y", indices(drawing.labels())),
            ("taken", taken.into()),
            ("left", left.into()),
        ]);
        self.made.borrow_mut().drawing = Some((model, drawing));
        Ok(answer)
    }

    /// Takes so many steps of the chains, or as many as are left: `{ taken, left, log_density, gradient_norm }`, the last two means
    /// over all chains where they are now, and undefined where there are none.
    ///
    /// # Errors
    /// If that is no number of steps, nothing was begun, the chains have left the finite numbers, or the device fails.
    #[wasm_bindgen(unchecked_return_type = "object")]
    pub async fn advance(
        &self,
        #[wasm_bindgen(unchecked_param_type = "number")] steps: JsValue,
    ) -> Result<JsValue, JsError> {
        let steps: Whole = argument("advance", "steps", &steps)?;
        let (model, mut drawing) = self.made.borrow_mut().drawing.take().ok_or_else(not_begun)?;
        drawing.advance(&model, steps.count());
        let means = drawing.means();
        let (taken, left) = drawing.progress();
        self.made.borrow_mut().drawing = Some((model, drawing));
        let [log_density, gradient_norm] = match means {
            None => [JsValue::UNDEFINED; 2],
            Some(means) => {
                let means = infer::finite("the chains", means).await?;
                [means[0].into(), means[1].into()]
            }
        };
        Ok(object(&[
            ("taken", taken.into()),
            ("left", left.into()),
            ("log_density", log_density),
            ("gradient_norm", gradient_norm),
        ]))
    }

    /// The samples as they are now, as a bitmap with a tile for each.
    ///
    /// # Errors
    /// If nothing was begun, or the device fails.
    #[wasm_bindgen(unchecked_return_type = "ImageBitmap")]
    pub async fn picture(&self) -> Result<JsValue, JsError> {
        let (model, drawing) = self.drawing()?;
        let x = infer::finite("the samples", drawing.samples(&model).x).await?;
        Ok(bitmap(&x, self.features(), self.tile()).await?.into())
    }

    /// Takes the steps that are left and makes the samples those that everything else works on: `{ y, predicted, entropy,
    /// agreement, picture }`, by sample the class it was drawn for, the most probable one and the entropy in nats, then the share of
    /// samples in which the two are the same, and a bitmap with a tile for each.
    ///
    /// # Errors
    /// If nothing was begun, or the device fails.
    #[wasm_bindgen(unchecked_return_type = "object")]
    pub async fn finish(&self) -> Result<JsValue, JsError> {
        let samples = self.complete().await?;
        let predictions = predictions(&samples)?;
        let rows = 0..samples.len();
        let predicted: Vec<usize> = rows.clone().map(|row| predictions.predicted(row)).collect();
        let agreeing = rows.filter(|&row| predictions.agrees(row)).count();
        let picture = bitmap(&samples.x, self.features(), self.tile()).await?;
        Ok(object(&[
            ("y", indices(predictions.labels())),
            ("predicted", indices(&predicted)),
            ("entropy", doubles(&samples.entropy())),
            ("agreement", (agreeing as f64 / samples.len() as f64).into()),
            ("picture", picture.into()),
        ]))
    }

    /// Draws samples in one go: the options of [`Session::begin`] to `{ x, y, z, logits, entropy }`, class by class.
    ///
    /// `x` holds the expected observations `[rows, features]`, `y` the intended classes, `z` what was latent, `logits` those of
    /// `q(y|x)` `[rows, classes]`, and `entropy` the entropy of `q(y|x)` in nats. The same seed gives the
    /// same samples on every device, to rounding, and the same as `gleaner sample --seed`.
    ///
    /// # Errors
    /// If the options are not those, or the device fails.
    #[wasm_bindgen(unchecked_return_type = "{ x: Float32Array, y: Int32Array, z: Float32Array, \
                                            logits: Float32Array, entropy: Float32Array }")]
    pub async fn generate(
        &self,
        #[wasm_bindgen(unchecked_param_type = "object")] request: JsValue,
    ) -> Result<JsValue, JsError> {
        self.begin(request).await?;
        let samples = self.complete().await?;
        let entropy: Vec<f32> = samples.entropy().iter().map(|&entropy| entropy as f32).collect();
        Ok(object(&[
            ("x", floats(&samples.x)),
            ("y", integers(&samples.y)),
            ("z", floats(&samples.z)),
            ("logits", floats(&samples.logits)),
            ("entropy", floats(&entropy)),
        ]))
    }
}

impl Session {
    /// The model with the settings that were asked for.
    fn set_up(&self, settings: &Settings) -> Result<Model, JsError> {
        let mut model = self.model.clone();
        let Settings { steps, step_size, convention, temperature, .. } = *settings;
        let asks =
            steps.is_some() || step_size.is_some() || convention.is_some() || temperature.is_some();
        match &mut model {
            Model::LatentEbm(model) => {
                let chains = &mut model.langevin;
                chains.steps = steps.map_or(chains.steps, Whole::count);
                chains.step_size = step_size.unwrap_or(chains.step_size);
                chains.convention = convention.unwrap_or(chains.convention);
                chains.temperature = temperature.unwrap_or(chains.temperature);
                chains.check()?;
            }
            _ if asks => {
                let rule = "it draws z without chains: leave the chain settings out";
                return Err(JsError::new(&format!("generate: {}: {rule}", self.config.name())));
            }
            _ => {}
        }
        Ok(model)
    }

    /// The drawing as it stands, for somebody who only looks at it.
    fn drawing(&self) -> Result<(Model, Drawing), JsError> {
        self.made.borrow().drawing.clone().ok_or_else(not_begun)
    }

    /// Takes the steps that are left and keeps the samples.
    async fn complete(&self) -> Result<Rc<SampleSet>, JsError> {
        let (model, mut drawing) = self.drawing()?;
        drawing.advance(&model, usize::MAX);
        let label = |&label: &usize| if self.config.classifies() { label as i64 } else { -1 };
        let y = drawing.labels().iter().map(label).collect();
        let samples =
            infer::samples(&model, drawing.samples(&model), self.config.shape(), y).await?;
        let samples = Rc::new(samples);
        let mut made = self.made.borrow_mut();
        made.drawing = None;
        made.samples = Some(samples.clone());
        (made.judged_by, made.kept, made.coreset) = (None, None, None);
        Ok(samples)
    }
}

/// What the classifier says of samples. A model without classes draws for none: its samples count as drawn for the first.
pub(crate) fn predictions(samples: &SampleSet) -> Result<Predictions, JsError> {
    let labels: Vec<i64> = samples.y.iter().map(|&label| label.max(0)).collect();
    let (logits, classes) = (samples.logits.clone(), samples.classes());
    Ok(Predictions::new(logits, Scale::Logits, classes, &labels, "the samples")?)
}

fn not_begun() -> JsError {
    JsError::new("nothing is being drawn: call begin first")
}
