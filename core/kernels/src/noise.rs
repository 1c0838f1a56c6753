//! The only source of randomness: seeded, splittable streams on the host.
//!
//! Back ends disagree on what a seed means, so no tensor is drawn on a device unless somebody asks for
//! just that ([`NoiseSource`]). A [`Noise`] is a
//! ChaCha key. Children are derived from the key alone, by purpose ([`Noise::split`]) or by counter
//! ([`Noise::at`]), never from how much was drawn before: the noise of step 1,000 is the same whether or
//! not steps 0 to 999 were run in this process. Resuming therefore needs no generator state.

use burn::tensor::{Device, Distribution, Tensor, TensorData};
#[cfg(not(target_arch = "wasm32"))]
use rand::SeedableRng as _;
use rand::{Rng as _, RngExt as _};
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

use crate::simd::{ln, sin_of_turns, vectorised};

#[cfg(any(test, target_arch = "wasm32"))]
mod chacha;
#[cfg(target_arch = "wasm32")]
use chacha::{Stream, stream};
#[cfg(not(target_arch = "wasm32"))]
use rand_chacha::ChaCha8Rng as Stream;

/// Stream numbers below this are counters, those above are hashed purposes.
const PURPOSE: u64 = 1 << 63;

/// Where the large tensors of a training step's noise are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoiseSource {
    /// On the host: the same numbers on every device.
    #[default]
    Host,
    /// On the device, which saves drawing and uploading them: other numbers on other devices, and the same
    /// again on the same one only while a single training run uses it.
    Device,
}

/// A seeded stream of random numbers, and the root of independent child streams. Written down, it is as before its first draw.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Root", into = "Root")]
pub struct Noise {
    key: [u8; 32],
    stream: Stream,
    source: NoiseSource,
    silent: bool,
}

/// What all draws of a [`Noise`] and its children follow from.
#[derive(Serialize, Deserialize)]
struct Root {
    key: [u8; 32],
    source: NoiseSource,
}

impl From<Root> for Noise {
    fn from(Root { key, source }: Root) -> Self {
        Self::from_key(key, source)
    }
}

impl From<Noise> for Root {
    fn from(Noise { key, source, .. }: Noise) -> Self {
        Self { key, source }
    }
}

impl Noise {
    /// The root stream of a run.
    pub fn new(seed: u64) -> Self {
        let mut key = *b"gleaner noise, version 1........";
        key[24..].copy_from_slice(&seed.to_le_bytes());
        Self::from_key(key, NoiseSource::Host)
    }

    /// The stream of a model that is filled from a file: its parameters have shapes, and are not drawn.
    pub fn silent() -> Self {
        Self { silent: true, ..Self::new(0) }
    }

    /// Whether parameters are left open.
    pub fn is_silent(&self) -> bool {
        self.silent
    }

    /// The same stream, with the tensors of [`Noise::normal_by_example`] and [`Noise::uniform_by_example`] drawn elsewhere, in all its
    /// children too.
    #[must_use]
    pub fn drawn_on(self, source: NoiseSource) -> Self {
        Self { source, ..self }
    }

    /// Where those tensors are drawn.
    pub fn source(&self) -> NoiseSource {
        self.source
    }

    /// The child for one purpose, such as `"epsilon"` or `"labels"`.
    pub fn split(&self, purpose: &str) -> Self {
        self.child(fnv1a(purpose.as_bytes()) | PURPOSE)
    }

    /// The child for one index: a step, an epoch, a chain.
    pub fn at(&self, index: u64) -> Self {
        self.child(index & !PURPOSE)
    }

