//! How samples stand to real examples: among them, outside, or copies of one.

use crate::error::Result;
use crate::measures::fidelity::{Cloud, NEIGHBOURS, each, squared_distance};
use crate::workers::Workers;

/// A sample is a near copy if its nearest real example is less than this share as far as the second (Yoon et al. 2023, "Diffusion
/// probabilistic models generalize when they fail to memorize").
pub const COPY: f64 = 1.0 / 3.0;

/// Real examples that have balls, at most: their radii take time by the square of their number.
const MOST_BALLS: usize = 10_000;

/// How a sample stands to real examples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// In the ball of a real example that reaches to its fifth neighbour (E43): what precision counts.
    Inside,
    /// In none.
    Outside,
    /// A near copy of one.
    Copy,
}

/// How each of `made` `[m, width]` stands to `real` `[n, width]`, row-major. Balls are those of at most 10,000 real examples, taken evenly;
/// copies are looked for among all.
///
/// # Errors
/// There are too few real examples for balls, or a value is not finite.
pub fn standings(
    real: &[f32],
    made: &[f32],
    width: usize,
    workers: &dyn Workers,
) -> Result<Vec<Standing>> {
    let count = real.len() / width.max(1);
    let balls: Vec<f32> = match count > MOST_BALLS {
        true => {
            let row = |at: usize| at * count / MOST_BALLS;
            let values = |at| real[row(at) * width..(row(at) + 1) * width].iter().copied();
            (0..MOST_BALLS).flat_map(values).collect()
        }
        false => real.to_vec(),
    };
    let cloud = Cloud::new(&balls, width, NEIGHBOURS, workers)?;
    let point = |at: usize| &made[at * width..(at + 1) * width];
    Ok(each(workers, made.len() / width, |at| {
        let (mut first, mut second) = (f32::INFINITY, f32::INFINITY);
        for example in real.chunks_exact(width) {
            let distance = squared_distance(example, point(at));
            if distance < first {
                (first, second) = (distance, first);
            } else if distance < second {
                second = distance;
            }
        }
        // Squared distances; what is equal is a copy even of two equal examples.
        let is_copy = first == 0.0 || f64::from(first) < COPY * COPY * f64::from(second);
        match (is_copy, cloud.holds(point(at))) {
            (true, _) => Standing::Copy,
            (false, true) => Standing::Inside,
            (false, false) => Standing::Outside,
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Noise;
    use crate::workers::InTurn;

    #[test]
    fn samples_are_among_real_ones_outside_or_copies() {
        let real = Noise::new(1).normal(400 * 2);
        let mut made = vec![40.0, 0.0];
        // Exactly one of them, nearly one of them, and half-way between two neighbours.
        made.extend(&real[..2]);
        made.extend([real[2] + 1e-5, real[3]]);
        let apart = |row: usize| squared_distance(&real[row * 2..row * 2 + 2], &real[4..6]);
        let near = (0..400).filter(|&row| row != 2).min_by(|&a, &b| apart(a).total_cmp(&apart(b)));
        let near = near.unwrap();
        made.extend([0, 1].map(|at| f32::midpoint(real[4 + at], real[near * 2 + at])));
        let found = standings(&real, &made, 2, &InTurn).unwrap();
        use Standing::{Copy, Inside, Outside};
        assert_eq!(found, [Outside, Copy, Copy, Inside]);
        assert!(standings(&real[..10], &made, 2, &InTurn).is_err(), "five have no fifth neighbour");
    }
}
