//! Facility location against enumeration, against itself, and against apricot.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeSet;

use gleaner::system::threads::Threads;
use gleaner_core::coreset::{Facility, Optimizer, Points, follow, select, upper_bound};
use gleaner_core::noise::Noise;
use gleaner_core::workers::InTurn;
use gleaner_tests::Golden;

/// What a selection came to.
#[derive(Debug, PartialEq)]
struct Outcome {
    selected: Vec<usize>,
    gains: Vec<u64>,
    weights: Vec<u64>,
    objective: u64,
}

fn run(points: &Points, optimizer: Optimizer, size: usize) -> Outcome {
    let (facility, gains) = select(points, optimizer, size, &Noise::new(1), &InTurn, &mut || ());
    Outcome {
        selected: facility.selected().to_vec(),
        gains,
        weights: facility.cluster_sizes(),
        objective: facility.objective(),
    }
}

/// All distances, and what follows from them by definition (E23).
struct Table {
    distances: Vec<Vec<u64>>,
    /// How many points each stands for.
    weights: Vec<u64>,
    largest: u64,
}

impl Table {
    fn new(points: &Points) -> Self {
        let row = |a| (0..points.count()).map(|b| points.distance(a, b) as u64).collect();
        let distances: Vec<Vec<u64>> = (0..points.count()).map(row).collect();
        let largest = distances.iter().flatten().copied().max().unwrap();
        let weights = (0..points.count()).map(|point| u64::from(points.stands_for(point)));
        Self { distances, weights: weights.collect(), largest }
    }

    fn worth(&self, selected: &[usize]) -> u64 {
        let of = |row: &Vec<u64>| selected.iter().map(|&j| self.largest - row[j]).max();
        let pairs = self.distances.iter().zip(&self.weights);
        pairs.map(|(row, weight)| weight * of(row).unwrap_or(0)).sum()
    }

    /// Greedy selection straight from the definition.
    fn greedy(&self, size: usize) -> Outcome {
        let (mut selected, mut gains) = (Vec::new(), Vec::new());
        for _ in 0..size {
            let before = self.worth(&selected);
            let mut best = None;
            for point in (0..self.distances.len()).filter(|point| !selected.contains(point)) {
                let gain = self.worth(&[&selected[..], &[point]].concat()) - before;
                if best.is_none_or(|(most, _)| gain > most) {
                    best = Some((gain, point));
                }
            }
            let (gain, point) = best.unwrap();
            selected.push(point);
            gains.push(gain);
        }
        let weights = self.weights(&selected);
        Outcome { objective: self.worth(&selected), selected, gains, weights }
    }

    fn weights(&self, selected: &[usize]) -> Vec<u64> {
        let mut weights = vec![0; selected.len()];
        for (point, row) in self.distances.iter().enumerate() {
            let own = selected.iter().position(|&chosen| chosen == point);
            let nearest = (0..selected.len()).min_by_key(|&place| row[selected[place]]);
            weights[own.or(nearest).unwrap()] += self.weights[point];
        }
        weights
    }

    /// The best that `size` points can be worth, by looking at all choices.
    fn optimum(&self, size: usize) -> u64 {
        let count = self.distances.len();
        let choices = (0..1_u32 << count).filter(|bits| bits.count_ones() as usize == size);
        let members = |bits: u32| (0..count).filter(|&at| bits >> at & 1 == 1).collect::<Vec<_>>();
        choices.map(|bits| self.worth(&members(bits))).max().unwrap()
    }
}

/// Small instances: even ones of continuous coordinates, odd ones on a grid, with duplicates and ties; every third of products, and every
/// fifth of points that stand for several.
fn instance(noise: &Noise, number: u64, most: usize) -> (Points, usize) {
    let mut noise = noise.at(number);
    let draws = noise.uniform(3);
    let count = 1 + (draws[0] * most as f32) as usize;
    let dims = 1 + (draws[1] * 3.0) as usize;
    let size = 1 + (draws[2] * count as f32) as usize;
    let mut features = noise.normal(count * 2 * dims);
    if number % 2 == 1 {
        features.iter_mut().for_each(|value| *value = value.round());
    }
    let write = |point: usize, out: &mut [f64]| {
        let row = features[point * 2 * dims..].iter().copied().map(f64::from);
        out.iter_mut().zip(row).for_each(|(out, value)| *out = value);
    };
    let points = match number % 3 {
        0 => Points::products(count, [dims, dims], write).unwrap(),
        _ => Points::new(count, dims, write).unwrap(),
    };
    let points = match number % 5 {
        0 => {
            let weights: Vec<u32> =
                noise.uniform(count).iter().map(|u| 1 + (u * u * 9.0) as u32).collect();
            points.weighted(&weights)
        }
        _ => points,
    };
    (points, size.min(count))
}