    /// The next `count` draws from N(0, 1).
    pub fn normal(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.stream.sample(StandardNormal)).collect()
    }

    /// The next `count` draws from the uniform distribution on [0, 1).
    pub fn uniform(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.stream.random()).collect()
    }

    /// A uniformly random order of `0..count` (Fisher and Yates).
    pub fn permutation(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            order.swap(last, self.stream.random_range(0..=last as u64) as usize);
        }
        order
    }

    /// Draws `count` of `items` without replacement, every choice equally likely, and moves them to the front.
    ///
    /// # Panics
    /// More are asked for than there are.
    pub fn draw_to_front<T>(&mut self, items: &mut [T], count: usize) {
        assert!(count <= items.len(), "{count} of {} items", items.len());
        for at in 0..count {
            items.swap(at, self.stream.random_range(at as u64..items.len() as u64) as usize);
        }
    }

    /// A standard normal tensor `[rows, columns]`, drawn here and uploaded.
    pub fn normal_tensor(&mut self, [rows, columns]: [usize; 2], device: &Device) -> Tensor<2> {
        Tensor::from_data(TensorData::new(self.normal(rows * columns), [rows, columns]), device)
    }

    /// A tensor `[rows, columns]` from the uniform distribution on [0, 1), drawn here and uploaded.
    pub fn uniform_tensor(&mut self, [rows, columns]: [usize; 2], device: &Device) -> Tensor<2> {
        Tensor::from_data(TensorData::new(self.uniform(rows * columns), [rows, columns]), device)
    }

    /// A standard normal tensor for the examples `first`, `first + 1`, ... of a batch, in which the draws of
    /// an example do not depend on which others are there: those of example `i` come from [`Noise::at`]
    /// `first + i`.
    ///
    /// # Shapes
    /// - `[rows, columns]` is one group of rows, one row for each example
    /// - output: `[groups * rows, columns]`, group-major
    pub fn normal_by_example(
        &self,
        first: usize,
        [rows, columns]: [usize; 2],
        groups: usize,
        device: &Device,
    ) -> Tensor<2> {
        if self.source == NoiseSource::Device {
            let normal = Distribution::Normal(0.0, 1.0);
            return self.on_device([groups * rows, columns], normal, device);
        }
        let mut values = vec![0.0; groups * rows * columns];
        for row in 0..rows {
            let draws = self.at((first + row) as u64).normal(groups * columns);
            for (group, draws) in draws.chunks_exact(columns.max(1)).enumerate() {
                let start = (group * rows + row) * columns;
                values[start..start + columns].copy_from_slice(draws);
            }
        }
        Tensor::from_data(TensorData::new(values, [groups * rows, columns]), device)
    }

    /// A stream of its own for each of the rows `first`, `first + 1`, ...: that of row `i` is [`Noise::at`] `first + i`.
    pub fn streams(&self, first: usize, rows: usize) -> Streams {
        Streams((first..first + rows).map(|row| self.at(row as u64)).collect())
    }

    /// The same for rows of any numbers.
    pub fn streams_of(&self, rows: &[usize]) -> Streams {
        Streams(rows.iter().map(|&row| self.at(row as u64)).collect())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "asked for: speed before the same numbers everywhere"
    )]
    fn on_device(&self, shape: [usize; 2], drawn: Distribution, device: &Device) -> Tensor<2> {
        let mut seed = [0; 8];
        seed.copy_from_slice(&self.key[..8]);
        device.seed(u64::from_le_bytes(seed));
        Tensor::random(shape, drawn, device)
    }

    /// A tensor `[rows, columns]` from the uniform distribution on [0, 1) for the examples `first`,
    /// `first + 1`, ... of a batch, as [`Noise::normal_by_example`] draws them.
    pub fn uniform_by_example(
        &self,
        first: usize,
        [rows, columns]: [usize; 2],
        device: &Device,
    ) -> Tensor<2> {
        if self.source == NoiseSource::Device {
            return self.on_device([rows, columns], Distribution::Uniform(0.0, 1.0), device);
        }
        let of_example = |row: usize| self.at(row as u64).uniform(columns);
        let values: Vec<f32> = (first..first + rows).flat_map(of_example).collect();
        Tensor::from_data(TensorData::new(values, [rows, columns]), device)
    }

    fn child(&self, number: u64) -> Self {
        let mut key = [0; 32];
        stream(&self.key, number).fill_bytes(&mut key);
        Self { silent: self.silent, ..Self::from_key(key, self.source) }
    }

    fn from_key(key: [u8; 32], source: NoiseSource) -> Self {
        // The numbers come from a stream that no child key is cut from.
        let stream = stream(&key, u64::MAX);
        Self { key, stream, source, silent: false }
    }
}

/// One stream for each row, so that what a row is given does not depend on which others are there.
#[derive(Clone, Debug)]
pub struct Streams(Vec<Noise>);

