//! Convolutional networks against loops in double precision, and what training and evaluation do to them.

use std::collections::BTreeMap;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use gleaner_core::checkpoint::{Checkpoint, Parameter};
use gleaner_core::models::{Generative as _, Model};
use gleaner_core::nets::{
    Classes, Convolution, ConvolutionalTrunk, Deconvolution, PlainConvolution, Shrink, Training,
};
use gleaner_core::noise::Noise;
use gleaner_core::objective::{Elapsed, SemiSupervised, SemiSupervisedConfig};
use gleaner_core::train::{Learner, TrainState};
use gleaner_tests::modules::parameters;
use gleaner_tests::program::Program;
use gleaner_tests::small::{Small, matrix};
use gleaner_tests::{Tolerance, assert_close, values};
use tempfile::tempdir;

/// Sums of tens of single-precision products.
const SAME: Tolerance = Tolerance { relative: 2e-5, absolute: 2e-5 };

type Parameters = BTreeMap<String, Parameter>;

/// Maps of one image: `[channel][row][column]`.
type Maps = Vec<Vec<Vec<f64>>>;

fn config() -> PlainConvolution {
    PlainConvolution { maps: [2, 3, 4], dropout: 0.4 }
}

fn noise(purpose: &str) -> Noise {
    Noise::new(3).split(purpose)
}

fn number(p: &Parameters, name: &str, index: usize) -> f64 {
    f64::from(p[name].values[index])
}

/// Rows of pixels, channels last, as maps.
fn maps(x: &[f32], [height, width, channels]: [usize; 3]) -> Maps {
    let value = |c, r, k| f64::from(x[(r * width + k) * channels + c]);
    let row = |c, r| (0..width).map(|k| value(c, r, k)).collect();
    (0..channels).map(|c| (0..height).map(|r| row(c, r)).collect()).collect()
}

/// A 3 x 3 convolution with a border of zeros.
fn convolve(p: &Parameters, name: &str, x: &Maps, stride: usize) -> Maps {
    let shape = &p[&format!("{name}.weight")].shape;
    let (outputs, inputs) = (shape[0], shape[1]);
    let (height, width) = (x[0].len(), x[0][0].len());
    let at = |c: usize, r: usize, k: usize, i: usize, j: usize| {
        let (r, k) = ((r * stride + i).checked_sub(1)?, (k * stride + j).checked_sub(1)?);
        x[c].get(r)?.get(k).copied()
    };
    let sum = |o: usize, r: usize, k: usize| {
        let mut sum = number(p, &format!("{name}.bias"), o);
        for (c, i, j) in (0..inputs * 9).map(|n| (n / 9, n / 3 % 3, n % 3)) {
            let weight = number(p, &format!("{name}.weight"), ((o * inputs + c) * 3 + i) * 3 + j);
            sum += weight * at(c, r, k, i, j).unwrap_or(0.0);
        }
        sum
    };
    let (rows, columns) = (height.div_ceil(stride), width.div_ceil(stride));
    let row = |o, r| (0..columns).map(|k| sum(o, r, k)).collect();
    (0..outputs).map(|o| (0..rows).map(|r| row(o, r)).collect()).collect()
}

fn each(x: &Maps, f: impl Fn(usize, f64) -> f64) -> Maps {
    let map = |(c, map): (usize, &Vec<Vec<f64>>)| {
        map.iter().map(|row| row.iter().map(|&v| f(c, v)).collect()).collect()
    };
    x.iter().enumerate().map(map).collect()
}

fn pooled(x: &Maps) -> Maps {
    // One row or one column is not halved.
    let [high, wide] = [x[0].len().min(2), x[0][0].len().min(2)];
    let (rows, columns) = (x[0].len() / high, x[0][0].len() / wide);
    let largest = |map: &Vec<Vec<f64>>, r: usize, k: usize| {
        let cells = (0..high * wide).map(|n| map[high * r + n / wide][wide * k + n % wide]);
        cells.fold(f64::NEG_INFINITY, f64::max)
    };
    let row = |map, r| (0..columns).map(|k| largest(map, r, k)).collect();
    x.iter().map(|map| (0..rows).map(|r| row(map, r)).collect()).collect()
}

