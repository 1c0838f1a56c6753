//! What the classifier decides from, of samples on the host.

use burn::tensor::{Device, Tensor, TensorData};
use gleaner_core::coreset::Rows;
use gleaner_core::error::Result;
use gleaner_core::infer;
use gleaner_core::models::{Generative as _, Model};
use gleaner_core::sample::SampleSet;

/// A layer of a network, a row for each of some samples.
#[derive(Debug)]
pub(crate) struct Layer {
    /// `[rows, width]`, row-major.
    pub(crate) values: Vec<f32>,
    pub(crate) width: usize,
}

impl Layer {
    /// The last hidden layer of the classifier, some samples at a time.
    ///
    /// # Errors
    /// If a value is NaN or infinite, or the device fails.
    pub(crate) async fn last_hidden(
        model: &Model,
        samples: &SampleSet,
        device: &Device,
    ) -> Result<Self> {
        let [latent, features] = [&samples.z, &samples.x].map(|of| of.len() / samples.len().max(1));
        let upload = |values: &[f32], width: usize| {
            let shape = [values.len() / width, width];
            Tensor::<2>::from_data(TensorData::new(values.to_vec(), shape), device)
        };
        let mut layer = Self { values: Vec::new(), width: 0 };
        let parts = samples.z.chunks(infer::ROWS * latent);
        for (z, x) in parts.zip(samples.x.chunks(infer::ROWS * features)) {
            let seen = model.judged_by(upload(z, latent), upload(x, features));
            layer.width = seen.dims()[1];
            layer.values.extend(infer::finite("the last hidden layer", seen).await?);
        }
        Ok(layer)
    }

    /// Some of the rows, in the order asked for.
    pub(crate) fn pick(&self, rows: &[usize]) -> Self {
        let row = |&row: &usize| &self.values[row * self.width..][..self.width];
        Self { values: rows.iter().flat_map(row).copied().collect(), width: self.width }
    }

    /// To compare samples by.
    ///
    /// # Errors
    /// A value that is not finite.
    pub(crate) fn rows(&self) -> Result<Rows<'_>> {
        Rows::new("features", &self.values, self.width, self.values.len() / self.width.max(1))
    }
}
