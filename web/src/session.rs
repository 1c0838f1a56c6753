//! A loaded checkpoint on a device: what a page calls.

use burn::tensor::{Device, Tensor, TensorData};
use gleaner_core::checkpoint::Checkpoint;
use gleaner_core::models::{Architecture as _, Generative as _, Model, ModelConfig};
use gleaner_core::nets::Classes;
use gleaner_core::noise::Noise;
use gleaner_core::workers::InTurn;
use gleaner_core::{eval, infer, sample};
use js_sys::Uint8Array;
use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsError, JsValue};

use crate::backend::{self, Backend};
use crate::exchange::{GenerateOptions, field, floats, indices, labels, numbers, object, options};

/// Most values that one call may return: a page that asks for more has made a mistake, and would run out
/// of memory before it could say so.
const MOST_VALUES: usize = 1 << 26;

/// A loaded checkpoint on a device.
#[wasm_bindgen]
pub struct Session {
    model: Model,
    config: ModelConfig,
    device: Device,
    backend: Backend,
    fallback_reason: Option<String>,
}

#[wasm_bindgen]
impl Session {
    /// Loads the bytes of a `model.safetensors` onto `"webgpu"`, `"cpu"`, or `"auto"`: the first where the
    /// browser has it, else the second.
    ///
    /// # Errors
    /// If the bytes are no checkpoint, or `"webgpu"` is not to be had.
    pub async fn create(checkpoint: Uint8Array, backend: String) -> Result<Session, JsError> {
        let request = backend.parse().map_err(|error: String| JsError::new(&error))?;
        let checkpoint = Checkpoint::from_bytes(&checkpoint.to_vec())?;
        let opened = backend::open(request).await.map_err(|error| JsError::new(&error))?;
        let model = checkpoint.build(&opened.device)?;
        Ok(Self {
            model,
            config: checkpoint.config,
            device: opened.device,
            backend: opened.backend,
            fallback_reason: opened.fallback_reason,
        })
    }

    /// `"webgpu"` or `"cpu"`.
    #[must_use]
    pub fn backend(&self) -> String {
        self.backend.to_string()
    }

    /// Why `"auto"` fell back to the CPU; undefined where it did not.
    #[must_use]
    #[wasm_bindgen(js_name = fallbackReason)]
    pub fn fallback_reason(&self) -> Option<String> {
        self.fallback_reason.clone()
    }

    /// The model's configuration as a plain object, as in the checkpoint's metadata.
    ///
    /// # Errors
    /// Never, unless the browser is out of memory.
    pub fn config(&self) -> Result<JsValue, JsError> {
        Ok(self.config.serialize(&Serializer::json_compatible())?)
    }

    /// Draws samples of every class: `{ seed, per_class }` to `{ x, y, logits, entropy }`, class-major.
    ///
    /// `x` holds the expected observations `[rows, features]`, `y` the intended classes, `logits` those of
    /// `q(y|x)` `[rows, classes]`, and `entropy` the entropy of `q(y|x)` in nats. The same seed gives the
    /// same samples on every device, to rounding, and the same as `gleaner sample --seed`.
    ///
    /// # Errors
    /// If the options are not those, or the device fails.
    #[wasm_bindgen(unchecked_return_type = "{ x: Float32Array, y: Int32Array, \
                                            logits: Float32Array, entropy: Float32Array }")]
    pub async fn generate(
        &self,
        #[wasm_bindgen(unchecked_param_type = "{ seed: number, per_class: number }")]
        request: JsValue,
    ) -> Result<JsValue, JsError> {
        let GenerateOptions { seed, per_class } = options("generate", request)?;
        let classes = self.config.classes();
        let per_class = per_class as usize;
        let values = per_class.saturating_mul(classes).saturating_mul(self.features());
        if per_class == 0 || values > MOST_VALUES {
            let most = MOST_VALUES / (classes * self.features());
            let rule = format!("per_class is {per_class}, use 1 to {most}");
            return Err(JsError::new(&format!("generate: {rule}")));
        }
        let mut noise = Noise::new(u64::from(seed)).split("samples");
        let drawn =
            sample::class_conditional(&self.model, per_class, &mut noise, &self.device, &InTurn);
        let x = infer::read(drawn.x).await?;
        let logits = infer::read(drawn.logits).await?;
        let y: Vec<usize> = (0..classes * per_class).map(|row| row / per_class).collect();
        let entropy: Vec<f32> =
            logits.chunks(classes).map(|row| eval::entropy_of_logits(row) as f32).collect();
        Ok(object(&[
            ("x", floats(&x)),
            ("y", indices(&y)),
            ("logits", floats(&logits)),
            ("entropy", floats(&entropy)),
        ]))
    }

    /// Expected observations for given latent vectors and classes: `{ z, y }`, with `z` `[rows, latent]`
    /// row-major, to `[rows, features]`. Probabilities where the likelihood is Bernoulli.
    ///
    /// # Errors
    /// If `z` and `y` do not belong together, or the device fails.
    #[wasm_bindgen(unchecked_return_type = "Float32Array")]
    pub async fn decode(
        &self,
        #[wasm_bindgen(unchecked_param_type = "{ z: Float32Array, y: ArrayLike<number> }")]
        request: JsValue,
    ) -> Result<JsValue, JsError> {
        let classes = self.config.classes();
        let y = labels("decode: y", &field("decode", &request, "y")?, classes)?;
        let z = numbers("decode: z", &field("decode", &request, "z")?)?;
        let (rows, latent) = (y.len(), self.model.latent());
        if rows == 0 || z.len() != rows * latent {
            let found = format!("{} values for {rows} classes", z.len());
            let rule = format!("z has {found}, this model takes {latent} for each");
            return Err(JsError::new(&format!("decode: {rule}")));
        }
        let z = self.upload(z.iter().map(|&value| value as f32).collect(), [rows, latent]);
        let mut one_hot = vec![0.0; rows * classes];
        for (row, class) in y.into_iter().enumerate() {
            one_hot[row * classes + class] = 1.0;
        }
        let observation =
            self.model.decode(z, &Classes::Given(self.upload(one_hot, [rows, classes])));
        Ok(floats(&infer::read(observation.mean()).await?))
    }
}

impl Session {
    fn features(&self) -> usize {
        self.config.shape().iter().product()
    }

    fn upload(&self, values: Vec<f32>, shape: [usize; 2]) -> Tensor<2> {
        Tensor::from_data(TensorData::new(values, shape), &self.device)
    }
}