fn flat(x: Maps) -> Vec<f64> {
    x.into_iter().flatten().flatten().collect()
}

/// Mean and variance of each map over images.
fn statistics(images: &[Maps]) -> Vec<[f64; 2]> {
    let of_map = |c: usize| {
        let all: Vec<f64> = images.iter().flat_map(|x| x[c].iter().flatten().copied()).collect();
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        [mean, all.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / all.len() as f64]
    };
    (0..images[0].len()).map(of_map).collect()
}

/// The trunk of the review's q(z|x) without dropout, normalised by the batch itself.
fn strided(p: &Parameters, mut images: Vec<Maps>) -> Vec<f64> {
    for layer in 0..3 {
        let name = format!("convolutions.{layer}");
        images = images.iter().map(|x| convolve(p, &name, x, 2)).collect();
        let statistics = statistics(&images);
        let normal = |c: usize, v: f64| {
            let [mean, variance] = statistics[c];
            let value = (v - mean) / (variance + 1e-5).sqrt();
            let scale = number(p, &format!("norms.{layer}.scale"), c);
            (value * scale + number(p, &format!("norms.{layer}.shift"), c)).max(0.0)
        };
        images = images.iter().map(|x| each(x, normal)).collect();
    }
    images.into_iter().flat_map(flat).collect()
}

fn trunk(image: [usize; 3], shrink: Shrink, dropout: f64) -> ConvolutionalTrunk {
    let config = PlainConvolution { dropout, ..config() };
    ConvolutionalTrunk::new(&config, image, shrink, &mut noise("weights"), &Device::flex())
}

fn pictures(image: [usize; 3], count: usize) -> Vec<f32> {
    noise("pictures").uniform(count * image.iter().product::<usize>())
}

#[test]
fn the_strided_trunk_is_convolution_normalisation_and_relu() {
    for image in [[5, 6, 2], [8, 8, 1], [28, 28, 1]] {
        let (trunk, x) = (trunk(image, Shrink::Stride, 0.0), pictures(image, 3));
        let size = image.iter().product();
        let training = Training { noise: noise("none"), first: 0 };
        let found = trunk.forward(matrix(x.clone(), size, &Device::flex()), Some(&training));
        let images = x.chunks_exact(size).map(|x| maps(x, image)).collect();
        let expected = strided(&parameters(&trunk), images);
        assert_eq!(found.dims()[1], ConvolutionalTrunk::features(&config(), image, Shrink::Stride));
        assert_close("features", &values(found), &expected, SAME);
    }
}

#[test]
fn the_pooling_trunk_takes_the_largest_of_four() {
    for image in [[9, 8, 1], [28, 28, 1], [1, 5, 2]] {
        let (trunk, x) = (trunk(image, Shrink::Pool, 0.0), pictures(image, 1));
        let p = parameters(&trunk);
        let mut maps = maps(&x, image);
        for layer in 0..3 {
            maps =
                each(&convolve(&p, &format!("convolutions.{layer}"), &maps, 1), |_, v| v.max(0.0));
            if layer < 2 {
                maps = pooled(&maps);
            }
        }
        let found = trunk.forward(matrix(x, image.iter().product(), &Device::flex()), None);
        assert_eq!(found.dims()[1], ConvolutionalTrunk::features(&config(), image, Shrink::Pool));
        assert_close("features", &values(found), &flat(maps), SAME);
    }
}

