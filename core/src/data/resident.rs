//! Examples that stay on a GPU: a batch is asked for by row numbers, and nothing else is uploaded.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::Examples;
#[cfg(feature = "cube")]
use super::Values;

/// Bytes of examples that are kept on a GPU at most. What is larger is uploaded batch by batch: the network needs room, too.
#[cfg(feature = "cube")]
const MOST_BYTES: usize = 1 << 30;

/// Examples on a GPU, pixels as bytes.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "cube"), expect(dead_code, reason = "there is no GPU to keep them on"))]
pub struct Resident {
    values: Stored,
    features: usize,
}

#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "cube"), expect(dead_code, reason = "there is no GPU to keep them on"))]
enum Stored {
    /// Pixel bytes, read as `v / 255`, four in each number, the first one lowest: `[examples, ⌈features / 4⌉]`.
    Bytes(Tensor<2, Int>),
    /// `[examples, features]`.
    Numbers(Tensor<2>),
}

impl Resident {
    /// Puts examples on a GPU; `None` on the CPU, where gathering a batch is as quick, and of what is not kept there: counts of words,
    /// which are mostly zeros, and more than a gigabyte.
    pub fn new(examples: &Examples, device: &Device) -> Option<Self> {
        #[cfg(feature = "cube")]
        if gleaner_kernels::gpu::is_gpu(device) {
            return Self::on_gpu(examples, device);
        }
        let _ = (examples, device);
        None
    }

    #[cfg(feature = "cube")]
    fn on_gpu(examples: &Examples, device: &Device) -> Option<Self> {
        let (rows, features) = (examples.len(), examples.features());
        let values = match &examples.values {
            Values::U8(pixels) if pixels.len() <= MOST_BYTES => {
                let words = features.div_ceil(4);
                let word = |bytes: &[u8]| {
                    let mut four = [0; 4];
                    four[..bytes.len()].copy_from_slice(bytes);
                    i32::from_le_bytes(four)
                };
                let packed: Vec<i32> =
                    pixels.chunks_exact(features).flat_map(|row| row.chunks(4).map(word)).collect();
                let data = TensorData::new(packed, [rows, words]);
                Stored::Bytes(Tensor::from_data(data, (device, burn::tensor::DType::I32)))
            }
            Values::F32(numbers) if 4 * numbers.len() <= MOST_BYTES => {
                let data = TensorData::new(numbers.clone(), [rows, features]);
                Stored::Numbers(Tensor::from_data(data, device))
            }
            _ => return None,
        };
        Some(Self { values, features })
    }

    /// Where they are.
    pub fn device(&self) -> Device {
        match &self.values {
            Stored::Bytes(words) => words.device(),
            Stored::Numbers(values) => values.device(),
        }
    }

    /// The examples of some rows, `[rows, features]`, as [`Examples::gather`] gives them.
    pub fn rows(&self, rows: &[usize]) -> Tensor<2> {
        match &self.values {
            #[cfg(feature = "cube")]
            Stored::Bytes(words) => gleaner_kernels::pixels_gpu::pixels(
                words.clone(),
                numbers(rows, &words.device()),
                self.features,
            ),
            #[cfg(not(feature = "cube"))]
            Stored::Bytes(_) => unreachable!("there is no GPU"),
            Stored::Numbers(values) => values.clone().select(0, numbers(rows, &values.device())),
        }
    }
}

/// Row numbers on a device.
pub(super) fn numbers(rows: &[usize], device: &Device) -> Tensor<1, Int> {
    let rows: Vec<i32> = rows.iter().map(|&row| row as i32).collect();
    let count = rows.len();
    Tensor::from_data(TensorData::new(rows, [count]), device)
}
