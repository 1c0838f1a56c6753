//! t-SNE (van der Maaten 2014, with the Barnes-Hut approximation): points of many dimensions laid out on a plane
//! so that neighbours stay neighbours.
//!
//! The library's own search for neighbours draws random numbers that nobody can seed, and adds up in whatever
//! order its threads finish. So neighbours are found here, all of them exactly, and the layout is made by one
//! thread: the same points and seed give the same picture.

use anyhow::{Result, ensure};
use bhtsne::{Neighbor, tSNE};
use gleaner_core::noise::Noise;
use rayon::prelude::*;

/// About how many neighbours a point has.
const PERPLEXITY: f32 = 30.0;
/// Accuracy of the approximation; half is what its author recommends.
const THETA: f32 = 0.5;
/// Fewer points than this have no neighbourhoods to keep.
pub const FEWEST: usize = 10;
/// How far apart points are at the start.
const START: f32 = 1e-4;

/// Lays out `values [rows, width]`, row-major.
///
/// # Errors
/// If there are too few points, a value is not a number, or no thread can be started.
pub fn lay_out(values: &[f32], width: usize, noise: &mut Noise) -> Result<Vec<[f64; 2]>> {
    let count = values.len() / width;
    ensure!(
        count >= FEWEST,
        "{count} examples are too few for a map: t-SNE takes at least {FEWEST}"
    );
    ensure!(
        values.iter().all(|value| value.is_finite()),
        "a feature is not a number: the model has diverged; lower the learning rate"
    );
    let perplexity = PERPLEXITY.min((count - 1) as f32 / 3.0);
    let neighbours = neighbours(values, width, (3.0 * perplexity) as usize);
    let start: Vec<f32> = noise.normal(2 * count).into_iter().map(|v| v * START).collect();
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let places = one_thread.install(|| {
        let points = vec![(); count];
        let mut layout: tSNE<'_, f32, (), 2> = tSNE::new(&points);
        layout
            .perplexity(perplexity)
            .learning_rate((count as f32 / 48.0).max(50.0))
            .initial_embedding(start)
            .barnes_hut_with_neighbors(THETA, &neighbours);
        layout.embedding()
    });
    Ok(places.chunks_exact(2).map(|place| [f64::from(place[0]), f64::from(place[1])]).collect())
}

/// The nearest `count` of every point, by distance; of equally distant ones the first.
fn neighbours(values: &[f32], width: usize, count: usize) -> Vec<Vec<Neighbor<f32>>> {
    let points: Vec<&[f32]> = values.chunks_exact(width).collect();
    let of = |index: usize| {
        let squared =
            |other: &[f32]| points[index].iter().zip(other).map(|(a, b)| (a - b).powi(2)).sum();
        let others = points.iter().enumerate().filter(|&(other, _)| other != index);
        let mut others: Vec<(f32, usize)> =
            others.map(|(other, point)| (squared(point), other)).collect();
        others.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let nearest = others.into_iter().take(count);
        nearest.map(|(squared, index)| Neighbor { index, distance: squared.sqrt() }).collect()
    };
    (0..points.len()).into_par_iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three clusters in five dimensions, ten apart and one wide, and a point that is there many times.
    fn clusters() -> Vec<f32> {
        let mut noise = Noise::new(1);
        let mut values: Vec<f32> = (0..90)
            .flat_map(|i| noise.normal(5).into_iter().map(move |v| v + 10.0 * (i % 3) as f32))
            .collect();
        values.extend([5.0; 5].repeat(30));
        values
    }

    #[test]
    fn clusters_stay_apart_and_equal_points_are_survived() {
        let places = lay_out(&clusters(), 5, &mut Noise::new(0)).unwrap();
        let squared = |a: [f64; 2], b: [f64; 2]| (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2);
        for i in 0..90 {
            let others = (0..90).filter(|&j| j != i);
            let nearest = others.min_by(|&a, &b| {
                squared(places[i], places[a]).total_cmp(&squared(places[i], places[b]))
            });
            assert_eq!(nearest.map(|j| j % 3), Some(i % 3), "{i}");
        }
        assert!(places.iter().flatten().all(|v| v.is_finite()));
    }

    #[test]
    fn the_seed_decides_the_layout() {
        let places = |seed| lay_out(&clusters(), 5, &mut Noise::new(seed)).unwrap();
        assert_eq!(places(0), places(0));
        assert_ne!(places(0), places(1));
    }

    #[test]
    fn what_cannot_be_laid_out_is_refused() {
        let error =
            |values: &[f32]| lay_out(values, 1, &mut Noise::new(0)).unwrap_err().to_string();
        assert!(error(&[0.0; 9]).contains("at least 10"));
        assert!(error(&[f32::NAN; 12]).contains("not a number"));
    }
}
