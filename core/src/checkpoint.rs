//! One checkpoint format for everyone: a `safetensors` file whose metadata holds the model's configuration
//! as JSON under `config`, and in it, under `data`, what its examples are. Tensors are named by module path
//! (`classifier.hidden.0.weight`). Linear weights are `[inputs, outputs]`. Python's `safetensors` and the page read the
//! same bytes.

use std::collections::{BTreeMap, HashMap};

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Tensor, TensorData};
use half::f16;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde_json::{Map, Value};

use crate::data::schema::Schema;
use crate::error::{Error, Result};
use crate::models::{Architecture as _, Model, ModelConfig};
use crate::module_path::ModulePath;
use crate::noise::Noise;

/// The metadata key of the configuration. It is the only key: the format keeps metadata in no fixed order,
/// and equal models should give equal files.
const CONFIG_KEY: &str = "config";

/// How many bits a file spends on a number. All are read back as single precision, which everything computes in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// 32: what training writes, to the last bit.
    #[default]
    Single,
    /// 16: half the size, three digits. For checkpoints that are downloaded and only sampled from.
    Half,
}

/// Values of one parameter on the host.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its values, row-major.
    pub values: Vec<f32>,
}

/// Named tensors and one text, as a file.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorFile {
    /// JSON under the metadata key `config`.
    pub config: String,
    /// Tensors by name.
    pub tensors: BTreeMap<String, Parameter>,
}

impl TensorFile {
    /// Reads a file's bytes.
    ///
    /// # Errors
    /// If they are cut off, no safetensors file, or one that Gleaner did not write.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let broken = |e: safetensors::SafeTensorError| {
            Error::Checkpoint(format!(
                "this is not a complete safetensors file ({e}); copy it again, or train again"
            ))
        };
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(broken)?;
        let file = SafeTensors::deserialize(bytes).map_err(broken)?;
        let config = metadata
            .metadata()
            .as_ref()
            .and_then(|entries| entries.get(CONFIG_KEY))
            .ok_or_else(|| {
                Error::Checkpoint(
                    "its metadata has no `config`; use a checkpoint that gleaner wrote".into(),
                )
            })?
            .clone();
        let tensors = file
            .iter()
            .map(|(name, view)| Ok((name.to_owned(), parameter(name, &view)?)))
            .collect::<Result<_>>()?;
        Ok(Self { config, tensors })
    }

    /// The bytes of a file. Equal contents give equal bytes.
    ///
    /// # Errors
    /// If a tensor's shape and values disagree, or a value is too large for the precision.
    pub fn to_bytes(&self, precision: Precision) -> Result<Vec<u8>> {
        let failed = |e: safetensors::SafeTensorError| {
            Error::Checkpoint(format!("it cannot be written: {e}"))
        };
        let bytes = self
            .tensors
            .iter()
            .map(|(name, p)| precision.bytes(name, &p.values))
            .collect::<Result<Vec<_>>>()?;
        let views = self
            .tensors
            .iter()
            .zip(&bytes)
            .map(|((name, p), bytes)| {
                let view = TensorView::new(precision.dtype(), p.shape.clone(), bytes);
                Ok((name, view.map_err(failed)?))
            })
            .collect::<Result<Vec<_>>>()?;
        let metadata = HashMap::from([(CONFIG_KEY.to_owned(), self.config.clone())]);
        safetensors::serialize(views, Some(metadata)).map_err(failed)
    }
}

impl Precision {
    fn dtype(self) -> Dtype {
        match self {
            Self::Single => Dtype::F32,
            Self::Half => Dtype::F16,
        }
    }