#[test]
fn lazy_and_naive_and_the_definition_agree_to_the_last_bit() {
    let noise = Noise::new(31);
    let mut ties = 0;
    for number in 0..6_000 {
        let (points, size) = instance(&noise, number, 40);
        let lazy = run(&points, Optimizer::Lazy, size);
        assert_eq!(lazy, run(&points, Optimizer::Naive, size), "{number}");
        assert_eq!(lazy, Table::new(&points).greedy(size), "{number}");
        assert!(lazy.gains.is_sorted_by(|a, b| a >= b), "{number}: gains diminish");
        assert_eq!(lazy.gains.iter().sum::<u64>(), lazy.objective, "{number}");
        assert_eq!(lazy.weights.iter().sum::<u64>(), points.total(), "{number}");
        ties += lazy.gains.windows(2).filter(|pair| pair[0] == pair[1]).count();
    }
    assert!(ties > 1_000, "too few ties to test them: {ties}");
}

#[test]
fn lazy_and_naive_agree_where_boxes_hold_boxes() {
    // Three levels of boxes; a tenth of the points stand for nobody else, the others for up to four.
    for (dims, seed) in [(2, 6), (9, 7)] {
        let mut noise = Noise::new(seed);
        let points = Points::from_features(&noise.normal(5_000 * dims), dims).unwrap();
        let weights: Vec<u32> = noise.uniform(5_000).iter().map(|u| 1 + (u * 4.0) as u32).collect();
        for points in [points.clone(), points.weighted(&weights)] {
            let lazy = run(&points, Optimizer::Lazy, 200);
            let naive = run(&points, Optimizer::Naive, 30);
            assert_eq!(lazy.selected[..30], naive.selected, "{dims}");
            assert_eq!(lazy.gains[..30], naive.gains, "{dims}");
            // The state after 200 steps, by definition.
            let table = Table::new(&points);
            assert_eq!(
                (lazy.objective, lazy.weights),
                (table.worth(&lazy.selected), table.weights(&lazy.selected))
            );
            let stochastic = run(&points, Optimizer::Stochastic { epsilon: 0.5 }, 200);
            assert_eq!(stochastic.objective, table.worth(&stochastic.selected));
        }
    }
}

#[test]
fn a_point_that_stands_for_three_is_three_points() {
    let noise = Noise::new(35);
    for number in 0..300 {
        let mut noise = noise.at(number);
        let weights: Vec<u32> = noise.uniform(20).iter().map(|u| 1 + (u * 4.0) as u32).collect();
        let features = noise.normal(20 * 3);
        let one = Points::from_features(&features, 3).unwrap().weighted(&weights);
        let repeated: Vec<usize> =
            (0..20).flat_map(|point| vec![point; weights[point] as usize]).collect();
        let rows: Vec<f32> =
            repeated.iter().flat_map(|&p| features[p * 3..p * 3 + 3].to_vec()).collect();
        let many = Points::from_features(&rows, 3).unwrap();
        let (one, many) = (run(&one, Optimizer::Lazy, 6), run(&many, Optimizer::Lazy, 6));
        // The mean, and with it the unit, is another; distances are not.
        let of_many: Vec<usize> = many.selected.iter().map(|&point| repeated[point]).collect();
        assert_eq!(one.selected, of_many, "{number}");
        assert_eq!(one.weights, many.weights, "{number}");
    }
}

#[test]
fn what_was_logged_and_forgotten_changes_no_gain() {
    // Large enough for the log to be cut several times, and selected to the last point.
    for dims in [1, 2, 7] {
        let features = Noise::new(5).normal(300 * dims);
        let points = Points::from_features(&features, dims).unwrap();
        let lazy = run(&points, Optimizer::Lazy, 300);
        assert_eq!(lazy, run(&points, Optimizer::Naive, 300), "{dims}");
        assert_eq!(lazy.weights, vec![1; 300]);
        // Everybody stands for himself.
        assert_eq!(lazy.objective, 300 * Table::new(&points).largest);
    }
}

#[test]
fn gains_fall_as_the_selection_grows_wherever_one_looks() {
    let noise = Noise::new(32);
    for number in 0..500 {
        let (points, _) = instance(&noise, number, 30);
        let table = Table::new(&points);
        let mut order: Vec<usize> = (0..points.count()).collect();
        noise.split("order").at(number).draw_to_front(&mut order, points.count());
        let mut facility = Facility::new(&points, &InTurn);
        let mut before: Vec<u64> = facility.gains_afresh(&order);
        for step in 0..order.len() {
            follow(&mut facility, &order[step..=step], &mut || ());
            let gains = facility.gains_afresh(&order);
            assert!(gains.iter().zip(&before).all(|(now, then)| now <= then), "{number}");
            for (&point, &gain) in order.iter().zip(&gains) {
                assert!(facility.bound(point) >= gain);
            }
            assert_eq!(facility.objective(), table.worth(&order[..=step]), "{number}");
            before = gains;
        }
        assert!(before.iter().all(|&gain| gain == 0), "nothing is left to gain");
    }
}

