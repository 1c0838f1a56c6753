//! Bounds of incomplete rows: the marginal likelihood of the cells that are there, by quadrature in double precision, is what
//! importance weights average to, and what no bound exceeds.

use burn::tensor::{Device, Tensor};
use gleaner_core::dist::places;
use gleaner_core::models::{Generative as _, Likelihood, Look, Model, Observation};
use gleaner_core::nets::Classes;
use gleaner_core::noise::Noise;
use gleaner_core::objective::{importance_log_weights, unlabelled_bound};
use gleaner_tests::small::{Small, matrix, small_table};
use gleaner_tests::{number, values};

/// Points along each dimension of the latent space, from -REACH to REACH.
const POINTS: usize = 81;
const REACH: f64 = 7.0;

/// Importance samples of each row.
const SAMPLES: usize = 6000;

fn small(model: &'static str) -> Small {
    Small {
        model,
        classes: 3,
        latent: 1,
        hidden: vec![6],
        likelihood: Likelihood::Mixed,
        rows: [2, 5],
        seed: 4,
        ..Small::default()
    }
}

/// A row with `K` of its cells missing, and one without any.
fn incomplete(small: &Small) -> Vec<Vec<f32>> {
    let all = small.examples("incomplete", 40);
    let rows: Vec<Vec<f32>> = all.chunks_exact(small.width()).map(<[f32]>::to_vec).collect();
    let missing =
        |row: &[f32]| places(&small_table()).filter(|(_, place)| row[place.start].is_nan()).count();
    let of =
        |count: usize| rows.iter().find(|row| missing(row) == count).expect("such a row").clone();
    vec![of(0), of(1), of(3)]
}

/// `log p(x|z, y)` of a row at every `z`, for which the decoder is asked in single precision.
fn given(observation: &Observation, row: &[f32]) -> Vec<f64> {
    let x = matrix(row.to_vec(), row.len(), &Device::flex());
    values(observation.log_prob(x)).into_iter().map(f64::from).collect()
}

/// All points of a grid over so many dimensions, with the logarithms of their weights under N(0, I).
fn grid(dimensions: usize) -> (Vec<f32>, Vec<f64>) {
    let step = 2.0 * REACH / (POINTS - 1) as f64;
    let at = |place: usize| -REACH + place as f64 * step;
    let weight = |z: f64| step.ln() - 0.5 * (z * z + std::f64::consts::TAU.ln());
    let count = POINTS.pow(dimensions as u32);
    let point =
        |number: usize| (0..dimensions).map(move |d| at(number / POINTS.pow(d as u32) % POINTS));
    let points = (0..count).flat_map(|number| point(number).map(|z| z as f32)).collect();
    (points, (0..count).map(|number| point(number).map(weight).sum()).collect())
}

fn log_sum(terms: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = terms.clone().fold(f64::NEG_INFINITY, f64::max);
    largest + terms.map(|term| (term - largest).exp()).sum::<f64>().ln()
}

/// `log p(x)` of the cells of a row that are there.
fn marginal(model: &Model, row: &[f32]) -> f64 {
    let (device, classes, latent) = (Device::flex(), model.classes(), model.latent());
    let (points, weights) = grid(latent);
    let z = matrix(points, latent, &device);
    let all = model.decode(z.clone().repeat_dim(0, classes), &Classes::Every);
    let log_prob = given(&all, row);
    let prior = match model {
        // exp(F(z)[y]) N(z; 0, I) / Z: the sum over classes is that of the energies.
        Model::LatentEbm(model) => {
            let energies =
                values(model.prior.logits(z)).into_iter().map(f64::from).collect::<Vec<_>>();
            let of = |(point, y): (usize, usize)| energies[point * classes + y] + weights[point];
            let every = (0..weights.len()).flat_map(|point| (0..classes).map(move |y| (point, y)));
            let partition = log_sum(every.map(of));
            let tilted = move |y: usize, point: usize| {
                energies[point * classes + y] + weights[point] - partition
            };
            Box::new(tilted) as Box<dyn Fn(usize, usize) -> f64>
        }
        _ => Box::new(move |_, point| weights[point] - (classes as f64).ln()),
    };
    let points = log_prob.len() / classes;
    let joint = |at: usize| log_prob[at] + prior(at / points, at % points);
    log_sum((0..log_prob.len()).map(joint))
}