impl Streams {
    /// The next draws from N(0, 1) of every row, `[rows, columns]`. They are made in pairs, in vectors: chains take them by the
    /// million.
    pub fn normal(&mut self, columns: usize, device: &Device) -> Tensor<2> {
        let rows = self.0.len();
        let mut values = vec![0.0; rows * columns];
        let mut bits = vec![0; columns.next_multiple_of(2)];
        for (Noise { stream, .. }, row) in
            self.0.iter_mut().zip(values.chunks_exact_mut(columns.max(1)))
        {
            bits.iter_mut().for_each(|bits| *bits = stream.next_u32());
            normals(&bits, row);
        }
        Tensor::from_data(TensorData::new(values, [rows, columns]), device)
    }

    /// The next draw from the uniform distribution on [0, 1) of every row, `[rows]`.
    pub fn uniform(&mut self, device: &Device) -> Tensor<1> {
        let draws: Vec<f32> = self.0.iter_mut().map(|row| row.stream.random()).collect();
        let rows = draws.len();
        Tensor::from_data(TensorData::new(draws, [rows]), device)
    }
}

/// Two standard normal numbers of two random words (Box and Muller 1958). The first of `normals` are made of the first half of
/// `bits` as radii and of the second half as angles: the cosines, then the sines.
fn normals(bits: &[u32], normals: &mut [f32]) {
    let (radii, angles) = bits.split_at(bits.len() / 2);
    let (cosines, sines) = normals.split_at_mut(radii.len());
    vectorised(
        #[inline(always)]
        || {
            for ((&radius, &angle), normal) in radii.iter().zip(angles).zip(cosines) {
                *normal = length(radius) * sin_of_turns(0.25 - turns(angle).abs());
            }
            for ((&radius, &angle), normal) in radii.iter().zip(angles).zip(sines) {
                let turns = turns(angle);
                // The sine of a turn's second quarter is that of the first one, backwards.
                let folded = 0.25 - (turns.abs() - 0.25).abs();
                *normal = length(radius) * sin_of_turns(folded.copysign(turns));
            }
        },
    );
}

/// `√(-2 log u)`, `u` uniform in (0, 1].
#[inline(always)]
fn length(bits: u32) -> f32 {
    let u = (bits as f32 + 0.5) * (1.0 / 4_294_967_296.0);
    // Rounding may take the logarithm of the largest a little above zero.
    (-2.0 * ln(u)).max(0.0).sqrt()
}

/// Uniform from -1/2 to 1/2.
#[inline(always)]
fn turns(bits: u32) -> f32 {
    bits as i32 as f32 * (1.0 / 4_294_967_296.0)
}

/// The stream of this number under a key.
#[cfg(not(target_arch = "wasm32"))]
fn stream(key: &[u8; 32], number: u64) -> Stream {
    let mut stream = Stream::from_seed(*key);
    stream.set_stream(number);
    stream
}