/// A transposed convolution: every value is spread over the kernel's cells.
fn spread(p: &Parameters, name: &str, x: &Maps, [rows, columns]: [usize; 2]) -> Maps {
    let shape = &p[&format!("{name}.weight")].shape;
    let (outputs, kernel) = (shape[1], [shape[2], shape[3]]);
    // Stride 2 where the picture grows.
    let stride = if rows > x[0].len() { 2 } else { 1 };
    let bias = |o| number(p, &format!("{name}.bias"), o);
    let mut out: Maps = (0..outputs).map(|o| vec![vec![bias(o); columns]; rows]).collect();
    for (c, map) in x.iter().enumerate() {
        for (r, row) in map.iter().enumerate() {
            for (k, value) in row.iter().enumerate() {
                for (o, map) in out.iter_mut().enumerate() {
                    for (i, j) in (0..kernel[0] * kernel[1]).map(|n| (n / kernel[1], n % kernel[1]))
                    {
                        let place = ((c * outputs + o) * kernel[0] + i) * kernel[1] + j;
                        let to = |at: usize, i: usize| (at * stride + i).checked_sub(1);
                        let (Some(r), Some(k)) = (to(r, i), to(k, j)) else { continue };
                        if r < rows && k < columns {
                            map[r][k] += value * number(p, &format!("{name}.weight"), place);
                        }
                    }
                }
            }
        }
    }
    out
}

#[test]
fn transposed_convolutions_end_with_the_picture_that_the_trunk_began_with() {
    // Both odd and even sizes, so that kernels of 3 and of 4 occur.
    for image in [[7, 8, 2], [28, 28, 1], [9, 9, 1], [32, 32, 3]] {
        let device = Device::flex();
        let net = Deconvolution::new(
            5,
            &Convolution::Plain(config()),
            image,
            &mut noise("weights"),
            &device,
        );
        let h = noise("h").normal(5);
        let p = parameters(&net);
        let [height, width, channels] = image;
        let (heights, widths) = (Shrink::Stride.sizes(height), Shrink::Stride.sizes(width));
        let cells = 4 * heights[3] * widths[3];
        let dense = |o: usize| {
            let weight = |i: usize| number(&p, "input.weight", i * cells + o) * f64::from(h[i]);
            (number(&p, "input.bias", o) + (0..5).map(weight).sum::<f64>()).max(0.0)
        };
        let row = |c: usize, r: usize| {
            (0..widths[3]).map(|k| dense((c * heights[3] + r) * widths[3] + k)).collect()
        };
        let mut maps: Maps = (0..4).map(|c| (0..heights[3]).map(|r| row(c, r)).collect()).collect();
        for (layer, level) in [2, 1, 0, 0].into_iter().enumerate() {
            maps = spread(&p, &format!("layers.{layer}"), &maps, [heights[level], widths[level]]);
            if layer < 3 {
                maps = each(&maps, |_, v| v.max(0.0));
            }
        }
        let pixel = |i: usize| maps[i % channels][i / channels / width][i / channels % width];
        let expected: Vec<f64> = (0..height * width * channels).map(pixel).collect();
        let found = values(net.forward(matrix(h, 5, &device)));
        assert_close("picture", &found, &expected, SAME);
    }
}

#[test]
fn evaluation_normalises_by_what_was_measured() {
    let image = [8, 8, 1];
    let mut trunk = trunk(image, Shrink::Stride, 0.0);
    let x = || matrix(pictures(image, 6), 64, &Device::flex());
    let training = Training { noise: noise("none"), first: 0 };
    let by_batch = values(trunk.forward(x(), Some(&training)));
    let before = values(trunk.forward(x(), None));
    trunk.measure(x());
    // Measured on the batch itself, evaluation and training agree.
    let doubles: Vec<f64> = by_batch.iter().map(|&v| f64::from(v)).collect();
    assert_close("evaluation", &values(trunk.forward(x(), None)), &doubles, SAME);
    assert!(before.iter().zip(&by_batch).any(|(a, b)| (a - b).abs() > 0.1));
}