    fn bytes(self, name: &str, values: &[f32]) -> Result<Vec<u8>> {
        match self {
            Self::Single => Ok(values.iter().flat_map(|v| v.to_le_bytes()).collect()),
            Self::Half => {
                let halves: Vec<f16> = values.iter().map(|&v| f16::from_f32(v)).collect();
                if let Some(at) = halves.iter().position(|half| !half.is_finite()) {
                    let found = values[at];
                    let problem =
                        format!("`{name}` holds {found}, which is too large for half precision");
                    return Err(Error::Checkpoint(problem));
                }
                Ok(halves.iter().flat_map(|half| half.to_le_bytes()).collect())
            }
        }
    }
}

/// The key of the model's kind, within the configuration.
const MODEL_KEY: &str = "model";

/// The key of what the examples are, within the configuration.
const DATA_KEY: &str = "data";

/// A model's configuration and parameters, on the host.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// What to build.
    pub config: ModelConfig,
    /// What the examples are that it was trained on; `None` of a file that was written before there was such a thing.
    pub data: Option<Schema>,
    /// What to fill it with, by module path.
    pub parameters: BTreeMap<String, Parameter>,
}

impl Checkpoint {
    /// Reads a file's bytes.
    ///
    /// # Errors
    /// If they are no checkpoint, or the checkpoint of a model that is not known.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let TensorFile { config, tensors } = TensorFile::from_bytes(bytes)?;
        let unreadable = |e: serde_json::Error| {
            Error::Checkpoint(format!(
                "its `config` cannot be read: {e}; copy the file again, or open it with the version that wrote it"
            ))
        };
        let mut config: Map<String, Value> = serde_json::from_str(&config).map_err(unreadable)?;
        if !config.contains_key(MODEL_KEY) {
            let problem = "its `config` names no model; use the model.safetensors of a run";
            return Err(Error::Checkpoint(problem.into()));
        }
        let data = config.remove(DATA_KEY).map(serde_json::from_value);
        let data: Option<Schema> = data.transpose().map_err(unreadable)?;
        let config: ModelConfig = serde_json::from_value(config.into()).map_err(unreadable)?;
        data.as_ref().map_or(Ok(()), |data| belongs(data, &config))?;
        Ok(Self { config, data, parameters: tensors })
    }

    /// The bytes of a file, in single precision. Equal checkpoints give equal bytes.
    ///
    /// # Errors
    /// If a parameter's shape and values disagree.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.to_bytes_in(Precision::Single)
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// If a parameter's shape and values disagree, or a value is too large for the precision.
    pub fn to_bytes_in(&self, precision: Precision) -> Result<Vec<u8>> {
        let failed = |e: serde_json::Error| Error::Checkpoint(format!("it cannot be written: {e}"));
        let mut config = serde_json::to_string(&self.config).map_err(failed)?;
        if let Some(data) = &self.data {
            // One more entry before the closing brace.
            let data = serde_json::to_string(data).map_err(failed)?;
            config.truncate(config.len() - 1);
            config += &format!(",\"{DATA_KEY}\":{data}}}");
        }
        TensorFile { config, tensors: self.parameters.clone() }.to_bytes(precision)
    }

    /// Builds the model on a device and fills it. The file's tensors are compared with those that the configuration asks for before
    /// any memory is taken, so that a model is never larger than its file.
    ///
    /// # Errors
    /// If a parameter is missing, has another shape, or is one that the model does not have.
    pub fn build(&self, device: &burn::tensor::Device) -> Result<Model> {
        let impossible = |e: Error| match e {
            Error::Config { .. } => Error::Checkpoint(format!(
                "its `config` asks for a model that cannot be ({e}); copy the file again, or train again"
            )),
            other => other,
        };
        let model = self.config.init(&Noise::silent(), device).map_err(impossible)?;
        fill(model, self.parameters.clone())
    }
}

