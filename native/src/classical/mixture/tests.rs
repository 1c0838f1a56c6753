use super::*;
use ndarray::{array, s};

const NAN: f64 = f64::NAN;

fn normal(rows: usize, columns: usize, seed: u64) -> Array2<f64> {
    let draws = Noise::new(seed).normal(rows * columns);
    Array2::from_shape_fn((rows, columns), |(row, column)| f64::from(draws[row * columns + column]))
}

/// Everything a problem needs, owned.
struct Data {
    numbers: Array2<f64>,
    categories: Vec<Vec<Option<usize>>>,
    values: Vec<usize>,
    labels: Vec<Option<usize>>,
    classes: usize,
    beliefs: Array2<f64>,
}

impl Data {
    /// Numbers alone, nothing being believed of rows without label.
    fn of(numbers: Array2<f64>, labels: Vec<Option<usize>>, classes: usize) -> Self {
        let beliefs = Array2::from_elem((numbers.nrows(), classes), 1.0 / classes as f64);
        Self { numbers, categories: Vec::new(), values: Vec::new(), labels, classes, beliefs }
    }

    fn fit(&self, settings: &Settings) -> Result<Mixture> {
        let problem = Problem {
            numbers: &self.numbers,
            categories: &self.categories,
            values: &self.values,
            labels: &self.labels,
            classes: self.classes,
            beliefs: &self.beliefs,
        };
        Mixture::fit(&problem, settings, &Noise::new(1))
    }

    fn log_probs(&self, mixture: &Mixture) -> Array2<f64> {
        mixture.log_probs(&self.numbers, &self.categories).unwrap()
    }
}

/// 400 rows around the corners of a square, opposite corners being of one class, with `each` rows a corner
/// labelled and a little known of the others.
fn corners(each: usize) -> (Data, Vec<usize>) {
    let corner = |row: usize| [(2.0, 2.0), (-2.0, 2.0), (-2.0, -2.0), (2.0, -2.0)][row % 4];
    let mut numbers = normal(400, 2, 7) * 0.7;
    for (row, mut numbers) in numbers.rows_mut().into_iter().enumerate() {
        numbers[0] += corner(row).0;
        numbers[1] += corner(row).1;
    }
    let truth: Vec<usize> = (0..400).map(|row| row % 2).collect();
    let labels = (0..400).map(|row| (row < 4 * each).then_some(row % 2)).collect();
    let mut data = Data::of(numbers, labels, 2);
    for (row, mut beliefs) in data.beliefs.rows_mut().into_iter().enumerate() {
        beliefs[truth[row]] = 0.6;
        beliefs[1 - truth[row]] = 0.4;
    }
    (data, truth)
}

fn accuracy(log_probs: &Array2<f64>, truth: &[usize]) -> f64 {
    let right = log_probs.rows().into_iter().zip(truth).filter(|(row, label)| {
        row.iter().enumerate().all(|(class, log)| class == **label || *log < row[**label])
    });
    right.count() as f64 / truth.len() as f64
}

/// Rows with two numbers and two columns of words, cells missing here and there.
fn mixed() -> Data {
    let numbers = normal(90, 2, 5);
    let shifted = Array2::from_shape_fn((90, 2), |(row, column)| {
        let missing = (row * 2 + column) % 11 == 5;
        if missing { NAN } else { numbers[[row, column]] + if row % 3 == 0 { 1.5 } else { -0.5 } }
    });
    let labels = (0..90).map(|row| (row < 20).then_some(usize::from(row % 3 != 0))).collect();
    let mut data = Data::of(shifted, labels, 2);
    let first = |row: usize| (row % 5 != 2).then_some(usize::from(row % 3 < 1 || row % 8 == 1));
    let second = |row: usize| (row % 9 != 4).then_some(row * row % 7 % 3);
    data.categories = vec![(0..90).map(first).collect(), (0..90).map(second).collect()];
    data.values = vec![2, 3];
    data
}

