//! Precision, recall, density and coverage: how samples compare with real examples in a space of features
//! (Kynkäänniemi et al. 2019; Naeem et al. 2020; E43).

use std::ops::Range;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::simd::vectorised;
use crate::workers::{Workers, map};

/// Neighbours that a point's ball reaches to (Naeem et al. 2020, section 4).
pub const NEIGHBOURS: usize = 5;

/// Points whose distances to all others are one worker's task.
const ROWS_PER_TASK: usize = 64;

/// Products that are added side by side.
const LANES: usize = 16;

/// Points, and a ball around each that reaches to its `k`-th neighbour among them.
#[derive(Clone, Debug)]
pub struct Cloud<'a> {
    values: &'a [f32],
    width: usize,
    neighbours: usize,
    /// Squared radii.
    radii: Vec<f32>,
}

/// Shares of points, and a mean.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Fidelity {
    /// Share of the made that lie in a ball of the real: how much of what was made is plausible.
    pub precision: f64,
    /// Share of the real that lie in a ball of the made.
    pub recall: f64,
    /// Balls of the real that a made point lies in, divided by `k`: 1 on average if both follow the same distribution.
    /// Unlike precision, it does not count the one large ball around an outlier like a dense region.
    pub density: f64,
    /// Share of the real whose own ball holds a made point: how much of what is real was thought of.
    pub coverage: f64,
}

impl<'a> Cloud<'a> {
    /// Points `[n, width]`, row-major, with balls that reach to the `neighbours`-th neighbour.
    ///
    /// # Errors
    /// There are not more points than that, or a value is not finite.
    pub fn new(
        values: &'a [f32],
        width: usize,
        neighbours: usize,
        workers: &dyn Workers,
    ) -> Result<Self> {
        let count = values.len() / width.max(1);
        if count <= neighbours {
            let problem =
                format!("more than {neighbours} are needed to find neighbour {neighbours}");
            return Err(Error::config("points", count, problem));
        }
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            let problem = format!("the features of point {} are not finite", at / width);
            return Err(Error::config("features", values[at], problem));
        }
        let mut cloud = Self { values, width, neighbours, radii: Vec::new() };
        cloud.radii = each(workers, count, |point| {
            let mut distances: Vec<f32> = cloud.distances(cloud.point(point)).collect();
            // The nearest of all is the point itself.
            *distances.select_nth_unstable_by(neighbours, f32::total_cmp).1
        });
        Ok(cloud)
    }

    /// Whether some ball holds a place.
    #[inline(always)]
    pub(crate) fn holds(&self, place: &[f32]) -> bool {
        self.distances(place).zip(&self.radii).any(|(distance, radius)| distance < *radius)
    }

    fn count(&self) -> usize {
        self.values.len() / self.width
    }

    fn point(&self, point: usize) -> &[f32] {
        &self.values[point * self.width..(point + 1) * self.width]
    }

    /// Squared distances of all points from a place.
    #[inline(always)]
    fn distances(&self, place: &[f32]) -> impl Iterator<Item = f32> {
        self.values.chunks_exact(self.width).map(move |point| squared_distance(point, place))
    }
}

impl Fidelity {
    /// Compares points of one space.
    ///
    /// # Panics
    /// The points have different widths.
    pub fn of(real: &Cloud<'_>, made: &Cloud<'_>, workers: &dyn Workers) -> Self {
        assert_eq!(real.width, made.width, "points of one space");
        let held_by = each(workers, made.count(), |point| {
            let distances = real.distances(made.point(point)).zip(&real.radii);
            distances.filter(|(distance, radius)| distance < radius).count()
        });
        let found = each(workers, real.count(), |point| {
            let (mut held, mut covered) = (false, false);
            for (distance, radius) in made.distances(real.point(point)).zip(&made.radii) {
                held |= distance < *radius;
                covered |= distance < real.radii[point];
            }
            (held, covered)
        });
        let share = |count: usize, of: usize| count as f64 / of as f64;
        Self {
            precision: share(held_by.iter().filter(|&&balls| balls > 0).count(), made.count()),
            recall: share(found.iter().filter(|(held, _)| *held).count(), real.count()),
            density: share(held_by.iter().sum(), made.count() * real.neighbours),
            coverage: share(found.iter().filter(|(_, covered)| *covered).count(), real.count()),
        }
    }
}

/// `f` of every point, in order.
pub(crate) fn each<T: Send>(
    workers: &dyn Workers,
    count: usize,
    f: impl Fn(usize) -> T + Sync,
) -> Vec<T> {
    let tasks: Vec<Range<usize>> = (0..count)
        .step_by(ROWS_PER_TASK)
        .map(|first| first..(first + ROWS_PER_TASK).min(count))
        .collect();
    let task = |range: Range<usize>| {
        vectorised(
            #[inline(always)]
            || range.map(&f).collect::<Vec<T>>(),
        )
    };
    map(workers, tasks, task).into_iter().flatten().collect()
}