/// Fowler-Noll-Vo hash: fixed for ever, unlike the standard library's.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_do_not_depend_on_what_was_drawn() {
        let mut used = Noise::new(7);
        used.normal(1000);
        let fresh = Noise::new(7);
        assert_eq!(used.split("a").at(3).uniform(8), fresh.split("a").at(3).uniform(8));
    }

    #[test]
    fn streams_differ_by_seed_purpose_and_index() {
        let root = Noise::new(1);
        let draws = [
            root.clone().uniform(4),
            Noise::new(2).uniform(4),
            root.split("a").uniform(4),
            root.split("b").uniform(4),
            root.at(0).uniform(4),
            root.at(1).uniform(4),
            root.split("a").at(1).uniform(4),
            root.at(1).split("a").uniform(4),
        ];
        for (i, a) in draws.iter().enumerate() {
            for b in &draws[i + 1..] {
                assert_ne!(a, b);
            }
        }
    }

    #[test]
    fn draws_of_many_rows_are_standard_normal_and_independent() {
        let (rows, columns) = (500, 401);
        let device = Device::flex();
        let drawn = Noise::new(9).streams(0, rows).normal(columns, &device);
        let mut values: Vec<f32> = drawn.into_data().try_into_vec_as().unwrap();
        // Neighbours, and cosines with their sines, 201 apart: a mean product has the standard error 0.0022; five of them.
        for apart in [1, 201, columns] {
            let pairs = values.iter().zip(&values[apart..]);
            let mean =
                pairs.clone().map(|(a, b)| f64::from(a * b)).sum::<f64>() / pairs.count() as f64;
            assert!(mean.abs() < 0.011, "{apart} apart: {mean}");
        }
        // Kolmogorov and Smirnov's distance: 1.36 / √n once in twenty, 2.7 / √n once in a million.
        values.sort_by(f32::total_cmp);
        let count = values.len() as f64;
        let distance = values
            .iter()
            .enumerate()
            .map(|(i, &x)| ((i as f64 + 0.5) / count - normal_below(f64::from(x))).abs())
            .fold(0.0, f64::max);
        assert!(distance < 2.7 / count.sqrt(), "{distance}");
    }

    /// Share of N(0, 1) below `x`, by Simpson's rule.
    fn normal_below(x: f64) -> f64 {
        let density = |t: f64| (-t * t / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
        let (steps, width) = (200, x / 200.0);
        let inner = (1..steps).map(|i| {
            let weight = if i % 2 == 1 { 4.0 } else { 2.0 };
            weight * density(f64::from(i) * width)
        });
        0.5 + (density(0.0) + density(x) + inner.sum::<f64>()) * width / 3.0
    }

    #[test]
    fn normal_draws_have_standard_moments() {
        // 100,000 draws: the mean's standard error is 0.0032, the variance's 0.0045; five of each.
        let draws = Noise::new(3).normal(100_000);
        let mean = draws.iter().map(|&v| f64::from(v)).sum::<f64>() / 1e5;
        let variance = draws.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / 1e5;
        assert!(mean.abs() < 0.016, "mean {mean}");
        assert!((variance - 1.0).abs() < 0.023, "variance {variance}");
    }

    #[test]
    fn a_permutation_holds_every_index_once() {
        let mut order = Noise::new(5).permutation(257);
        assert_ne!(order, (0..257).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..257).collect::<Vec<_>>());
    }

    #[test]
    fn every_item_is_drawn_equally_often() {
        // 2 of 5 in 20,000 draws: each item 8,000 times, with a standard deviation of 69; five of them.
        let mut counts = [0; 5];
        let root = Noise::new(6);
        for draw in 0..20_000 {
            let mut items = [0, 1, 2, 3, 4];
            root.at(draw).draw_to_front(&mut items, 2);
            assert_ne!(items[0], items[1]);
            items[..2].iter().for_each(|&item: &usize| counts[item] += 1);
        }
        assert!(counts.iter().all(|count| (7_650..8_350).contains(count)), "{counts:?}");
    }

    #[test]
    fn an_examples_draws_do_not_depend_on_who_else_is_there() {
        let device = Device::flex();
        let read = |tensor: Tensor<2>| tensor.into_data().try_into_vec_as::<f32>().unwrap();
        let noise = Noise::new(4).split("latent");
        let all = read(noise.normal_by_example(0, [5, 3], 2, &device));
        let some = read(noise.normal_by_example(3, [2, 3], 2, &device));
        // Group-major: rows 3 and 4 of each group of five.
        assert_eq!(some, [&all[9..15], &all[24..30]].concat());
        let uniform = |first, rows| read(noise.uniform_by_example(first, [rows, 2], &device));
        assert_eq!(uniform(3, 2), uniform(0, 5)[6..]);
    }

    #[test]
    fn a_device_draws_standard_normal_numbers_from_the_seed() {
        let noise = |seed| Noise::new(seed).drawn_on(NoiseSource::Device).split("latent");
        let draw = |seed| {
            let tensor = noise(seed).normal_by_example(0, [100, 100], 10, &Device::flex());
            tensor.into_data().try_into_vec_as::<f32>().unwrap()
        };
        let draws = draw(1);
        let mean = draws.iter().map(|&v| f64::from(v)).sum::<f64>() / 1e5;
        let variance = draws.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / 1e5;
        assert!(mean.abs() < 0.016 && (variance - 1.0).abs() < 0.023, "{mean} {variance}");
        assert_ne!(draws, draw(2));
    }

    #[test]
    fn the_stream_is_pinned() {
        // A change here changes every published run: it needs a new version string in the key.
        let draws = Noise::new(0).split("pin").at(1).uniform(3);
        assert_eq!(draws.len(), 3);
        assert_eq!(draws, PINNED);
    }

    const PINNED: [f32; 3] = [0.624_876_26, 0.617_640_9, 0.661_139_8];
}
