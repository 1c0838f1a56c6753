//! Small random models and batches, all from host noise.

use burn::tensor::{Device, Tensor, TensorData};
use gleaner_core::data::{Labelled, SemiBatch};
use gleaner_core::dist::{Column, Levels, LogCounts};
use gleaner_core::models::{
    AuxiliaryConfig, Classified, Common, Generative, LadderConfig, LangevinConfig, LatentEbmConfig,
    Likelihood, Look, M1Config, M1M2Config, M2Config, Model, ModelConfig, UntappedConfig,
};
use gleaner_core::nets::{Activation, Convolution, PlainConvolution};
use gleaner_core::noise::Noise;
use gleaner_core::objective::{Draws, LatentDraws, Looks};

/// Sizes of everything in a test.
#[derive(Clone, Debug)]
pub struct Small {
    /// Name of the model.
    pub model: &'static str,
    /// Classes.
    pub classes: usize,
    /// Values per example.
    pub features: usize,
    /// Dimensions of `z`.
    pub latent: usize,
    /// Hidden layers.
    pub hidden: Vec<usize>,
    /// Distribution of `x`. If it is mixed, the features are the columns of [`small_table`].
    pub likelihood: Likelihood,
    /// Labelled and unlabelled examples.
    pub rows: [usize; 2],
    /// Seed of parameters, examples and noise.
    pub seed: u64,
}

impl Default for Small {
    fn default() -> Self {
        Self {
            model: "m2",
            classes: 4,
            features: 9,
            latent: 3,
            hidden: vec![8, 7],
            likelihood: Likelihood::Bernoulli,
            rows: [5, 6],
            seed: 0,
        }
    }
}

impl Small {
    /// Shape of the model.
    ///
    /// # Panics
    /// If there is no such model.
    pub fn config(&self) -> ModelConfig {
        let (common, latent) = (self.common(), self.latent);
        let classifier_hidden = self.hidden.clone();
        match self.model {
            "m1" => ModelConfig::M1(M1Config { common, latent, convolution: None }),
            "m2" => {
                ModelConfig::M2(M2Config { common, latent, classifier_hidden, convolution: None })
            }
            "m1m2" => ModelConfig::M1M2(M1M2Config {
                common,
                feature_latent: 5,
                feature_hidden: self.hidden.clone(),
                active: Some(vec![0, 1, 3]),
                latent,
                classifier_hidden,
            }),
            "adgm" => ModelConfig::Adgm(self.auxiliary()),
            "sdgm" => ModelConfig::Sdgm(self.auxiliary()),
            "ladder" => ModelConfig::Ladder(LadderConfig {
                common: Common { hidden: vec![8, 7, 6], ..common },
                latent: vec![latent + 1, latent, 1],
                classifier_hidden,
            }),
            "untapped" => ModelConfig::Untapped(UntappedConfig {
                shape: common.shape,
                classes: common.classes,
                latent,
                range: [-1.5, 1.5],
                hidden: common.hidden,
                encoder_hidden: self.hidden.clone(),
                classifier_hidden,
                activation: common.activation,
            }),
            "latent-ebm" => ModelConfig::LatentEbm(self.latent_ebm()),
            other => panic!("there is no model {other}"),
        }
    }

    /// An M2 with convolutions on images three pixels high and wide.
    pub fn convolutional(&self) -> ModelConfig {
        match (Self { model: "m2", features: 9, ..self.clone() }).config() {
            ModelConfig::M2(config) => ModelConfig::M2(M2Config {
                common: Common { shape: vec![3, 3, 1], ..config.common },
                convolution: Some(Convolution::Plain(PlainConvolution {
                    maps: [2, 3, 4],
                    dropout: 0.4,
                })),
                ..config
            }),
            other => other,
        }
    }

    /// Numbers of an example.
    pub fn width(&self) -> usize {
        match self.likelihood {
            Likelihood::Mixed => small_table().iter().map(Column::width).sum(),
            _ => self.features,
        }
    }

    fn common(&self) -> Common {
        let mixed = self.likelihood == Likelihood::Mixed;
        Common {
            shape: vec![self.width()],
            classes: self.classes,
            hidden: self.hidden.clone(),
            activation: Activation::Softplus,
            likelihood: self.likelihood,
            columns: if mixed { small_table() } else { Vec::new() },
            masking: 0.0,
        }
    }

    fn latent_ebm(&self) -> LatentEbmConfig {
        LatentEbmConfig {
            common: self.common(),
            latent: self.latent,
            energy_hidden: vec![6, 5],
            energy_activation: Activation::Tanh,
            langevin: LangevinConfig { steps: 5, ..LangevinConfig::default() },
            classified: Classified::Draw,
            convolution: None,
        }
    }

    fn auxiliary(&self) -> AuxiliaryConfig {
        AuxiliaryConfig {
            common: self.common(),
            latent: self.latent,
            auxiliary: 2,
            classifier_hidden: self.hidden.clone(),
        }
    }

