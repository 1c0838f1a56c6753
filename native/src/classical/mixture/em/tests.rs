use super::*;
use gleaner_core::eigen;
use ndarray::array;

/// 60 rows of three numbers and a column of words in two heaps, every fifth cell missing, every tenth row
/// labelled; and responsibilities for two classes of two components to start from.
struct Example {
    rows: Rows,
    labels: Vec<Option<usize>>,
    start: Array2<f64>,
    gaussian: Gaussian,
}

fn example() -> Example {
    let noise = |at: usize| ((at * at + 1) as f64 * 0.618_033_988_749_895).fract() - 0.5;
    let numbers = Array2::from_shape_fn((60, 3), |(row, column)| {
        let at = row * 3 + column;
        if at % 5 == 4 { f64::NAN } else { 2.0 * noise(at) + if row % 2 == 0 { 0.8 } else { -0.4 } }
    });
    let word = |row: usize| (row % 7 != 3).then_some((row * row / 3) % 3);
    let words = vec![(0..60).map(word).collect()];
    let start = Array2::from_shape_fn(
        (60, 4),
        |(row, component)| {
            if (row + component) % 4 == 0 { 0.7 } else { 0.1 }
        },
    );
    Example {
        rows: Rows::new(&numbers, &words, &[3]).unwrap(),
        labels: (0..60).map(|row| (row % 10 < 2).then_some(row % 2)).collect(),
        start,
        gaussian: Gaussian { mean: Array1::zeros(3), covariance: Array2::eye(3) },
    }
}

/// The log-determinant of a covariance, and the trace of its inverse times `other`.
fn determinant_and_trace(covariance: &Array2<f64>, other: &Array2<f64>) -> (f64, f64) {
    let (values, vectors) = eigen::symmetric(covariance.iter().copied().collect(), 3);
    let parts = values.iter().zip(vectors).map(|(value, vector)| {
        let vector = Array1::from_vec(vector);
        (value.ln(), vector.dot(&other.dot(&vector)) / value)
    });
    parts.fold((0.0, 0.0), |sums, part| (sums.0 + part.0, sums.1 + part.1))
}

/// The log-likelihood of all cells that are there together with the labels, and the log-priors of weights
/// and words.
fn log_posterior(setting: &Setting, fit: &Fit) -> f64 {
    let mut logs = fit.log_joint(setting.rows);
    setting.clamp(&mut logs, f64::NEG_INFINITY);
    let likelihood: f64 = logs.rows().into_iter().map(|row| log_sum(row.iter().copied())).sum();
    let words =
        fit.words.iter().zip(&setting.pooled).map(|(words, pooled)| words.log_prior(pooled));
    likelihood + fit.log_weights.sum() + words.sum::<f64>()
}

/// The objective after each of 30 steps.
fn climb(
    covariances: impl Fn(&[Moments]) -> Vec<Array2<f64>>,
    penalty: impl Fn(&Fit) -> f64,
) -> Vec<f64> {
    let Example { rows, labels, mut start, gaussian } = example();
    let setting = Setting::new(&rows, &labels, 2, &[3]);
    setting.clamp(&mut start, 0.0);
    let mut fit = setting.maximise(&start, &vec![gaussian; 4], &covariances);
    let step = |_| {
        let objective = log_posterior(&setting, &fit) - penalty(&fit);
        fit = setting.maximise(&setting.expect(&fit), &fit.gaussians, &covariances);
        objective
    };
    (0..30).map(step).collect()
}

fn assert_rising(objectives: &[f64]) {
    // Rounding is some 1e-13 of sums of 100.
    assert!(objectives.windows(2).all(|pair| pair[1] >= pair[0] - 1e-10), "{objectives:?}");
    assert!(objectives[29] > objectives[0] + 1.0, "{objectives:?}");
}

#[test]
fn steps_with_the_shared_covariance_never_lower_the_penalised_likelihood() {
    // The ridge is the mode under a penalty of half the rows times the trace of the inverse.
    let penalty = |fit: &Fit| {
        let ridge = Array2::from_diag_elem(3, 2.0 * RIDGE);
        0.5 * 60.0 * determinant_and_trace(&fit.gaussians[0].covariance, &ridge).1
    };
    assert_rising(&climb(|moments| covariances(moments, Shrink::Tied), penalty));
}

#[test]
fn steps_towards_a_target_that_stays_never_lower_the_penalised_likelihood() {
    let target = array![[1.0, 0.2, 0.0], [0.2, 0.8, 0.1], [0.0, 0.1, 1.2]];
    let prior = 8.0;
    let towards = |moments: &[Moments]| {
        moments.iter().map(|moments| shrunk(moments, &target, prior)).collect()
    };
    let one = |gaussian: &Gaussian| {
        let (determinant, trace) = determinant_and_trace(&gaussian.covariance, &target);
        0.5 * prior * (determinant + trace)
    };
    assert_rising(&climb(towards, |fit| fit.gaussians.iter().map(one).sum()));
}

#[test]
fn covariances_lie_between_their_own_and_the_shared_one() {
    let moments = |weight: f64, variance: f64| Moments {
        weight,
        mean: array![0.0],
        scatter: array![[weight * variance]],
    };
    let both = [moments(10.0, 1.0), moments(30.0, 5.0)];
    let found = |shrink| covariances(&both, shrink).iter().map(|c| c[[0, 0]]).collect::<Vec<_>>();
    let (shared, leaning) = (found(Shrink::Tied), found(Shrink::ToTied(10.0)));
    assert!((shared[0] - 4.02).abs() < 1e-12 && shared[0] == shared[1]);
    assert!((leaning[0] - (10.0 + 10.0 * 4.01) / 20.0 - 0.01).abs() < 1e-12, "{leaning:?}");
    assert!((leaning[1] - (150.0 + 10.0 * 4.01) / 40.0 - 0.01).abs() < 1e-12, "{leaning:?}");
}

#[test]
fn labelled_rows_stay_in_their_class() {
    let Example { rows, labels, start, gaussian } = example();
    let setting = Setting::new(&rows, &labels, 2, &[3]);
    let fit = setting.run(start, &gaussian, Shrink::ToTied(8.0), 5);
    let shares = setting.expect(&fit);
    for (row, label) in labels.iter().enumerate() {
        assert!((shares.row(row).sum() - 1.0).abs() < 1e-12);
        if let Some(label) = label {
            let other = 2 * (1 - label);
            assert_eq!(shares[[row, other]] + shares[[row, other + 1]], 0.0);
        }
    }
}

#[test]
fn a_sum_of_exponentials_neither_overflows_nor_vanishes() {
    assert_eq!(log_sum([1000.0, 1000.0].into_iter()), 1000.0 + 2.0_f64.ln());
    assert_eq!(log_sum([-1e6, f64::NEG_INFINITY].into_iter()), -1e6);
    assert_eq!(log_sum([f64::NEG_INFINITY; 2].into_iter()), f64::NEG_INFINITY);
}
