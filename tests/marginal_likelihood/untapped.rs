//! Untapped, whose examples are few enough to be counted and whose `z` has one dimension, so that sums and
//! integrals are exact on the host (E20).

use gleaner_core::models::Untapped;
use gleaner_core::objective::{UnfeaturedZ, UntappedObjective, UntappedWeights};

use super::*;

const LOW: f64 = -1.0;
const HIGH: f64 = 2.0;

/// Corners have a density below the edges' square root: importance weights of a uniform `y` are bounded, as
/// they are not at temperatures above `1 / (classes - 1)`.
const TEMPERATURE: f64 = 0.5;

/// The networks, each a linear function, in double precision.
#[derive(Clone)]
struct Reference {
    /// `p(x|y,z)`: logits from `z`, and for each class.
    slopes: Vec<f64>,
    offsets: Vec<Vec<f64>>,
    /// `q(z|x,y)` before it is squeezed: its mean from each bit, and for each class; its variance.
    of_bits: Vec<f64>,
    of_classes: Vec<f64>,
    variance: f64,
    /// `q(y|x)`: logits of each class from each bit.
    scores: Vec<Vec<f64>>,
}

impl Reference {
    fn model(&self) -> Model {
        let (bits, classes) = (self.slopes.len(), self.offsets.len());
        let mut hand = ByHand::new(json!({
            "model": "untapped", "shape": [bits], "classes": classes, "latent": 1,
            "range": [LOW, HIGH], "hidden": [1 + classes], "encoder_hidden": [bits + classes],
            "classifier_hidden": [], "activation": "identity",
        }));
        let given_z = |slope, class: usize, bit: usize| Conditional {
            weights: vec![slope],
            intercept: self.offsets[class][bit],
            variance: 1.0,
        };
        let z_given = |class: usize| Conditional {
            weights: self.of_bits.clone(),
            intercept: self.of_classes[class],
            variance: self.variance,
        };
        for (bit, &slope) in self.slopes.iter().enumerate() {
            let logits: Vec<_> = (0..classes).map(|class| given_z(slope, class, bit)).collect();
            hand.say_mean(("decoder", "output"), bit, &logits);
            for class in 0..classes {
                hand.set("classifier.output.weight", bit, class, self.scores[class][bit]);
            }
        }
        hand.say(("encoder", "mean"), 0, &(0..classes).map(z_given).collect::<Vec<_>>());
        hand.checkpoint().build(&Device::flex()).expect("a model")
    }

    /// `p(x|y,z)`, `y` a point of the simplex.
    fn x_given(&self, x: &[f64], y: &[f64], z: f64) -> f64 {
        let bit = |i: usize| {
            let offset: f64 = y.iter().zip(&self.offsets).map(|(y, of)| y * of[i]).sum();
            let one = 1.0 / (1.0 + (-(self.slopes[i] * z + offset)).exp());
            if x[i] > 0.5 { one } else { 1.0 - one }
        };
        (0..x.len()).map(bit).product()
    }

    /// `q(y|x)`: the density of the Concrete distribution (Maddison et al. 2017, eq. 11).
    fn y_given(&self, y: &[f64], x: &[f64]) -> f64 {
        let weight =
            |scores: &Vec<f64>| scores.iter().zip(x).map(|(s, x)| s * x).sum::<f64>().exp();
        let weights: Vec<f64> = self.scores.iter().map(weight).collect();
        let terms = || weights.iter().zip(y).map(|(w, y)| w * y.powf(-TEMPERATURE));
        let top: f64 = terms().zip(y).map(|(term, y)| term / y).product();
        let factorial: f64 = (1..y.len()).map(|k| k as f64).product();
        let scale = factorial * TEMPERATURE.powi(y.len() as i32 - 1);
        scale * top / terms().sum::<f64>().powi(y.len() as i32)
    }

    /// `q(z|x,y)`: a Gaussian at the point that is squeezed to `z`, over the slope there.
    fn z_given(&self, z: f64, x: &[f64], y: &[f64]) -> f64 {
        let (below, above) = (z - LOW, HIGH - z);
        let sum = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let apart = (below / above).ln() - sum(&self.of_bits, x) - sum(&self.of_classes, y);
        let density = (-0.5 * apart * apart / self.variance).exp()
            / (std::f64::consts::TAU * self.variance).sqrt();
        density * (HIGH - LOW) / (below * above)
    }
}

/// The mean of a function over the box: the midpoint rule.
fn over_the_box(f: impl FnMut(f64) -> f64) -> f64 {
    middles(200).map(|share| LOW + (HIGH - LOW) * share).map(f).sum::<f64>() / 200.0
}