    /// A model with random weights.
    ///
    /// # Panics
    /// If the sizes are not ones a model can have.
    pub fn model(&self, device: &Device) -> Model {
        self.config().init(&self.noise("model"), device).expect("sizes of a model")
    }

    /// Random examples: grey levels for Bernoulli, normal values for Gaussian, counts for multinomial.
    pub fn batch(&self, device: &Device) -> SemiBatch {
        let [labelled, unlabelled] = self.rows;
        let mut noise = self.noise("labels");
        let mut y = vec![0.0; labelled * self.classes];
        for (row, u) in noise.uniform(labelled).into_iter().enumerate() {
            let class = ((u * self.classes as f32) as usize).min(self.classes - 1);
            y[row * self.classes + class] = 1.0;
        }
        SemiBatch {
            labelled: Labelled {
                x: matrix(self.examples("labelled", labelled), self.width(), device),
                y: matrix(y, self.classes, device),
            },
            unlabelled: matrix(self.examples("unlabelled", unlabelled), self.width(), device),
            augmented: None,
        }
    }

    /// Noise for that batch.
    pub fn draws(&self, device: &Device) -> Draws {
        let [labelled, unlabelled] = self.rows;
        let widths = self.model(&Device::flex()).widths();
        let draw = |purpose, rows| self.normal(purpose, [rows, widths.row], device);
        let look = |purpose, rows| Look {
            epsilon: (widths.example > 0)
                .then(|| self.normal(purpose, [rows, widths.example], device)),
            ..Look::default()
        };
        Draws {
            latent: LatentDraws {
                labelled: draw("labelled draws", labelled),
                unlabelled: draw("unlabelled draws", self.classes * unlabelled),
                picks: None,
            },
            looks: Looks {
                labelled: look("labelled look", labelled),
                unlabelled: look("unlabelled look", unlabelled),
            },
            seen: None,
        }
    }

    fn normal(&self, purpose: &str, shape: [usize; 2], device: &Device) -> Tensor<2> {
        self.noise(purpose).normal_tensor(shape, device)
    }

    /// Examples on the host, row-major.
    pub fn examples(&self, purpose: &str, rows: usize) -> Vec<f32> {
        let mut noise = self.noise(purpose);
        match self.likelihood {
            Likelihood::Bernoulli => noise.uniform(rows * self.features),
            Likelihood::Gaussian | Likelihood::IsotropicGaussian { .. } => {
                noise.normal(rows * self.features)
            }
            Likelihood::Multinomial => noise
                .uniform(rows * self.features)
                .into_iter()
                .map(|u| (4.0 * u * u).floor())
                .collect(),
            Likelihood::Mixed => (0..rows).flat_map(|_| cells(&mut noise)).collect(),
        }
    }

    /// A stream of this test's own.
    pub fn noise(&self, purpose: &str) -> Noise {
        Noise::new(self.seed).split(purpose)
    }
}

/// Columns of every kind.
pub fn small_table() -> Vec<Column> {
    vec![
        Column::Gaussian { least_sd: 0.2, lowest: None },
        Column::Categorical { words: 3 },
        Column::NegativeBinomial(LogCounts { mean: 1.2, sd: 0.6 }),
        Column::Bernoulli,
        Column::Ordinal(Levels::of(vec![-1.0, 0.0, 2.0], &[4, 10, 6])),
        Column::Poisson(LogCounts { mean: 0.8, sd: 0.5 }),
        Column::Gaussian { least_sd: 0.2, lowest: None },
    ]
}

/// A row of these, in which every fifth cell is missing.
fn cells(noise: &mut Noise) -> Vec<f32> {
    let [normal, other] = [0, 1].map(|at| noise.normal(2)[at]);
    let count = |u: f32, mean: f32, sd: f32| ((6.0 * u).floor().ln_1p() - mean) / sd;
    let u = noise.uniform(5);
    let word = (3.0 * u[0]) as usize;
    let cells: [Vec<f32>; 7] = [
        vec![normal],
        (0..3).map(|at| f32::from(at == word)).collect(),
        vec![count(u[1], 1.2, 0.6)],
        vec![u[2].round()],
        vec![[-1.0, 0.0, 2.0][(3.0 * u[3]) as usize]],
        vec![count(u[4], 0.8, 0.5)],
        vec![other],
    ];
    let missing = noise.uniform(cells.len());
    let hide = |(cell, missing): (Vec<f32>, f32)| match missing < 0.2 {
        true => vec![f32::NAN; cell.len()],
        false => cell,
    };
    cells.into_iter().zip(missing).flat_map(hide).collect()
}

/// Host values as rows of `columns` on a device.
pub fn matrix(values: Vec<f32>, columns: usize, device: &Device) -> Tensor<2> {
    let rows = values.len() / columns;
    Tensor::from_data(TensorData::new(values, [rows, columns]), device)
}