/// Whether the examples that a file describes are those of its model.
fn belongs(data: &Schema, config: &ModelConfig) -> Result<()> {
    let values =
        |shape: &[usize]| shape.iter().fold(1, |all: usize, &size| all.saturating_mul(size));
    let (told, wanted) = (values(&data.shape()), values(config.shape()));
    let problem = if told != wanted {
        format!("describe examples of {told} values, but the model is one of {wanted}")
    } else if data.classes.len() != config.classes() {
        let (told, wanted) = (data.classes.len(), config.classes());
        format!("name {told} classes, but the model has {wanted}")
    } else if !data.scaling.fits(told) {
        "do not say how each number is scaled".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::Checkpoint(format!("its `data` {problem}; copy the file again, or train again")))
}

/// Fills a model with parameters by module path.
///
/// # Errors
/// If a parameter is missing, has another shape, or is one that the model does not have.
pub fn fill<M: Module>(model: M, parameters: BTreeMap<String, Parameter>) -> Result<M> {
    let mut filler = Filler { path: ModulePath::default(), left: parameters, problem: None };
    let model = model.map(&mut filler);
    if let Some(problem) = filler.problem {
        return Err(Error::Checkpoint(problem));
    }
    match filler.left.keys().next() {
        Some(name) => Err(Error::Checkpoint(format!("the model has no parameter `{name}`"))),
        None => Ok(model),
    }
}

fn parameter(name: &str, view: &TensorView<'_>) -> Result<Parameter> {
    let data = view.data();
    let values: Vec<f32> = match view.dtype() {
        Dtype::F32 => {
            data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
        }
        Dtype::F16 => {
            data.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect()
        }
        other => {
            let found = format!("parameter `{name}` is {other:?}, but must be F32 or F16");
            return Err(Error::Checkpoint(found));
        }
    };
    if values.iter().any(|v| !v.is_finite()) {
        return Err(Error::Checkpoint(format!("parameter `{name}` has NaN or infinite values")));
    }
    Ok(Parameter { shape: view.shape().to_vec(), values })
}

struct Filler {
    path: ModulePath,
    left: BTreeMap<String, Parameter>,
    problem: Option<String>,
}

impl ModuleMapper for Filler {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, container_type: &str) {
        self.path.exit(container_type);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.name();
        let wanted = param.lazy_shape().to_vec();
        let Some(found) = self.left.remove(&name) else {
            self.problem.get_or_insert(format!("parameter `{name}` is missing"));
            return param;
        };
        if found.shape != wanted {
            let problem =
                format!("`{name}` has shape {:?}, but the model needs {wanted:?}", found.shape);
            self.problem.get_or_insert(problem);
            return param;
        }
        let device = param.lazy_device();
        let new = Tensor::from_data(TensorData::new(found.values, found.shape), &device);
        Param::initialized(param.id, if device.is_autodiff() { new.require_grad() } else { new })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(values: Vec<f32>) -> TensorFile {
        let parameter = Parameter { shape: vec![values.len()], values };
        TensorFile { config: "{}".into(), tensors: BTreeMap::from([("a".into(), parameter)]) }
    }

    #[test]
    fn half_precision_is_half_the_size_and_rounds_to_three_digits() {
        let values: Vec<f32> = Noise::new(0).normal(1000);
        let file = file(values.clone());
        let [single, half] =
            [Precision::Single, Precision::Half].map(|p| file.to_bytes(p).unwrap());
        assert_eq!(TensorFile::from_bytes(&single).unwrap(), file);
        assert_eq!(single.len() - half.len(), 2000);
        let read = &TensorFile::from_bytes(&half).unwrap().tensors["a"].values;
        let worst = values.iter().zip(read).map(|(a, b)| ((a - b) / a).abs()).fold(0.0, f32::max);
        // Ten bits after the first one, rounded to nearest; the smallest draws are not normal numbers there.
        assert!(worst > 1e-4 && worst < 2f32.powi(-11) * 1.01, "{worst}");
    }

    #[test]
    fn what_half_precision_cannot_hold_is_named() {
        let error = file(vec![1.0, 7e4]).to_bytes(Precision::Half).unwrap_err().to_string();
        assert!(error.contains("`a` holds 70000"), "{error}");
    }
}