fn middles(count: usize) -> impl Iterator<Item = f64> + Clone {
    (0..count).map(move |i| (i as f64 + 0.5) / count as f64)
}

/// Forward, the ends of the box have to be reached, or importance weights against a uniform `z` vary without
/// limit; in reverse, they have to be left alone, or quadrature needs its points there.
const WIDE: f64 = 4.0;
const NARROW: f64 = 1.5;

/// `variance` is that of `q(z|x,y)` before it is squeezed.
fn reference(bits: usize, classes: usize, variance: f64) -> Reference {
    let mut noise = Noise::new(43);
    let mut draw = |count: usize, scale: f64| -> Vec<f64> {
        noise.normal(count).into_iter().map(|v| scale * f64::from(v)).collect()
    };
    Reference {
        slopes: draw(bits, 1.0),
        offsets: (0..classes).map(|_| draw(bits, 1.0)).collect(),
        of_bits: draw(bits, 0.5),
        of_classes: draw(classes, 0.5),
        variance,
        scores: (0..classes).map(|_| draw(bits, 0.7)).collect(),
    }
}

#[test]
fn forward_the_bounds_are_below_what_quadrature_finds() {
    let (reference, x) = (reference(3, CLASSES, WIDE), [1.0, 0.0, 1.0]);
    let model = reference.model();
    let draws = Draws::new(&model, &x, DRAWS);
    let of_class = |class: usize| {
        let mut y = [0.0; CLASSES];
        y[class] = 1.0;
        over_the_box(|z| reference.x_given(&x, &y, z)) / CLASSES as f64
    };
    for class in 0..CLASSES {
        let weights = draws.labelled(&model, class, Divergence::Drawn);
        ordered(&format!("class {class}"), &weights, &weights, of_class(class).ln());
    }
    let exact = (0..CLASSES).map(of_class).sum::<f64>().ln();
    ordered("all classes", &draws.unlabelled(&model), &draws.weights(&model), exact);
}

fn reversible(model: &Model) -> (UntappedObjective, &Untapped) {
    let weights = UntappedWeights { temperature: TEMPERATURE, ..UntappedWeights::default() };
    let Model::Untapped(model) = model else { panic!("an untapped model") };
    (UntappedObjective { weights, noise: Noise::new(0) }, model)
}

#[test]
fn forward_a_relaxed_class_is_a_variable_like_any_other() {
    let (reference, x) = (reference(3, 3, WIDE), [0.0, 1.0, 1.0]);
    let (model, device) = (reference.model(), Device::flex());
    let draws = Draws::new(&model, &x, DRAWS);
    let uniform = Noise::new(44).uniform_tensor([DRAWS, 3], &device);
    let (objective, untapped) = reversible(&model);
    let logits = model.logits(draws.x.clone(), &Look::default());
    let epsilon = draws.epsilon(&model, 1);
    let bound = objective.relaxed_bound(untapped, logits, draws.x, uniform, epsilon);
    let log_weights: Vec<f64> = values(bound).into_iter().map(f64::from).collect();
    // Uniform on the simplex: the root of one uniform number divides it, another divides what is left.
    let points = middles(40).flat_map(|s| middles(40).map(move |t| (s.sqrt(), t)));
    let sum: f64 = points
        .map(|(root, t)| {
            let y = [1.0 - root, root * (1.0 - t), root * t];
            over_the_box(|z| reference.x_given(&x, &y, z))
        })
        .sum();
    ordered("relaxed", &log_weights, &log_weights, (sum / 1600.0).ln());
}

/// The reverse bound of one `(y, z)` at every example there is.
struct Reversed {
    /// `p(x|y,z)`.
    probabilities: Vec<f64>,
    /// The bound at each.
    values: Vec<f64>,
}

impl Reversed {
    fn new(reference: &Reference, y: &[f32], z: f32, known: UnfeaturedZ) -> Self {
        let (bits, model, device) = (reference.slopes.len(), reference.model(), Device::flex());
        let (objective, untapped) = reversible(&model);
        let rows = 1 << bits;
        let repeat = |values: &[f32]| matrix(values.repeat(rows), values.len(), &device);
        let log_y: Vec<f32> = y.iter().map(|y| y.ln()).collect();
        // A bit is set where its uniform number is below its probability.
        let uniform = examples(bits).flatten().map(|bit| if bit > 0.5 { 0.0 } else { 0.999_999 });
        let uniform = matrix(uniform.collect(), bits, &device);
        let bound = objective.reverse_bound(untapped, repeat(&log_y), repeat(&[z]), uniform);
        let host = |tensor| values(tensor).into_iter().map(f64::from).collect::<Vec<_>>();
        let values = host(bound.value(known));
        Self { probabilities: host(bound.x).into_iter().map(f64::exp).collect(), values }
    }