#[test]
fn the_bound_is_above_the_optimum_and_the_greedy_worth_not_far_below() {
    let noise = Noise::new(33);
    let mut gaps = 0;
    for number in 0..600 {
        let (points, size) = instance(&noise, number, 12);
        let optimum = Table::new(&points).optimum(size);
        let (mut facility, _) =
            select(&points, Optimizer::Lazy, size, &Noise::new(0), &InTurn, &mut || ());
        let (worth, bound) = (facility.objective(), upper_bound(&mut facility, size));
        assert!(bound >= optimum && optimum >= worth, "{number}: {bound} {optimum} {worth}");
        // Whatever the distances are shortened to.
        for share in [0.0, 0.5, 0.8, 1.0] {
            let (worth, mut gains) = facility.shortened(share);
            gains.sort_unstable_by(|a, b| b.cmp(a));
            assert!(worth + gains.iter().take(size).sum::<u64>() >= optimum, "{number} {share}");
        }
        // Nemhauser, Wolsey, Fisher 1978.
        assert!(worth as f64 >= (1.0 - (-1.0_f64).exp()) * optimum as f64, "{number}");
        gaps += usize::from(optimum > worth) + usize::from(bound > optimum);
        // Of any selection, not of the greedy one alone.
        let mut facility = Facility::new(&points, &InTurn);
        let last: Vec<usize> = (points.count() - size..points.count()).collect();
        follow(&mut facility, &last, &mut || ());
        assert!(upper_bound(&mut facility, size) >= optimum, "{number}");
    }
    assert!(gaps > 100, "bound, optimum and greedy worth were nearly always equal: {gaps}");
}

/// Standard normal points.
fn normal(count: usize, dims: usize) -> Points {
    Points::from_features(&Noise::new(9).normal(count * dims), dims).unwrap()
}

#[test]
fn a_stochastic_selection_is_nearly_as_good_as_the_greedy_one() {
    let points = normal(2_000, 10);
    let lazy = run(&points, Optimizer::Lazy, 200).objective as f64;
    let share = |epsilon| {
        let found = run(&points, Optimizer::Stochastic { epsilon }, 200);
        let mut distinct = found.selected.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), 200);
        assert_eq!(found.gains.iter().sum::<u64>(), found.objective);
        found.objective as f64 / lazy
    };
    let (fine, usual, coarse) = (share(0.01), share(0.1), share(0.9));
    assert!((0.99..1.0).contains(&usual), "{usual}");
    assert!(fine > usual && usual > coarse, "{fine} {usual} {coarse}");
}

#[test]
fn from_coarse_to_fine_is_nearly_as_good_as_lazy_and_says_how_good_at_least() {
    for size in [30, 300, 3_000] {
        let points = normal(12_000, 4);
        let (lazy, _) = select(&points, Optimizer::Lazy, size, &Noise::new(0), &InTurn, &mut || ());
        let (mut found, gains) =
            select(&points, Optimizer::Coarse, size, &Noise::new(0), &InTurn, &mut || ());
        let share = found.objective() as f64 / lazy.objective() as f64;
        assert!((0.998..1.01).contains(&share), "{size}: {share}");
        assert!(upper_bound(&mut found, size) >= lazy.objective(), "{size}");
        let distinct: BTreeSet<usize> = found.selected().iter().copied().collect();
        assert_eq!((distinct.len(), gains.iter().sum()), (size, found.objective()));
        assert_eq!(found.cluster_sizes().iter().sum::<u64>(), 12_000);
    }
    let few = normal(500, 4);
    assert_eq!(run(&few, Optimizer::Coarse, 50), run(&few, Optimizer::Lazy, 50));
    assert_eq!(Optimizer::Auto.for_points(20_000), Optimizer::Lazy);
    assert_eq!(Optimizer::Auto.for_points(20_001), Optimizer::Coarse);
}

#[test]
fn the_largest_distance_is_found_without_all_pairs() {
    let noise = Noise::new(36);
    for number in 0..200 {
        let (points, _) = instance(&noise, number, 400);
        let facility = Facility::unmeasured(&points, &InTurn);
        let largest = Facility::new(&points, &InTurn).shortened(0.0).0;
        assert_eq!(facility.shortened(0.0).0, largest, "{number}");
    }
}