/// The mean of many importance weights with its standard error, and the mean bound, nats.
fn estimates(model: &Model, row: &[f32]) -> (f64, f64, f64) {
    let (device, classes) = (Device::flex(), model.classes());
    let x = matrix(row.repeat(SAMPLES), row.len(), &device);
    let widths = model.widths();
    let draw = |purpose: &str, rows, width| {
        Noise::new(8).split(purpose).normal_tensor([rows, width], &device)
    };
    let look = Look {
        epsilon: (widths.example > 0).then(|| draw("look", SAMPLES, widths.example)),
        ..Look::default()
    };
    let epsilon: Tensor<2> = draw("rows", classes * SAMPLES, widths.row);
    let weights = values(importance_log_weights(model, x.clone(), &look, epsilon.clone()));
    let weights: Vec<f64> = weights.into_iter().map(f64::from).collect();
    let mean = log_sum(weights.iter().copied()) - (SAMPLES as f64).ln();
    let variance =
        weights.iter().map(|w| ((w - mean).exp() - 1.0).powi(2)).sum::<f64>() / SAMPLES as f64;
    let bound = unlabelled_bound(model, x, &look, epsilon, 1.0);
    (mean, (variance / SAMPLES as f64).sqrt(), f64::from(number(bound.value.mean())))
}

#[test]
fn the_marginal_likelihood_of_incomplete_rows_is_what_importance_weights_average_to() {
    for name in ["m1", "m2", "adgm", "sdgm", "latent-ebm"] {
        let small = small(name);
        let mut model = small.model(&Device::flex());
        if let Model::LatentEbm(_) = &model {
            // Its partition function is measured by the model itself.
            model.measure(matrix(small.examples("measured", 4), small.width(), &Device::flex()));
        }
        for row in incomplete(&small) {
            let exact = marginal(&model, &row);
            let (mean, error, bound) = estimates(&model, &row);
            let missing = row.iter().filter(|number| number.is_nan()).count();
            eprintln!(
                "{name}, {missing} numbers missing: {exact:.4}, {mean:.4} ± {error:.4}, bound {bound:.4}"
            );
            // With an auxiliary variable the weights have tails that no sample of this size has seen: the mean lies below.
            let tails = matches!(name, "adgm" | "sdgm");
            let apart = mean - exact;
            assert!(apart < 5.0 * error + 0.02, "{name}: {mean} ± {error} above {exact}");
            assert!(tails || -apart < 5.0 * error + 0.02, "{name}: {mean} ± {error} below {exact}");
            assert!(bound < exact + 0.02, "{name}: bound {bound} above {exact}");
        }
    }
}

/// Nothing is scored of a row without cells, and its divergence is finite: networks are given no NaN.
#[test]
fn a_row_without_cells_has_nothing_to_reconstruct() {
    for name in ["m1", "m2", "m1m2", "adgm", "sdgm", "ladder", "latent-ebm"] {
        let small = small(name);
        let model = small.model(&Device::flex());
        let nothing = matrix(vec![f32::NAN; small.width()], small.width(), &Device::flex());
        let widths = model.widths();
        let zeros = |rows, width| Tensor::<2>::zeros([rows, width], &Device::flex());
        let look = Look {
            epsilon: (widths.example > 0).then(|| zeros(1, widths.example)),
            ..Look::default()
        };
        let bound = model.bound(
            nothing,
            &look,
            &Classes::Every,
            zeros(small.classes, widths.row),
            gleaner_core::models::Divergence::Closed,
        );
        let reconstruction = values(bound.reconstruction);
        if name != "m1m2" {
            assert!(reconstruction.iter().all(|&nats| nats == 0.0), "{name}: {reconstruction:?}");
        }
        assert!(values(bound.divergences[0].1.clone()).iter().all(|kl| kl.is_finite()), "{name}");
    }
}