    /// The mean under `p(x|y,z)` of some function of the bound.
    fn mean(&self, f: impl Fn(f64) -> f64) -> f64 {
        self.probabilities.iter().zip(&self.values).map(|(p, &value)| p * f(value)).sum()
    }
}

/// Every example of so many bits.
fn examples(bits: usize) -> impl Iterator<Item = Vec<f64>> {
    (0..1_usize << bits).map(move |code| (0..bits).map(|i| ((code >> i) & 1) as f64).collect())
}

/// The mean over examples, each as likely as any other.
fn over_examples(bits: usize, f: impl Fn(&[f64]) -> f64) -> f64 {
    examples(bits).map(|x| f(&x)).sum::<f64>() / f64::from(1 << bits)
}

/// Points of the simplex, nearly certain or not, and places of `z`.
const POINTS: [([f32; 3], f32); 3] =
    [([0.95, 0.03, 0.02], 0.3), ([0.2, 0.3, 0.5], 1.7), ([0.05, 0.7, 0.25], -0.8)];

fn double(y: &[f32]) -> Vec<f64> {
    y.iter().map(|&y| f64::from(y)).collect()
}

#[test]
fn reverse_with_z_observed_the_bound_is_below_the_sum_over_all_examples() {
    let reference = reference(4, 3, NARROW);
    for (y, z) in POINTS {
        let reversed = Reversed::new(&reference, &y, z, UnfeaturedZ::Drawn);
        let certain: f64 = reversed.probabilities.iter().sum();
        assert!((certain - 1.0).abs() < 1e-5, "all examples have been seen: {certain}");
        let (y, z) = (double(&y), f64::from(z));
        let joint = |x: &[f64]| reference.y_given(&y, x) * reference.z_given(z, x, &y);
        let exact = over_examples(4, joint).ln();
        let (bound, weights) = (reversed.mean(|v| v), reversed.mean(f64::exp).ln());
        eprintln!("{y:?}, {z}: {bound:.4} < {exact:.4}; weights {weights:.4}");
        assert!(bound < exact - 0.01, "{bound} {exact}");
        assert!((weights - exact).abs() < ROUNDING, "{weights}, not {exact}");
    }
}

/// One bit decides about `y` and another about `z`: then they are independent given both, which is what
/// `p(x|y,z)` can say.
#[test]
fn reverse_where_the_decoder_is_the_posterior_of_x_every_example_gives_the_whole_sum() {
    for (y, z) in POINTS {
        let (y_exact, z_exact) = (double(&y), f64::from(z));
        let mut reference = reference(4, 3, NARROW);
        reference.of_bits = vec![0.0, 1.3, 0.0, 0.0];
        reference.scores.iter_mut().for_each(|scores| scores[1..].fill(0.0));
        let none = [0.0; 4];
        let of_y = |x: &[f64]| reference.y_given(&y_exact, x).ln();
        let of_z = |x: &[f64]| reference.z_given(z_exact, x, &y_exact).ln();
        let logits = vec![
            of_y(&[1.0, 0.0, 0.0, 0.0]) - of_y(&none),
            of_z(&[0.0, 1.0, 0.0, 0.0]) - of_z(&none),
            0.0,
            0.0,
        ];
        let joint =
            |x: &[f64]| reference.y_given(&y_exact, x) * reference.z_given(z_exact, x, &y_exact);
        let exact = over_examples(4, joint).ln();
        let decided =
            Reference { slopes: vec![0.0; 4], offsets: vec![logits; 3], ..reference.clone() };
        for (code, value) in
            Reversed::new(&decided, &y, z, UnfeaturedZ::Drawn).values.iter().enumerate()
        {
            assert!((value - exact).abs() < ROUNDING, "{code:04b}: {value}, not {exact}");
        }
    }
}

#[test]
fn reverse_with_z_latent_the_bound_is_below_the_sum_and_integral() {
    let reference = reference(4, 3, NARROW);
    let (y, _) = POINTS[1];
    let exact = over_examples(4, |x| reference.y_given(&double(&y), x)).ln();
    let at = |z: f64| Reversed::new(&reference, &y, z as f32, UnfeaturedZ::Latent);
    let bound = over_the_box(|z| at(z).mean(|v| v));
    let weights = over_the_box(|z| at(z).mean(f64::exp)).ln();
    eprintln!("{bound:.4} < {exact:.4}; weights {weights:.4}");
    assert!(bound < exact - 0.01, "{bound} {exact}");
    // The midpoint rule with 200 points, on a density that vanishes at both ends.
    assert!((weights - exact).abs() < 1e-3, "{weights}, not {exact}");
}