#[test]
fn dropout_keeps_the_mean_and_is_the_examples_own() {
    let (count, training) = (4000, Training { noise: noise("dropout"), first: 0 });
    let ones = |rows: usize| Tensor::<4>::ones([rows, 2, 1, 3], &Device::flex());
    let dropped = values(training.drop_maps(ones(count), 0.4, 1));
    // 12,000 maps: the mean's standard error is 0.0075; five of each.
    let mean = dropped.iter().map(|&v| f64::from(v)).sum::<f64>() / dropped.len() as f64;
    assert!((mean - 1.0).abs() < 0.04, "{mean}");
    // Both cells of a map share their fate.
    assert!(dropped.chunks_exact(6).all(|cells| cells[..3] == cells[3..]));
    assert!(dropped.iter().all(|&v| v == 0.0 || (v - 1.0 / 0.6).abs() < 1e-6));
    let later = Training { first: 3, ..training.clone() };
    assert_eq!(values(later.drop_maps(ones(2), 0.4, 1)), dropped[18..30]);
    assert_ne!(values(training.drop_maps(ones(2), 0.4, 2)), dropped[..12]);
}

#[test]
fn a_convolutional_m2_learns() {
    let small = Small { features: 9, rows: [8, 12], ..Small::default() };
    let device = Device::flex();
    let config = small.convolutional();
    let model: Model = config.init(&small.noise("model"), &device.clone().autodiff()).unwrap();
    let before = parameters(&model);
    let objective = SemiSupervised::new(SemiSupervisedConfig::exact(1.0));
    let learner = Learner::whole(objective, 50.0, small.noise("training"));
    let batch = small.batch(&device);
    let mut state = TrainState::new(model);
    let mut totals = Vec::new();
    for _ in 0..150 {
        let (next, terms) = learner.step(state, &batch, 1e-2, Elapsed::ALL);
        totals.push(values(terms.total)[0]);
        state = next;
    }
    let mean = |part: &[f32]| part.iter().sum::<f32>() / part.len() as f32;
    assert!(mean(&totals[140..]) < mean(&totals[..10]) - 0.5, "{totals:?}");
    let moved = |name: &String| parameters(&state.model)[name].values != before[name].values;
    let still: Vec<&String> = before.keys().filter(|name| !moved(name)).collect();
    // What evaluation normalises by is measured, not learnt.
    let statistics: Vec<&String> = before.keys().filter(|name| is_statistic(name)).collect();
    assert!(!statistics.is_empty());
    assert_eq!(still, statistics);

    let mut model = state.model.valid();
    let encoded = |model: &Model| values(model.encode(batch.unlabelled.clone(), &Classes::Every));
    let unmeasured = encoded(&model);
    model.measure(batch.unlabelled.clone());
    assert_ne!(encoded(&model), unmeasured, "evaluation normalises by what was measured");
}

fn is_statistic(name: &str) -> bool {
    name.contains("norm") && (name.ends_with(".mean") || name.ends_with(".variance"))
}

#[test]
fn a_run_keeps_what_evaluation_normalises_by() {
    let plain = "model.convolution={maps=[2,2,2],dropout=0.1}";
    let wide = "model.convolution={kind='wide-resnet',depth=10,width=1,generator=[4,3]}";
    for (convolution, normalised) in [(plain, 3), (wide, 2 * 7)] {
        let folder = tempdir().unwrap();
        let run = folder.path().join("run");
        let settings = [
            &format!("--set={convolution}"),
            "--set=model.hidden=[8]",
            "--set=model.classifier-hidden=[8]",
            "--set=model.likelihood={isotropic-gaussian={sigma=0.3}}",
            "--set=train.baseline-steps=2",
            "--steps=3",
        ];
        let start = ["train".as_ref(), "--out".as_ref(), run.as_os_str()];
        let gleaner = Program::new(env!("CARGO_BIN_EXE_gleaner_under_test"));
        gleaner.call(start.into_iter().chain(settings.iter().map(|s| s.as_ref()))).done();
        let bytes = std::fs::read(run.join("model.safetensors")).unwrap();
        let parameters = Checkpoint::from_bytes(&bytes).unwrap().parameters;
        let kept: Vec<_> = parameters.iter().filter(|(name, _)| is_statistic(name)).collect();
        assert_eq!(kept.len(), 2 * normalised, "{:?}", parameters.keys());
        for (name, Parameter { values, .. }) in kept {
            let untouched = if name.ends_with(".mean") { 0.0 } else { 1.0 };
            assert!(values.iter().any(|&value| value != untouched), "{name}");
        }
    }
}
