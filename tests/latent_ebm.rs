//! The latent energy-based model where everything is known: energies of one or two dimensions, whose every integral is a sum over
//! a grid, in double precision (`latent_energy.rs`), and linear models, whose posterior is normal.

#[path = "latent_ebm/energy.rs"]
mod energy;
#[path = "latent_ebm/learning.rs"]
mod learning;
#[path = "latent_ebm/objective.rs"]
mod objective;
#[path = "latent_ebm/posterior.rs"]
mod posterior;
#[path = "latent_ebm/transfer.rs"]
mod transfer;

use burn::tensor::{Device, Tensor};
use gleaner_core::checkpoint::Checkpoint;
use gleaner_core::models::{
    Classified, Common, LangevinConfig, LatentEbm, LatentEbmConfig, Likelihood, Model, ModelConfig,
};
use gleaner_core::nets::Activation;
use gleaner_core::noise::Noise;
use gleaner_tests::latent_energy::{Energy, Grid};
use gleaner_tests::modules::parameters;
use gleaner_tests::small::matrix;

const CLASSES: usize = 3;
const FEATURES: usize = 4;

/// How often a sampler that is right fails one of the tests of a distribution.
const FALSE_ALARM: f64 = 1e-6;

/// A model with an energy of some size, and its energy on the host.
struct Case {
    checkpoint: Checkpoint,
    energy: Energy,
}

impl Case {
    fn new(latent: usize, hidden: &[usize], activation: Activation, seed: u64) -> Self {
        Self::of_size(1.6, latent, hidden, activation, seed)
    }

    /// With weights and biases of the energy of that standard deviation.
    fn of_size(
        size: f32,
        latent: usize,
        energy_hidden: &[usize],
        energy_activation: Activation,
        seed: u64,
    ) -> Self {
        let config = ModelConfig::LatentEbm(LatentEbmConfig {
            common: Common {
                shape: vec![FEATURES],
                classes: CLASSES,
                hidden: vec![5],
                activation: Activation::Softplus,
                likelihood: Likelihood::Gaussian,
                columns: Vec::new(),
                masking: 0.0,
            },
            latent,
            energy_hidden: energy_hidden.to_vec(),
            energy_activation,
            langevin: LangevinConfig::default(),
            classified: Classified::Draw,
            convolution: None,
        });
        let noise = Noise::new(seed);
        let mut parameters = parameters(&config.init(&noise, &Device::flex()).expect("a model"));
        for (name, parameter) in &mut parameters {
            if name.starts_with("prior.energy") {
                let draws = noise.split(name).normal(parameter.values.len());
                parameter.values = draws.into_iter().map(|v| size * v).collect();
            }
        }
        let energy = Energy::of(&parameters, energy_activation);
        Self { checkpoint: Checkpoint { config, data: None, parameters }, energy }
    }

    /// The first with several modes, between which chains can pass.
    fn of_several_modes(latent: usize, grid: &Grid) -> Self {
        let mut cases = (0..200).map(|seed| Self::new(latent, &[6], Activation::Tanh, seed));
        cases.find(|case| several_modes(grid, &case.energy)).expect("one of 200")
    }

    fn model(&self, device: &Device) -> LatentEbm {
        match self.checkpoint.build(device).expect("a checkpoint") {
            Model::LatentEbm(model) => model,
            other => panic!("not a latent-ebm: {other:?}"),
        }
    }
}

/// Whether the density has two maxima or more, and each of them a neighbour on the grid that is nearly as probable: along one
/// axis, the way between two of them is nowhere below a fifth of the lower one.
fn several_modes(grid: &Grid, energy: &Energy) -> bool {
    let density = grid.probabilities(energy, None);
    let side = grid.side;
    let line: Vec<f64> = match grid.points[0].len() {
        1 => density,
        // The marginal of the second coordinate.
        _ => (0..side).map(|j| density.iter().skip(j).step_by(side).sum()).collect(),
    };
    let most = line.iter().copied().fold(0.0, f64::max);
    let peak =
        |i: &usize| line[*i] > line[i - 1] && line[*i] > line[i + 1] && line[*i] > 0.1 * most;
    let peaks: Vec<usize> = (1..side - 1).filter(peak).collect();
    let valley = |pair: &[usize]| {
        let lowest = line[pair[0]..pair[1]].iter().copied().fold(f64::INFINITY, f64::min);
        let lower = line[pair[0]].min(line[pair[1]]);
        lowest > 0.2 * lower && lowest < 0.9 * lower
    };
    peaks.len() > 1 && peaks.windows(2).all(valley)
}

/// The same class for every row.
fn one_hot(rows: usize, class: usize) -> Tensor<2> {
    let values = (0..rows * CLASSES).map(|i| f32::from(u8::from(i % CLASSES == class)));
    matrix(values.collect(), CLASSES, &Device::flex())
}

fn doubles(values: Vec<f32>) -> Vec<f64> {
    values.into_iter().map(f64::from).collect()
}
