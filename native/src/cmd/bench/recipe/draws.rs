//! What a training step draws, worked out from outside, so that another program can repeat the step. The streams are found by the
//! purposes that the core's objectives give them; where those change, the two programs no longer agree, and say so.

use anyhow::{Result, bail};
use burn::tensor::{Device, Tensor};
use gleaner_core::data::SemiBatch;
use gleaner_core::data::formats::npy::NpyArray;
use gleaner_core::infer;
use gleaner_core::models::ModelConfig;
pub use gleaner_core::models::Widths;
use gleaner_core::nets::Convolution;
use gleaner_core::noise::Noise;
use gleaner_core::objective::{LatentEbmSettings, SemiSupervisedConfig, Start};

/// Arrays by name.
pub type Arrays = Vec<(String, NpyArray)>;

/// A step whose draws are asked for.
pub struct Step<'a> {
    pub config: &'a ModelConfig,
    pub family: &'a SemiSupervisedConfig,
    pub batch: &'a SemiBatch,
    pub widths: Widths,
    pub classes: usize,
    /// Of the step.
    pub noise: Noise,
    pub device: &'a Device,
}

impl Step<'_> {
    /// What both halves of the batch draw: what the classifier sees, masks, and noise of latent variables.
    ///
    /// # Errors
    /// If the device fails.
    pub fn of_batch(&self) -> Result<Arrays> {
        let Self { family, batch, widths, noise, device, .. } = self;
        let ([labelled, _], [unlabelled, _]) = (batch.labelled.x.dims(), batch.unlabelled.dims());
        let looked_at = family.marginalize.looked_at(self.classes);
        let mut arrays = Arrays::new();
        for (half, short, x, rows, draws, groups) in [
            ("labelled", "l", &batch.labelled.x, labelled, family.supervision.draws, 1),
            ("unlabelled", "u", &batch.unlabelled, unlabelled, 1, looked_at),
        ] {
            let seen = family.augmentation.apply(x.clone(), 0, &noise.split(half));
            arrays.push((format!("seen_{short}"), array(seen)?));
            let look = noise.split(&format!("{half} look"));
            if widths.example > 0 {
                let epsilon = look.normal_by_example(0, [rows, widths.example], draws, device);
                arrays.push((format!("look_{short}"), array(epsilon)?));
            }
            if widths.row > 0 {
                let noise = noise.split(half);
                let epsilon = noise.normal_by_example(0, [rows, widths.row], groups, device);
                arrays.push((format!("eps_{short}"), array(epsilon)?));
            }
            let dropout = look.split("networks").split("dropout");
            for (layer, &maps) in self.dropped().iter().enumerate() {
                let uniform = dropout.at(layer as u64).uniform_by_example(0, [rows, maps], device);
                arrays.push((format!("drop_{short}_{layer}"), array(uniform)?));
            }
        }
        if looked_at < self.classes {
            let noise = noise.split("sampled class");
            let uniform = noise.uniform_by_example(0, [unlabelled, 1], device);
            arrays.push(("pick".to_owned(), array(uniform)?));
        }
        Ok(arrays)
    }

    /// What the negative chains of a latent energy draw, one for each unlabelled example; `lasting` are those that last.
    ///
    /// # Errors
    /// If the device fails, or the objective has terms that the draws are not known of.
    pub fn of_chains(
        &self,
        settings: &LatentEbmSettings,
        lasting: Option<Tensor<2>>,
    ) -> Result<Arrays> {
        if settings.implicit_augmentation > 0.0 {
            bail!(
                "--fixture knows nothing of objective.latent-ebm.implicit-augmentation; set it to 0"
            );
        }
        let noise = self.noise.split("negative phase");
        let ([rows, _], width) = (self.batch.unlabelled.dims(), self.widths.example);
        let mut arrays = Arrays::new();
        let start = match (settings.start, lasting) {
            (Start::Persistent, Some(chains)) => Some(chains.slice_dim(0, 0..rows)),
            (Start::Posterior, _) => None,
            _ => {
                let noise = noise.split("start");
                Some(noise.normal_by_example(0, [rows, width], 1, self.device))
            }
        };
        if let Some(start) = start {
            arrays.push(("chain_start".to_owned(), array(start)?));
        }
        let mut streams = noise.split("chains").streams(0, rows);
        let steps = (0..settings.chains.steps).map(|_| streams.normal(width, self.device));
        let steps = steps.map(Tensor::unsqueeze::<3>).collect();
        arrays.push(("chain_steps".to_owned(), array(Tensor::cat(steps, 0))?));
        Ok(arrays)
    }

    /// Maps of the layers that drop some.
    fn dropped(&self) -> Vec<usize> {
        let convolution = match self.config {
            ModelConfig::M2(config) => config.convolution.as_ref(),
            ModelConfig::LatentEbm(config) => config.convolution.as_ref(),
            _ => None,
        };
        match convolution {
            Some(Convolution::Plain(plain)) if plain.dropout > 0.0 => plain.maps.to_vec(),
            _ => Vec::new(),
        }
    }
}

/// A tensor of any shape on the host.
pub fn array<const D: usize>(tensor: Tensor<D>) -> Result<NpyArray> {
    let shape = tensor.dims();
    Ok(NpyArray::f32(&shape, pollster::block_on(infer::read(tensor))?))
}