#[inline(always)]
pub(crate) fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            let apart = a[lane] - b[lane];
            sums[lane] += apart * apart;
        }
    }
    let rest = a_rest.iter().zip(b_rest).map(|(a, b)| (a - b) * (a - b));
    sums.iter().sum::<f32>() + rest.sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Noise;
    use crate::workers::InTurn;

    /// The definitions, on whole matrices of distances, in double precision.
    fn by_definition(real: &[f32], made: &[f32], width: usize, k: usize) -> Fidelity {
        let matrix = |a: &[f32], b: &[f32]| -> Vec<Vec<f64>> {
            let apart = |a: &[f32], b: &[f32]| {
                let squares = a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2));
                squares.sum::<f64>().sqrt()
            };
            let row = |a: &[f32]| b.chunks(width).map(|b| apart(a, b)).collect();
            a.chunks(width).map(row).collect()
        };
        let radii = |points: &[f32]| -> Vec<f64> {
            let kth = |mut row: Vec<f64>| {
                row.sort_by(f64::total_cmp);
                row[k]
            };
            matrix(points, points).into_iter().map(kth).collect()
        };
        let (of_real, of_made, all) = (radii(real), radii(made), matrix(real, made));
        let (n, m) = (of_real.len(), of_made.len());
        let in_real = |i: usize, j: usize| all[i][j] < of_real[i];
        let share = |count: usize, of: usize| count as f64 / of as f64;
        let holding = |j: usize| (0..n).filter(|&i| in_real(i, j)).count();
        let nearest = |i: usize| all[i].iter().copied().fold(f64::INFINITY, f64::min);
        Fidelity {
            precision: share((0..m).filter(|&j| holding(j) > 0).count(), m),
            recall: share((0..n).filter(|&i| (0..m).any(|j| all[i][j] < of_made[j])).count(), n),
            density: share((0..m).map(holding).sum(), m * k),
            coverage: share((0..n).filter(|&i| nearest(i) < of_real[i]).count(), n),
        }
    }

    fn fidelity(real: &[f32], made: &[f32], width: usize, k: usize) -> Fidelity {
        let cloud = |values| Cloud::new(values, width, k, &InTurn).unwrap();
        Fidelity::of(&cloud(real), &cloud(made), &InTurn)
    }

    #[test]
    fn counts_are_those_of_the_definitions() {
        for (case, (width, n, m, k, shift)) in
            [(1, 40, 30, 1, 0.0), (3, 90, 120, 5, 0.7), (17, 150, 80, 3, 0.3), (40, 70, 70, 5, 0.1)]
                .into_iter()
                .enumerate()
        {
            let noise = Noise::new(case as u64);
            let real = noise.split("real").normal(n * width);
            let made: Vec<f32> =
                noise.split("made").normal(m * width).iter().map(|v| 0.8 * v + shift).collect();
            let expected = by_definition(&real, &made, width, k);
            assert_eq!(fidelity(&real, &made, width, k), expected, "case {case}");
        }
    }

    #[test]
    fn draws_of_one_distribution_have_the_known_expectations() {
        // Naeem et al. 2020, section 3: density 1, coverage 1 - (n-1)...(n-k) / (n+m-1)...(n+m-k).
        let (n, m, k, width, runs) = (300, 300, 5, 3, 20);
        let expected = 1.0 - (1..=k).map(|i| (n - i) as f64 / (n + m - i) as f64).product::<f64>();
        let (mut density, mut coverage) = (0.0, 0.0);
        for run in 0..runs {
            let noise = Noise::new(9).at(run);
            let [real, made] = [("real", n), ("made", m)]
                .map(|(what, count)| noise.split(what).normal(count * width));
            let got = fidelity(&real, &made, width, k);
            density += got.density / runs as f64;
            coverage += got.coverage / runs as f64;
        }
        // Standard errors over such runs are 0.006 and 0.002.
        assert!((density - 1.0).abs() < 0.03, "{density}");
        assert!((coverage - expected).abs() < 0.01, "{coverage}, expected {expected}");
    }

    #[test]
    fn what_is_missing_and_what_is_strange_shows() {
        let noise = Noise::new(2);
        let real = noise.split("real").normal(200 * 2);
        let same = fidelity(&real, &real, 2, 5);
        assert_eq!((same.precision, same.recall, same.coverage), (1.0, 1.0, 1.0));
        let far: Vec<f32> = real.iter().map(|v| v + 100.0).collect();
        let far = fidelity(&real, &far, 2, 5);
        assert_eq!([far.precision, far.recall, far.density, far.coverage], [0.0; 4]);
        // One point of the middle, many times: plausible, and covers next to nothing.
        let collapsed: Vec<f32> = (0..200).flat_map(|i| [1e-4 * i as f32, 0.0]).collect();
        let collapsed = fidelity(&real, &collapsed, 2, 5);
        assert!(collapsed.precision > 0.9 && collapsed.coverage < 0.2, "{collapsed:?}");
    }

    #[test]
    fn points_that_cannot_be_compared_are_refused() {
        let message = |values: &[f32]| Cloud::new(values, 2, 5, &InTurn).unwrap_err().to_string();
        assert!(message(&[0.0; 10]).contains("neighbour 5"));
        let mut values = [0.0; 20];
        values[13] = f32::NAN;
        assert!(message(&values).contains("point 6"));
    }
}
