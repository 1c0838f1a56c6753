//! A loaded checkpoint on a device.

use std::cell::RefCell;
use std::rc::Rc;

use burn::tensor::{Device, Tensor, TensorData};
use gleaner_core::checkpoint::Checkpoint;
use gleaner_core::coreset::Coreset;
use gleaner_core::data::schema::Schema;
use gleaner_core::drawing::Drawing;
use gleaner_core::infer;
use gleaner_core::models::{Architecture as _, Generative as _, Model, ModelConfig};
use gleaner_core::nets::Classes;
use gleaner_core::sample::SampleSet;
use gleaner_core::tile::Tile;
use serde::Serialize as _;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsError, JsValue};

use crate::layer::Layer;
use gleaner_border::asked::{argument, bytes_of, fields, labels, numbers};
use gleaner_border::backend::{self, Backend};
use gleaner_border::exchange::{floats, object};

/// A loaded checkpoint on a device, and what was made with it last.
#[wasm_bindgen]
pub struct Session {
    pub(crate) model: Model,
    pub(crate) config: ModelConfig,
    /// What its examples are, where the checkpoint says it.
    pub(crate) data: Option<Schema>,
    pub(crate) device: Device,
    backend: Backend,
    fallback_reason: Option<String>,
    parameters: usize,
    pub(crate) made: RefCell<Made>,
}

/// What a session has made so far: each step works on what the one before left.
#[derive(Default)]
pub(crate) struct Made {
    /// Samples on their way, and the model as it was set up for them.
    pub(crate) drawing: Option<(Model, Drawing)>,
    /// Samples.
    pub(crate) samples: Option<Rc<SampleSet>>,
    /// The last hidden layer of all of them, once somebody asked for it.
    pub(crate) judged_by: Option<Rc<Layer>>,
    /// Those of them that the filter kept.
    pub(crate) kept: Option<Rc<Vec<usize>>>,
    /// Those of the kept ones that were chosen.
    pub(crate) coreset: Option<Rc<Coreset>>,
    /// The latent variables of the example that was looked at.
    pub(crate) z: Option<Tensor<2>>,
}

#[wasm_bindgen]
impl Session {
    /// Loads the bytes of a `model.safetensors` onto `"webgpu"`, `"cpu"`, or `"auto"`: the first where the
    /// browser has it, else the second.
    ///
    /// # Errors
    /// If the bytes are no checkpoint, or `"webgpu"` is not to be had.
    pub async fn create(
        #[wasm_bindgen(unchecked_param_type = "Uint8Array")] checkpoint: JsValue,
        #[wasm_bindgen(unchecked_param_type = "'webgpu' | 'cpu' | 'auto'")] backend: JsValue,
    ) -> Result<Session, JsError> {
        let backend: String = argument("create", "backend", &backend)?;
        let request = backend.parse().map_err(|error: String| JsError::new(&error))?;
        let checkpoint = Checkpoint::from_bytes(&bytes_of("create", &checkpoint)?)?;
        let opened = backend::open(request).await.map_err(|error| JsError::new(&error))?;
        let parameters = checkpoint.parameters.values().map(|found| found.values.len()).sum();
        let model = checkpoint.build(&opened.device)?;
        Ok(Self {
            model,
            config: checkpoint.config,
            data: checkpoint.data,
            device: opened.device,
            backend: opened.backend,
            fallback_reason: opened.fallback_reason,
            parameters,
            made: RefCell::default(),
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

    /// What a page needs to know of the model and its place: `{ model, classes, names, classifies, shape, tile, latent, parameters,
    /// backend, reason, chains }`; `chains` holds the model's own settings of the sampler and is undefined where `z` has a
    /// prior to draw from at once.
    ///
    /// # Errors
    /// Never, unless the browser is out of memory.
    #[wasm_bindgen(unchecked_return_type = "object")]
    pub fn describe(&self) -> Result<JsValue, JsError> {
        let tile = self.tile();
        let tile = object(&[("width", tile.width.into()), ("height", tile.height.into())]);
        let chains = match &self.model {
            Model::LatentEbm(model) => model.langevin.serialize(&Serializer::json_compatible())?,
            _ => JsValue::UNDEFINED,
        };
        Ok(object(&[
            ("model", self.config.name().into()),
            ("classes", self.config.classes().into()),
            ("names", self.names()?),
            ("classifies", self.config.classifies().into()),
            ("shape", self.config.shape().serialize(&Serializer::json_compatible())?),
            ("tile", tile),
            ("latent", self.model.latent().into()),
            ("parameters", self.parameters.into()),
            ("backend", self.backend().into()),
            ("reason", self.fallback_reason.clone().into()),
            ("chains", chains),
        ]))
    }

    /// Names of the classes; undefined where the checkpoint does not have them.
    fn names(&self) -> Result<JsValue, JsError> {
        Ok(match &self.data {
            Some(data) => data.classes.serialize(&Serializer::json_compatible())?,
            None => JsValue::UNDEFINED,
        })
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
        let [z, y] = fields("decode", &request, ["z", "y"])?;
        let y = labels("decode: y", &y, classes)?;
        let z = numbers("decode: z", &z)?;
        let (rows, latent) = (y.len(), self.model.latent());
        if rows == 0 || z.len() != rows * latent {
            let found = format!("{} values for {rows} classes", z.len());
            let rule = format!("z has {found}, but this model takes {latent} for each");
            return Err(JsError::new(&format!("decode: {rule}")));
        }
        let z = self.upload(z, [rows, latent]);
        let mut one_hot = vec![0.0; rows * classes];
        for (row, class) in y.into_iter().enumerate() {
            one_hot[row * classes + class] = 1.0;
        }
        let observation =
            self.model.decode(z, &Classes::Given(self.upload(one_hot, [rows, classes])));
        Ok(floats(&infer::finite("the decoded examples", observation.mean()).await?))
    }
}

impl Session {
    pub(crate) fn features(&self) -> usize {
        self.config.shape().iter().product()
    }

    pub(crate) fn tile(&self) -> Tile {
        Tile::of(self.config.shape())
    }

    pub(crate) fn upload(&self, values: Vec<f32>, shape: [usize; 2]) -> Tensor<2> {
        Tensor::from_data(TensorData::new(values, shape), &self.device)
    }

    /// The samples that were drawn last.
    pub(crate) fn samples(&self) -> Result<Rc<SampleSet>, JsError> {
        let samples = self.made.borrow().samples.clone();
        samples.ok_or_else(|| JsError::new("there are no samples yet: draw some first"))
    }

    /// Those of them that the filter kept.
    pub(crate) fn kept(&self) -> Result<Rc<Vec<usize>>, JsError> {
        let kept = self.made.borrow().kept.clone();
        kept.ok_or_else(|| JsError::new("nothing was filtered yet: call filter first"))
    }

    /// The last hidden layer of all `samples`, which stays until others are drawn: which of them a filter keeps changes with every
    /// move of its threshold.
    pub(crate) async fn judged_by(&self, samples: &Rc<SampleSet>) -> Result<Rc<Layer>, JsError> {
        let are_last = || {
            let made = self.made.borrow();
            made.samples.as_ref().is_some_and(|last| Rc::ptr_eq(last, samples))
        };
        let known = self.made.borrow().judged_by.clone();
        if let Some(layer) = known.filter(|_| are_last()) {
            return Ok(layer);
        }
        let layer = Rc::new(Layer::last_hidden(&self.model, samples, &self.device).await?);
        // Others may have been drawn meanwhile.
        if are_last() {
            self.made.borrow_mut().judged_by = Some(layer.clone());
        }
        Ok(layer)
    }
}
