//! Random shifts of, and noise on, what the classifier sees in training.

use burn::tensor::{Device, Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::noise::Noise;

/// How the classifier's input is disturbed in training; no bound and no evaluation sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augmentation {
    /// Moves whole images.
    pub shift: Option<Shift>,
    /// Standard deviation of normal noise on every value; 0 is none.
    pub noise: f64,
}

/// Moves an image by up to so many pixels, each way and each distance alike; the border is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shift {
    /// The farthest move, in pixels.
    pub by: usize,
    /// Height, width and channels of an image.
    pub image: [usize; 3],
}

impl Augmentation {
    /// Whether examples stay as they are.
    pub fn is_none(&self) -> bool {
        self.noise == 0.0 && self.shift.is_none_or(|shift| shift.by == 0)
    }

    /// Disturbs examples, of which the first is number `first` of its batch: what happens to an example
    /// depends on its number alone, not on which others are there.
    ///
    /// # Shapes
    /// - `x`, output: `[rows, features]`
    pub fn apply(&self, x: Tensor<2>, first: usize, noise: &Noise) -> Tensor<2> {
        let ([rows, features], device) = (x.dims(), x.device());
        let moved = match self.shift {
            Some(shift) => {
                let sources = shift.sources(first, rows, &noise.split("shift"));
                x.gather(1, indices(sources, [rows, features], &device))
            }
            None => x,
        };
        if self.noise == 0.0 {
            return moved;
        }
        let draws = noise.split("input").normal_by_example(first, [rows, features], 1, &device);
        moved + draws * self.noise
    }
}

impl Shift {
    /// For every value of every moved image, which value of the image comes there.
    fn sources(&self, first: usize, rows: usize, noise: &Noise) -> Vec<i32> {
        let farthest = self.by as isize;
        let distance = |uniform: f32| (uniform * (2 * self.by + 1) as f32) as isize - farthest;
        let of_example = |row: usize| {
            let draws = noise.at((first + row) as u64).uniform(2);
            self.sources_at(distance(draws[0]), distance(draws[1]))
        };
        (0..rows).flat_map(of_example).collect()
    }

    /// The same for one image that moves `down` and `right`.
    fn sources_at(&self, down: isize, right: isize) -> impl Iterator<Item = i32> {
        let [height, width, channels] = self.image;
        let from = |to: usize, by: isize, size: usize| {
            (to as isize - by).clamp(0, size as isize - 1) as usize
        };
        (0..height).flat_map(move |row| {
            let start = from(row, down, height) * width;
            (0..width).flat_map(move |column| {
                let pixel = (start + from(column, right, width)) * channels;
                (pixel..pixel + channels).map(|value| value as i32)
            })
        })
    }
}

fn indices(values: Vec<i32>, shape: [usize; 2], device: &Device) -> Tensor<2, Int> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(x: Tensor<2>) -> Vec<f32> {
        x.into_data().try_into_vec_as().unwrap()
    }

    #[test]
    fn an_image_moves_whole_and_repeats_its_border() {
        let shift = Shift { by: 1, image: [2, 3, 1] };
        let moved = |down, right| shift.sources_at(down, right).collect::<Vec<_>>();
        // 0 1 2
        // 3 4 5
        assert_eq!(moved(0, 0), [0, 1, 2, 3, 4, 5]);
        assert_eq!(moved(1, 0), [0, 1, 2, 0, 1, 2]);
        assert_eq!(moved(0, 1), [0, 0, 1, 3, 3, 4]);
        assert_eq!(moved(-1, -1), [4, 5, 5, 4, 5, 5]);
        let coloured = Shift { by: 1, image: [1, 2, 2] };
        assert_eq!(coloured.sources_at(0, -1).collect::<Vec<_>>(), [2, 3, 2, 3]);
    }

    #[test]
    fn every_move_is_as_likely_as_any_other() {
        // A single bright pixel in the middle of 5 x 5 tells where its image went.
        let rows = 5_000;
        let mut image = [0.0_f32; 25];
        image[12] = 1.0;
        let x = TensorData::new(image.repeat(rows), [rows, 25]);
        let shift = Some(Shift { by: 2, image: [5, 5, 1] });
        let augmentation = Augmentation { shift, noise: 0.0 };
        let x = Tensor::from_data(x, &Device::flex());
        let seen = read(augmentation.apply(x, 0, &Noise::new(1)));
        let mut counts = [0_u32; 25];
        for (place, _) in seen.iter().enumerate().filter(|(_, v)| **v == 1.0) {
            counts[place % 25] += 1;
        }
        assert_eq!(counts.iter().sum::<u32>(), rows as u32);
        // Chi-square with 24 degrees of freedom: above 59.7 once in 20,000 seeds.
        let expected = rows as f64 / 25.0;
        let chi: f64 = counts.iter().map(|&n| (f64::from(n) - expected).powi(2) / expected).sum();
        assert!(chi < 59.7, "chi-square {chi}: {counts:?}");
    }

    #[test]
    fn what_happens_to_an_example_does_not_depend_on_who_else_is_there() {
        let shift = Some(Shift { by: 1, image: [2, 2, 1] });
        let augmentation = Augmentation { shift, noise: 0.3 };
        let (noise, device) = (Noise::new(2), Device::flex());
        let x = Noise::new(3).uniform_tensor([6, 4], &device);
        let all = read(augmentation.apply(x.clone(), 0, &noise));
        let some = read(augmentation.apply(x.slice_dim(0, 4..6), 4, &noise));
        assert_eq!(some, all[16..]);
    }

    #[test]
    fn noise_has_its_deviation_and_nothing_asked_for_changes_nothing() {
        let device = Device::flex();
        let x = Noise::new(4).uniform_tensor([100, 100], &device);
        let noisy = Augmentation { shift: None, noise: 0.5 };
        let difference = read(noisy.apply(x.clone(), 0, &Noise::new(5)) - x.clone());
        let variance = difference.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / 1e4;
        // The standard error of a variance of 0.25 from 10,000 draws is 0.0035; five of them.
        assert!((variance - 0.25).abs() < 0.018, "variance {variance}");
        let plain = Augmentation::default().apply(x.clone(), 0, &Noise::new(5));
        assert_eq!(read(plain), read(x));
    }
}