#[test]
fn corners_are_found_from_one_label_each() {
    let (data, truth) = corners(1);
    let settings =
        Settings { components: 2, shrink: Shrink::ToTied(7.0), restarts: 3, ..Settings::default() };
    let mixture = data.fit(&settings).unwrap();
    let found = accuracy(&data.log_probs(&mixture), &truth);
    // A row is nearer to a corner of the other class with a chance of about 0.4 in 100.
    assert!(found > 0.98, "{found}");
    let one = data.fit(&Settings { shrink: Shrink::ToTied(7.0), ..Settings::default() }).unwrap();
    let heldout = normal(50, 2, 8) * 0.7 + 2.0;
    let gain =
        mixture.log_density(&heldout, &[]).unwrap() - one.log_density(&heldout, &[]).unwrap();
    assert!(gain.sum() / 50.0 > 0.2, "four corners describe the rows better than two heaps");
}

#[test]
fn parameters_are_those_that_drew_the_rows() {
    // Densities at a corner and in the middle tell location and scale of a corner's rows.
    let (data, _) = corners(100);
    let settings = Settings { components: 2, restarts: 2, ..Settings::default() };
    let mixture = data.fit(&settings).unwrap();
    let found = mixture.log_density(&array![[2.0, 2.0], [2.7, -2.0], [0.0, 0.0]], &[]).unwrap();
    let variance: f64 = 0.49;
    let wanted = |squared: f64, corners: f64| {
        (corners / 4.0).ln() - (std::f64::consts::TAU * variance).ln() - 0.5 * squared / variance
    };
    // Means of 100 rows are off by 0.07, variances of 800 numbers by 5 in 100, and the ridge adds 0.02.
    assert!((found[0] - wanted(0.0, 1.0)).abs() < 0.15, "{}", found[0]);
    assert!((found[1] - wanted(0.49, 1.0)).abs() < 0.2, "{}", found[1]);
    assert!((found[2] - wanted(8.0, 4.0)).abs() < 0.8, "{}", found[2]);
}

/// `[rows, classes]`: densities of rows with the same words, together with each class.
fn joint(mixture: &Mixture, numbers: &Array2<f64>, words: [Option<usize>; 2]) -> Array2<f64> {
    let words = words.map(|word| vec![word; numbers.nrows()]);
    let density = mixture.log_density(numbers, &words).unwrap().insert_axis(Axis(1));
    (mixture.log_probs(numbers, &words).unwrap() + density).mapv(f64::exp)
}

#[test]
fn a_missing_number_and_a_missing_word_are_integrated_out() {
    let shrink = Shrink::ToTied(7.0);
    let settings = Settings { components: 2, shrink, restarts: 2, ..Settings::default() };
    let both = mixed().fit(&settings).unwrap();
    // The mean over starts is one of probabilities, not of joint densities, so one start is looked at.
    let one = Mixture { fits: both.fits[..1].to_vec(), ..both.clone() };
    let step = 0.05;
    let grid =
        Array2::from_shape_fn(
            (801, 2),
            |(at, column)| {
                if column == 0 { 0.3 } else { (at as f64 - 400.0) * step }
            },
        );
    let summed = joint(&one, &grid, [Some(1), Some(2)]).sum_axis(Axis(0)) * step;
    let found = joint(&one, &array![[0.3, NAN]], [Some(1), Some(2)]);
    let error = (&found.row(0) - &summed).mapv(f64::abs).sum();
    assert!(error < 1e-9 * summed.sum(), "{found} {summed}");

    let numbers = array![[0.3, -0.7]];
    let mut summed = Array2::zeros((1, 2));
    (0..3).for_each(|word| summed += &joint(&one, &numbers, [None, Some(word)]));
    let found = joint(&one, &numbers, [None, None]);
    assert!((&found - &summed).mapv(f64::abs).sum() < 1e-12 * summed.sum());
    // Densities alone add up over several starts too.
    let total: f64 = (0..3).map(|word| joint(&both, &numbers, [None, Some(word)]).sum()).sum();
    assert!((total - joint(&both, &numbers, [None, None]).sum()).abs() < 1e-12);
}