#[test]
fn products_are_as_far_apart_as_if_they_were_multiplied_out() {
    for (scale, near) in [(1.0, 1.0), (1e-12, 1.0), (1e6, 1e-3)] {
        let draws = Noise::new(8).normal(40 * 12);
        // Vectors near one vector: differences of large products are small.
        let value = |row: usize, at: usize| {
            let base = draws[at] + f32::from(u8::from(at >= 4)) * 3.0;
            scale * f64::from(base + near * draws[12 + row * 12 + at])
        };
        let write = |row: usize, out: &mut [f64]| {
            out.iter_mut().enumerate().for_each(|(at, out)| *out = value(row, at));
        };
        let points = Points::products(39, [4, 8], write).unwrap();
        let exact = |a: usize, b: usize| -> f64 {
            let product = |row, i: usize, j: usize| value(row, i) * value(row, 4 + j);
            let pairs = (0..4).flat_map(|i| (0..8).map(move |j| (i, j)));
            pairs.map(|(i, j)| (product(a, i, j) - product(b, i, j)).powi(2)).sum::<f64>().sqrt()
        };
        for (a, b) in (0..39).flat_map(|a| (0..39).map(move |b| (a, b))) {
            let distance = f64::from(points.distance(a, b)) * points.unit();
            // Of the distance, and of coordinates that were cut to single precision.
            let lengths = [0..4, 4..12].map(|at| at.map(|at| value(a, at).powi(2)).sum::<f64>());
            let room = 1e-6 * exact(a, b) + 2.5e-7 * (lengths[0] * lengths[1]).sqrt();
            assert!((distance - exact(a, b)).abs() <= room, "{scale:e} {a} {b}");
        }
    }
}

#[test]
fn threads_change_nothing() {
    let points = normal(9_000, 3);
    for optimizer in [Optimizer::Lazy, Optimizer::Stochastic { epsilon: 0.1 }, Optimizer::Coarse] {
        let alone = run(&points, optimizer, 150);
        for count in [2, 3] {
            let threads = Threads::start(count).unwrap();
            let (facility, gains) =
                select(&points, optimizer, 150, &Noise::new(1), &threads, &mut || ());
            assert_eq!((facility.selected(), &gains), (&alone.selected[..], &alone.gains));
        }
    }
}

#[test]
fn distances_are_euclidean_whatever_their_scale() {
    for scale in [1e-30_f32, 1e-8, 1.0, 1e12] {
        let features: Vec<f32> = Noise::new(4).normal(50 * 5).iter().map(|v| v * scale).collect();
        let points = Points::from_features(&features, 5).unwrap();
        let row = |at: usize| &features[at * 5..at * 5 + 5];
        let exact = |a: usize, b: usize| -> f64 {
            let pairs = row(a).iter().zip(row(b));
            pairs.map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum::<f64>().sqrt()
        };
        let pairs = || (0..50).flat_map(|a| (0..50).map(move |b| (a, b)));
        let largest = pairs().map(|(a, b)| exact(a, b)).fold(0.0, f64::max);
        for (a, b) in pairs() {
            let distance = f64::from(points.distance(a, b)) * points.unit();
            // Five squares, a sum and a root in single precision, and half a unit.
            let room = 4e-7 * exact(a, b) + 2e-8 * largest;
            assert!((distance - exact(a, b)).abs() <= room, "{scale:e} {a} {b}");
            assert_eq!(points.distance(a, b), points.distance(b, a));
        }
        assert!(points.unit() < 3e-8 * largest);
    }
}

#[test]
fn points_that_cannot_be_are_refused() {
    assert!(Points::from_features(&[], 2).is_err());
    assert!(Points::from_features(&[1.0], 0).is_err());
    assert!(Points::from_features(&[1.0; 3], 2).is_err());
    let nan = Points::from_features(&[1.0, 2.0, f32::NAN, 0.0], 2).unwrap_err().to_string();
    assert!(nan.contains("row 1 is not finite"), "{nan}");
}

#[test]
fn the_objective_is_apricots() {
    let golden = Golden::read("facility_location");
    // On equal points, apricot's lazy search takes points without gain while others have some.
    let features = golden.input("features");
    let rows: BTreeSet<Vec<u32>> =
        features.chunks(10).map(|row| row.iter().map(|x| x.to_bits()).collect()).collect();
    assert_eq!(rows.len(), 2000, "no two points are equal");
    let points = Points::from_features(golden.input("features"), 10).unwrap();
    let ours = run(&points, Optimizer::Lazy, 200);
    let objective = ours.objective as f64 * points.unit();
    let theirs = golden.number("out.objective");
    assert!((objective / theirs - 1.0).abs() < 1e-6, "{objective} {theirs}");
    for (at, (&gain, &theirs)) in ours.gains.iter().zip(golden.expected("out.gains")).enumerate() {
        let gain = gain as f64 * points.unit();
        // The first counts the largest distance 2,000 times; the others are single precision on a few points.
        assert!((gain / theirs - 1.0).abs() < 1e-5, "{at}: {gain} {theirs}");
    }
}
