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
    weights: Vec<usize>,
    objective: u64,
}

fn run(points: &Points, optimizer: Optimizer, size: usize) -> Outcome {
    let mut facility = Facility::new(points, &InTurn);
    let gains = select(&mut facility, optimizer, size, &Noise::new(1), &mut || ());
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
    largest: u64,
}

impl Table {
    fn new(points: &Points) -> Self {
        let row = |a| (0..points.count()).map(|b| points.distance(a, b) as u64).collect();
        let distances: Vec<Vec<u64>> = (0..points.count()).map(row).collect();
        let largest = distances.iter().flatten().copied().max().unwrap();
        Self { distances, largest }
    }

    fn worth(&self, selected: &[usize]) -> u64 {
        let of = |row: &Vec<u64>| selected.iter().map(|&j| self.largest - row[j]).max();
        self.distances.iter().map(|row| of(row).unwrap_or(0)).sum()
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

    fn weights(&self, selected: &[usize]) -> Vec<usize> {
        let mut weights = vec![0; selected.len()];
        for (point, row) in self.distances.iter().enumerate() {
            let own = selected.iter().position(|&chosen| chosen == point);
            let nearest = (0..selected.len()).min_by_key(|&place| row[selected[place]]);
            weights[own.or(nearest).unwrap()] += 1;
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

/// Small instances: even ones of continuous coordinates, odd ones on a grid, with duplicates and ties.
fn instance(noise: &Noise, number: u64, most: usize) -> (Points, usize) {
    let mut noise = noise.at(number);
    let draws = noise.uniform(3);
    let count = 1 + (draws[0] * most as f32) as usize;
    let dims = 1 + (draws[1] * 3.0) as usize;
    let size = 1 + (draws[2] * count as f32) as usize;
    let mut features = noise.normal(count * dims);
    if number % 2 == 1 {
        features.iter_mut().for_each(|value| *value = value.round());
    }
    (Points::from_features(&features, dims).unwrap(), size.min(count))
}

#[test]
fn lazy_and_naive_and_the_definition_agree_to_the_last_bit() {
    let noise = Noise::new(31);
    let mut ties = 0;
    for number in 0..3_000 {
        let (points, size) = instance(&noise, number, 40);
        let lazy = run(&points, Optimizer::Lazy, size);
        assert_eq!(lazy, run(&points, Optimizer::Naive, size), "{number}");
        assert_eq!(lazy, Table::new(&points).greedy(size), "{number}");
        assert!(lazy.gains.is_sorted_by(|a, b| a >= b), "{number}: gains diminish");
        assert_eq!(lazy.gains.iter().sum::<u64>(), lazy.objective, "{number}");
        assert_eq!(lazy.weights.iter().sum::<usize>(), points.count(), "{number}");
        ties += lazy.gains.windows(2).filter(|pair| pair[0] == pair[1]).count();
    }
    assert!(ties > 1_000, "too few ties to test them: {ties}");
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
        let (points, size) = instance(&noise, number, 10);
        let optimum = Table::new(&points).optimum(size);
        let mut facility = Facility::new(&points, &InTurn);
        select(&mut facility, Optimizer::Lazy, size, &Noise::new(0), &mut || ());
        let (worth, bound) = (facility.objective(), upper_bound(&mut facility, size));
        assert!(bound >= optimum && optimum >= worth, "{number}: {bound} {optimum} {worth}");
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
fn threads_change_nothing() {
    let points = normal(3_000, 10);
    for optimizer in [Optimizer::Lazy, Optimizer::Stochastic { epsilon: 0.1 }] {
        let alone = run(&points, optimizer, 150);
        for count in [2, 3] {
            let threads = Threads::start(count).unwrap();
            let mut facility = Facility::new(&points, &threads);
            let gains = select(&mut facility, optimizer, 150, &Noise::new(1), &mut || ());
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