#[test]
fn a_row_without_cells_has_the_probabilities_of_the_classes() {
    let data = mixed();
    let mixture = data.fit(&Settings::default()).unwrap();
    let empty = mixture.log_probs(&array![[NAN, NAN]], &[vec![None], vec![None]]).unwrap();
    let density = mixture.log_density(&array![[NAN, NAN]], &[vec![None], vec![None]]).unwrap();
    assert!(density[0].abs() < 1e-12);
    assert!((empty.mapv(f64::exp).sum() - 1.0).abs() < 1e-12);
    let labelled = Data::of(normal(30, 2, 2), (0..30).map(|row| Some(row % 3)).collect(), 4);
    let mixture = labelled.fit(&Settings::default()).unwrap();
    let found = mixture.log_probs(&array![[NAN, NAN]], &[]).unwrap().mapv(f64::exp);
    let wanted = array![[11.0, 11.0, 11.0, 1.0]] / 34.0;
    assert!((found - wanted).iter().all(|error| error.abs() < 1e-12));
    let mut with_empty = mixed();
    with_empty.numbers.row_mut(40).fill(NAN);
    with_empty.categories.iter_mut().for_each(|column| column[40] = None);
    let settings = Settings { components: 2, restarts: 3, ..Settings::default() };
    let probabilities = with_empty.log_probs(&with_empty.fit(&settings).unwrap()).mapv(f64::exp);
    assert!(probabilities.rows().into_iter().all(|row| (row.sum() - 1.0).abs() < 1e-12));
}

#[test]
fn words_alone_and_numbers_alone_are_enough() {
    let mut data = mixed();
    data.numbers = Array2::zeros((90, 0));
    let mixture = data.fit(&Settings { components: 2, ..Settings::default() }).unwrap();
    let probabilities = data.log_probs(&mixture).mapv(f64::exp);
    assert!(probabilities.rows().into_iter().all(|row| (row.sum() - 1.0).abs() < 1e-12));
    // The first word says most about the class.
    let told =
        |word| mixture.log_probs(&Array2::zeros((1, 0)), &[vec![Some(word)], vec![None]]).unwrap();
    assert!(told(1)[[0, 0]] > told(0)[[0, 0]] + 1.0);
    let mut data = mixed();
    (data.categories, data.values) = (Vec::new(), Vec::new());
    assert!(data.fit(&Settings::default()).is_ok());
}

#[test]
fn degenerate_rows_give_finite_probabilities() {
    let all = [Shrink::Tied, Shrink::ToTied(7.0)].map(|shrink| {
        [1, 3].map(|components| Settings { components, shrink, restarts: 2, ..Settings::default() })
    });
    for settings in all.iter().flatten() {
        // A constant column, one row of class 1, and no row of class 2.
        let mut numbers = normal(30, 3, 2);
        numbers.column_mut(1).fill(0.0);
        let labels = (0..30).map(|row| (row < 8).then_some(usize::from(row == 0))).collect();
        let few = Data::of(numbers.clone(), labels, 3);
        // Nothing unlabelled.
        let labels = (0..30).map(|row| Some(row % 2)).collect();
        let labelled = Data::of(numbers.clone(), labels, 2);
        // Equal rows, an empty column, and no label at all.
        let mut equal = Array2::from_elem((12, 2), 0.4);
        equal.column_mut(1).fill(NAN);
        let equal = Data::of(equal, vec![None; 12], 2);
        // A single row.
        let single = Data::of(array![[0.5, NAN]], vec![Some(1)], 2);
        for data in [few, labelled, equal, single] {
            let mixture = data.fit(settings).unwrap();
            let logs = data.log_probs(&mixture);
            assert!(logs.iter().all(|log| log.is_finite()), "{settings:?} {logs}");
            let density = mixture.log_density(&data.numbers, &data.categories).unwrap();
            assert!(density.iter().all(|log| log.is_finite()), "{settings:?} {density}");
        }
    }
}

