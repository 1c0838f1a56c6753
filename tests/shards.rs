//! The shards of a draw are the draw, bit for bit: models of the whole family here, the program in `shards/program.rs`.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "shards/program.rs"]
mod program;

use burn::tensor::{Device, Tensor};
use gleaner::system::threads::Threads;
use gleaner_core::models::{
    Common, Generative as _, LangevinConfig, LatentEbmConfig, Likelihood, M1Config, M2Config,
    Model, ModelConfig, Shard,
};
use gleaner_core::nets::{Activation, Convolution, PlainConvolution, WideResnetConfig};
use gleaner_core::noise::Noise;
use gleaner_core::sample::{Drawn, Samples};
use gleaner_core::workers::{InTurn, Workers};
use gleaner_tests::small::Small;
use gleaner_tests::values;

fn noise() -> Noise {
    Noise::new(5).split("samples")
}

/// `z`, `x`, logits and last hidden layer of some samples.
fn drawn(model: &Model, shard: &Shard, workers: &dyn Workers) -> [Tensor<2>; 4] {
    let drawn = Drawn::new(model, shard, &mut noise(), &Device::flex(), workers);
    let layer = drawn.judged_by(model);
    let Samples { z, x, logits } = drawn.into_samples();
    [z, x, logits, layer]
}

/// The bits of each row.
fn rows(tensor: Tensor<2>) -> Vec<Vec<u32>> {
    let [_, columns] = tensor.dims();
    let bits: Vec<u32> = values(tensor).into_iter().map(f32::to_bits).collect();
    bits.chunks_exact(columns).map(<[u32]>::to_vec).collect()
}

/// Every row of every shard is that of the whole draw.
fn holds(name: &str, config: &ModelConfig, per_class: usize, counts: &[usize]) {
    let model = config.init(&Noise::new(3), &Device::flex()).unwrap();
    let threads = Threads::start(2).unwrap();
    let whole = drawn(&model, &Shard::whole(per_class), &InTurn).map(rows);
    for &count in counts {
        let mut seen = 0;
        for part in 1..=count {
            let shard = Shard::of(per_class, part, count).unwrap();
            let numbers = shard.numbers(model.classes());
            seen += numbers.len();
            let found = drawn(&model, &shard, &threads).map(rows);
            for (what, (found, whole)) in
                ["z", "x", "logits", "features"].into_iter().zip(found.iter().zip(&whole))
            {
                assert_eq!(found.len(), numbers.len());
                for (row, &number) in found.iter().zip(&numbers) {
                    let at = format!("{name}, row {number} in shard {part}/{count}");
                    assert!(*row == whole[number], "{at}: {what}");
                }
            }
        }
        assert_eq!(seen, whole[0].len());
    }
}

const FAMILY: [&str; 8] = ["m1", "m2", "m1m2", "adgm", "sdgm", "ladder", "untapped", "latent-ebm"];

#[test]
fn every_model_draws_in_shards_what_it_draws_at_once() {
    for model in FAMILY {
        let small = Small { model, ..Small::default() };
        holds(model, &small.config(), 1000, &[3, 7]);
        holds(model, &small.config(), 10, &[10, 4]);
    }
}

#[test]
fn every_likelihood_is_drawn_in_shards_as_at_once() {
    let likelihoods = [
        Likelihood::Gaussian,
        Likelihood::IsotropicGaussian { sigma: 0.3 },
        Likelihood::Multinomial,
        Likelihood::Mixed,
    ];
    for model in FAMILY.into_iter().filter(|model| *model != "untapped") {
        for likelihood in likelihoods {
            let small = Small { model, likelihood, ..Small::default() };
            holds(&format!("{model}, {likelihood:?}"), &small.config(), 300, &[7]);
        }
    }
}

/// Sums of many numbers to few, and products with one column: on the CPU, few rows have loops of their own.
#[test]
fn rows_round_alike_however_few_are_asked_for() {
    for model in FAMILY {
        let wide = Small { model, features: 784, hidden: vec![50, 40], ..Small::default() };
        holds(&format!("{model}, wide"), &wide.config(), 150, &[25]);
        let likelihood = match model {
            "untapped" => Likelihood::Bernoulli,
            _ => Likelihood::Gaussian,
        };
        let narrow = Small { model, features: 1, hidden: vec![20], likelihood, ..Small::default() };
        holds(&format!("{model}, narrow"), &narrow.config(), 300, &[50, 7]);
    }
    let hidden = vec![600, 500];
    let stacked = Small { model: "m1m2", features: 20, hidden, ..Small::default() };
    holds("m1m2, wide inside", &stacked.config(), 150, &[15]);
}

#[test]
fn convolutions_are_drawn_in_shards_as_at_once() {
    let ModelConfig::M2(small) = Small { hidden: vec![40], ..Small::default() }.config() else {
        unreachable!("it is one")
    };
    let common = Common { shape: vec![8, 8, 1], ..small.common };
    for convolution in [
        Convolution::Plain(PlainConvolution { maps: [16, 32, 32], dropout: 0.4 }),
        Convolution::WideResnet(WideResnetConfig { depth: 10, width: 1, generator: vec![32, 16] }),
    ] {
        let (common, convolution) = (common.clone(), Some(convolution));
        let m2 = M2Config {
            common: common.clone(),
            latent: 5,
            classifier_hidden: vec![20],
            convolution: convolution.clone(),
        };
        holds("m2 of images", &ModelConfig::M2(m2), 150, &[7, 50]);
        let m1 = M1Config { common, latent: 5, convolution };
        holds("m1 of images", &ModelConfig::M1(m1), 150, &[7]);
    }
}

#[test]
fn chains_of_every_kind_end_in_shards_where_they_end_at_once() {
    let small = Small { model: "latent-ebm", ..Small::default() };
    let ModelConfig::LatentEbm(small) = small.config() else { unreachable!("it is one") };
    for energy_activation in [Activation::LeakyRelu, Activation::Tanh, Activation::Silu] {
        for (adjusted, temperature) in [(false, 1.0), (true, 1.0), (false, 0.0)] {
            let langevin = LangevinConfig { adjusted, temperature, ..small.langevin };
            let ebm = LatentEbmConfig {
                energy_activation,
                energy_hidden: vec![30, 20],
                langevin,
                ..small.clone()
            };
            let name = format!("{energy_activation:?}, {langevin:?}");
            // Four classes: 1,028 chains are eight blocks and four chains.
            holds(&name, &ModelConfig::LatentEbm(ebm), 257, &[3, 16]);
        }
    }
}
