//! Where a fit starts: the rows of a class shared out among its components.

use gleaner_core::noise::Noise;
use ndarray::{Array1, Array2, ArrayView1};

/// `[rows, classes * components]`: the belief in each class, given whole to the component whose seed is
/// nearest. The seeds of a class are rows drawn by its squared belief and, from the second on, by the
/// squared distance to the nearest seed so far (k-means++: Arthur and Vassilvitskii 2007).
///
/// `places` are the rows as points, `beliefs` are `[rows, classes]`.
pub(super) fn responsibilities(
    places: &Array2<f64>,
    beliefs: &Array2<f64>,
    components: usize,
    noise: &mut Noise,
) -> Array2<f64> {
    if components == 1 {
        return beliefs.clone();
    }
    let mut shares = Array2::zeros((beliefs.nrows(), beliefs.ncols() * components));
    for (class, beliefs) in beliefs.columns().into_iter().enumerate() {
        let nearest = seed(places, beliefs, components, noise);
        for (row, (component, belief)) in nearest.into_iter().zip(beliefs).enumerate() {
            shares[[row, class * components + component]] = *belief;
        }
    }
    shares
}

/// For every row the number of the nearest of `components` seeds, the first of equally near ones.
fn seed(
    places: &Array2<f64>,
    beliefs: ArrayView1<f64>,
    components: usize,
    noise: &mut Noise,
) -> Vec<usize> {
    let weights = beliefs.mapv(|belief| belief * belief + 1e-12);
    let mut nearest = vec![0; places.nrows()];
    let mut distances = Array1::from_elem(places.nrows(), f64::INFINITY);
    for component in 0..components {
        // Equal rows keep a chance, so that there is always something to draw.
        let chances =
            if component == 0 { weights.clone() } else { &weights * &(&distances + 1e-9) };
        let chosen = places.row(draw(&chances, noise)).to_owned();
        for (row, place) in places.rows().into_iter().enumerate() {
            let distance = place.iter().zip(&chosen).map(|(a, b)| (a - b) * (a - b)).sum();
            if distance < distances[row] {
                distances[row] = distance;
                nearest[row] = component;
            }
        }
    }
    nearest
}

/// A place, drawn in proportion to its chance.
fn draw(chances: &Array1<f64>, noise: &mut Noise) -> usize {
    let mut left = f64::from(noise.uniform(1)[0]) * chances.sum();
    for (place, chance) in chances.iter().enumerate() {
        left -= chance;
        if left < 0.0 {
            return place;
        }
    }
    chances.len() - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn distant_groups_get_a_component_each() {
        let places = array![[0.0], [0.1], [50.0], [50.1], [0.05]];
        let beliefs = array![[1.0, 0.0], [0.9, 0.1], [1.0, 0.0], [0.5, 0.5], [0.2, 0.8]];
        for number in 0..20 {
            let mut noise = Noise::new(number);
            let shares = responsibilities(&places, &beliefs, 2, &mut noise);
            let first = |row: usize| shares[[row, 0]] > 0.0;
            assert_eq!(first(0), first(1));
            assert_eq!(first(2), first(3));
            assert_ne!(first(0), first(2));
            for (row, belief) in beliefs.rows().into_iter().enumerate() {
                assert_eq!(shares[[row, 0]] + shares[[row, 1]], belief[0]);
            }
        }
    }

    #[test]
    fn draws_follow_the_chances() {
        let mut noise = Noise::new(3);
        let chances = array![0.0, 3.0, 1.0];
        let drawn: Vec<usize> = (0..4_000).map(|_| draw(&chances, &mut noise)).collect();
        let second = drawn.iter().filter(|&&at| at == 1).count();
        // Five standard deviations of 27.
        assert!(second.abs_diff(3_000) < 137 && !drawn.contains(&0), "{second}");
    }
}