#[test]
fn a_far_row_has_finite_log_probabilities() {
    let (data, _) = corners(2);
    let mixture =
        data.fit(&Settings { shrink: Shrink::ToTied(7.0), ..Settings::default() }).unwrap();
    let logs = mixture.log_probs(&array![[1e6, -1e6]], &[]).unwrap();
    assert!((logs.mapv(f64::exp).sum() - 1.0).abs() < 1e-9, "{logs}");
}

#[test]
fn wide_rows_are_projected_and_their_missing_cells_are_means() {
    let (narrow, truth) = corners(2);
    // Two directions of large variance turned into 25 columns, and noise on top.
    let turn = normal(2, 25, 3);
    let mut wide = Data::of(narrow.numbers.dot(&turn) + normal(400, 25, 4) * 0.3, narrow.labels, 2);
    wide.beliefs = narrow.beliefs;
    let settings = Settings { components: 2, restarts: 3, dims: 2, ..Settings::default() };
    let mixture = wide.fit(&settings).unwrap();
    let found = accuracy(&wide.log_probs(&mixture), &truth);
    assert!(found > 0.97, "{found}");
    let mut blank = wide.numbers.slice(s![..1, ..]).to_owned();
    blank.fill(NAN);
    let mean = wide.numbers.mean_axis(Axis(0)).unwrap().insert_axis(Axis(0));
    let logs = mixture.log_probs(&blank, &[]).unwrap() - mixture.log_probs(&mean, &[]).unwrap();
    assert!(logs.iter().all(|difference| difference.abs() < 1e-9));
}

#[test]
fn what_is_believed_of_labelled_rows_does_not_count() {
    let settings = Settings { components: 2, ..Settings::default() };
    let mut data = mixed();
    let mixture = data.fit(&settings).unwrap();
    data.beliefs.slice_mut(s![..20, 0]).fill(0.01);
    assert_eq!(data.fit(&settings).unwrap(), mixture);
}

#[test]
fn equal_seeds_give_equal_fits_and_writing_keeps_them() {
    let data = mixed();
    let settings = Settings { components: 3, restarts: 2, dims: 1, ..Settings::default() };
    let mixture = data.fit(&settings).unwrap();
    assert_eq!(mixture, data.fit(&settings).unwrap());
    let read: Mixture = serde_json::from_str(&serde_json::to_string(&mixture).unwrap()).unwrap();
    assert_eq!(read, mixture);
}

#[test]
fn what_does_not_fit_is_an_error() {
    let usual = Settings::default();
    let broken = |change: fn(&mut Data)| {
        let mut data = mixed();
        change(&mut data);
        data.fit(&Settings::default()).unwrap_err().to_string()
    };
    broken(|data| data.labels[0] = Some(2));
    broken(|data| data.labels.truncate(80));
    broken(|data| data.beliefs[[50, 0]] = -0.1);
    broken(|data| data.beliefs = Array2::zeros((90, 3)));
    broken(|data| data.numbers[[3, 1]] = f64::INFINITY);
    broken(|data| data.values.truncate(1));
    let message = broken(|data| data.categories[1][4] = Some(3));
    assert_eq!(message, "column of words 1 holds value 3 of 3");
    for settings in [
        Settings { components: 0, ..usual },
        Settings { steps: 0, ..usual },
        Settings { restarts: 0, ..usual },
        Settings { dims: 0, ..usual },
        Settings { shrink: Shrink::ToTied(0.0), ..usual },
        Settings { shrink: Shrink::ToTied(NAN), ..usual },
    ] {
        assert!(mixed().fit(&settings).is_err(), "{settings:?}");
    }
    let mixture = mixed().fit(&usual).unwrap();
    assert!(mixture.log_probs(&Array2::zeros((1, 3)), &[vec![None], vec![None]]).is_err());
    assert!(mixture.log_probs(&Array2::zeros((1, 2)), &[vec![None]]).is_err());
}
