//! Reader of `tests/golden/*.safetensors`.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use gleaner_core::checkpoint::{Checkpoint, Parameter};
use safetensors::{Dtype, SafeTensors};

/// The reference numbers of one file, written by `tests/golden/generate.py`.
///
/// Every method panics with the name of the entry if it is missing or of another type: the file belongs to
/// the tests, so that is a mistake in a test.
pub struct Golden {
    config: Option<String>,
    entries: BTreeMap<String, Entry>,
}

struct Entry {
    shape: Vec<usize>,
    values: Values,
}

enum Values {
    /// Inputs: exactly what the reference was computed from.
    F32(Vec<f32>),
    /// Expected results.
    F64(Vec<f64>),
    /// Labels.
    I64(Vec<i64>),
}

impl Golden {
    /// Reads `tests/golden/{name}.safetensors`.
    pub fn read(name: &str) -> Self {
        // Cargo runs tests in their package's folder.
        let path = Path::new("golden").join(format!("{name}.safetensors"));
        let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let (_, header) = SafeTensors::read_metadata(&bytes).expect("a safetensors header");
        let file = SafeTensors::deserialize(&bytes).expect("a safetensors file");
        let config = header.metadata().as_ref().and_then(|m| m.get("config")).cloned();
        let entries = file
            .iter()
            .map(|(name, view)| {
                let (shape, bytes) = (view.shape().to_vec(), view.data());
                let values = match view.dtype() {
                    Dtype::F32 => Values::F32(numbers(bytes, f32::from_le_bytes)),
                    Dtype::F64 => Values::F64(numbers(bytes, f64::from_le_bytes)),
                    Dtype::I64 => Values::I64(numbers(bytes, i64::from_le_bytes)),
                    other => panic!("{name}: entries of type {other:?} are not used"),
                };
                (name.to_owned(), Entry { shape, values })
            })
            .collect();
        Self { config, entries }
    }

    /// An expected result.
    pub fn expected(&self, name: &str) -> &[f64] {
        match &self.entry(name).values {
            Values::F64(values) => values,
            _ => panic!("{name} is an input"),
        }
    }

    /// An expected result, or setting, of one number.
    pub fn number(&self, name: &str) -> f64 {
        let [value] = self.expected(name) else { panic!("{name} is not one number") };
        *value
    }

    /// An input.
    pub fn input(&self, name: &str) -> &[f32] {
        match &self.entry(name).values {
            Values::F32(values) => values,
            _ => panic!("{name} is not an input"),
        }
    }

    /// Class labels.
    pub fn labels(&self, name: &str) -> &[i64] {
        match &self.entry(name).values {
            Values::I64(values) => values,
            _ => panic!("{name} does not hold labels"),
        }
    }

    /// Whether there is such an entry.
    pub fn has(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// Shape of an entry.
    pub fn shape(&self, name: &str) -> &[usize] {
        &self.entry(name).shape
    }

    /// An input on a device.
    pub fn tensor<const D: usize>(&self, name: &str, device: &Device) -> Tensor<D> {
        let data = TensorData::new(self.input(name).to_vec(), self.shape(name).to_vec());
        Tensor::from_data(data, device)
    }

    /// Labels as one-hot rows on a device, `[rows, classes]`.
    pub fn one_hot(&self, name: &str, classes: usize, device: &Device) -> Tensor<2> {
        let labels = self.labels(name);
        let mut rows = vec![0.0_f32; labels.len() * classes];
        for (row, &label) in labels.iter().enumerate() {
            rows[row * classes + usize::try_from(label).expect("a known label")] = 1.0;
        }
        Tensor::from_data(TensorData::new(rows, [labels.len(), classes]), device)
    }

    /// The model of a file that holds one.
    pub fn checkpoint(&self) -> Checkpoint {
        let config = self.config.as_deref().expect("a file with a model");
        let kinds = [
            ".weight",
            ".bias",
            ".classes",
            ".beside",
            ".background",
            ".scale",
            ".shift",
            ".mean",
            ".variance",
            ".log_partition",
        ];
        let parameter = |(name, entry): (&String, &Entry)| match &entry.values {
            // Gradients have the same names and are expected results.
            Values::F32(values) if kinds.iter().any(|kind| name.ends_with(kind)) => {
                let (shape, values) = (entry.shape.clone(), values.clone());
                Some((name.clone(), Parameter { shape, values }))
            }
            _ => None,
        };
        let parameters = self.entries.iter().filter_map(parameter).collect();
        Checkpoint {
            config: serde_json::from_str(config).expect("a model's config"),
            data: None,
            parameters,
        }
    }

    fn entry(&self, name: &str) -> &Entry {
        self.entries.get(name).unwrap_or_else(|| panic!("no entry {name}"))
    }
}

fn numbers<T, const N: usize>(bytes: &[u8], read: fn([u8; N]) -> T) -> Vec<T> {
    bytes
        .chunks_exact(N)
        .map(|chunk| read(chunk.try_into().expect("chunks of the right length")))
        .collect()
}
