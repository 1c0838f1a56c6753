use super::*;
use ndarray::array;

/// Two interleaved half circles of radius 1 with `each` points a class.
fn moons(each: usize) -> (Array2<f64>, Vec<usize>) {
    let angle = |at: usize| std::f64::consts::PI * at as f64 / (each - 1) as f64;
    let upper = (0..each).flat_map(|at| [angle(at).cos(), angle(at).sin()]);
    let lower = (0..each).flat_map(|at| [1.0 - angle(at).cos(), 0.5 - angle(at).sin()]);
    let rows = Array2::from_shape_vec((2 * each, 2), upper.chain(lower).collect()).unwrap();
    (rows, [vec![0; each], vec![1; each]].concat())
}

/// Values in [0, 1) without a pattern that matters.
fn scattered(rows: usize, columns: usize) -> Array2<f64> {
    Array2::from_shape_fn((rows, columns), |(row, column)| {
        ((row * columns + column + 1) as f64 * 0.618_033_988_75).fract()
    })
}

fn argmax(beliefs: &Array2<f64>) -> Vec<usize> {
    let best = |row: ndarray::ArrayView1<f64>| {
        (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap()
    };
    beliefs.rows().into_iter().map(best).collect()
}

/// `(1 - alpha) (I - alpha S)^-1` from the formulas alone: every pair of rows is looked at, and the
/// system is solved by elimination.
fn dense_responses(rows: &Array2<f64>, neighbours: usize, alpha: f64) -> (Array2<f64>, Vec<f64>) {
    let count = rows.nrows();
    let squared = |i: usize, j: usize| (&rows.row(i) - &rows.row(j)).mapv(|d| d * d).sum();
    let order = |i: usize| {
        let mut others: Vec<usize> = (0..count).filter(|&j| j != i).collect();
        others.sort_by(|&a, &b| squared(i, a).total_cmp(&squared(i, b)).then(a.cmp(&b)));
        others
    };
    let scale = |i: usize| squared(i, order(i)[6]).sqrt();
    let mut weights = Array2::<f64>::zeros((count, count));
    for i in 0..count {
        for &j in order(i).iter().take(neighbours) {
            let weight = (-squared(i, j) / (scale(i) * scale(j))).exp();
            weights[[i, j]] = weight;
            weights[[j, i]] = weight;
        }
    }
    let roots: Vec<f64> = weights.rows().into_iter().map(|row| row.sum().sqrt()).collect();
    let mut system = Array2::from_shape_fn((count, count), |(i, j)| {
        f64::from(u8::from(i == j)) - alpha * weights[[i, j]] / (roots[i] * roots[j])
    });
    let mut answer = Array2::<f64>::eye(count) * (1.0 - alpha);
    for pivot in 0..count {
        for row in (0..count).filter(|&row| row != pivot) {
            let factor = system[[row, pivot]] / system[[pivot, pivot]];
            let (from, right) = (system.row(pivot).to_owned(), answer.row(pivot).to_owned());
            system.row_mut(row).scaled_add(-factor, &from);
            answer.row_mut(row).scaled_add(-factor, &right);
        }
        let by = system[[pivot, pivot]];
        system.row_mut(pivot).mapv_inplace(|value| value / by);
        answer.row_mut(pivot).mapv_inplace(|value| value / by);
    }
    (answer, roots)
}

#[test]
fn responses_match_a_dense_solve() {
    let rows = scattered(40, 3);
    for alpha in [0.3, 0.9, 0.99] {
        let (wanted, _) = dense_responses(&rows, 5, alpha);
        let units: Vec<(usize, usize)> = (0..rows.nrows()).map(|row| (row, row)).collect();
        let graph = Graph::new(&rows, 5).unwrap();
        let found = graph.answer(&units, rows.nrows(), alpha).unwrap();
        // The residual that is left, times the condition number.
        let error = (&found - &wanted).iter().fold(0.0, |most: f64, e| most.max(e.abs()));
        assert!(error < 1e-9, "alpha {alpha}: {error}");
    }
}

#[test]
fn beliefs_are_class_masses_put_in_proportion() {
    let rows = scattered(40, 3);
    let labelled = [(3, 0), (9, 1), (20, 1), (33, 1)];
    let (responses, roots) = dense_responses(&rows, 5, 0.9);
    let mut wanted = Array2::<f64>::zeros((40, 2));
    for (row, class) in labelled {
        wanted.column_mut(class).scaled_add(1.0, &responses.column(row));
    }
    for mut column in wanted.columns_mut() {
        let mass: f64 = column.iter().zip(&roots).map(|(f, root)| f * root).sum();
        column.mapv_inplace(|value| value / mass);
    }
    let found = Graph::new(&rows, 5).unwrap().spread(&labelled, 2, 0.9).unwrap();
    for (found, wanted) in found.rows().into_iter().zip(wanted.rows()) {
        assert!((found[0] - wanted[0] / wanted.sum()).abs() < 1e-6);
        assert!((found.sum() - 1.0).abs() < 1e-12);
    }
}

#[test]
fn one_label_a_moon_is_enough_there_and_beyond() {
    let (rows, truth) = moons(60);
    let graph = Graph::new(&rows, 6).unwrap();
    let beliefs = graph.spread(&[(10, 0), (75, 1)], 2, 0.99).unwrap();
    assert_eq!(argmax(&beliefs), truth);
    let spreading = Spreading::new(&rows, &graph, &beliefs).unwrap();
    let probabilities = spreading.probabilities(&(&rows + 0.02)).unwrap();
    assert_eq!(argmax(&probabilities), truth);
    assert!(probabilities.rows().into_iter().all(|row| (row.sum() - 1.0).abs() < 1e-5));
}

#[test]
fn one_search_serves_several_numbers_of_neighbours() {
    let mut rows = scattered(40, 3);
    // Equal rows look for their scale further on.
    rows.slice_mut(ndarray::s![..12, ..]).fill(0.5);
    let near = nearest_others(&rows, 30);
    for neighbours in [1, 6, 12, 30] {
        let wanted = Graph::new(&rows, neighbours).unwrap();
        assert_eq!(Graph::from_nearest(&near, neighbours).unwrap(), wanted);
    }
}

#[test]
fn rows_that_no_label_reaches_are_uniform() {
    // A chain of 20 rows, and one of 10 far away.
    let place = |row: usize| if row < 20 { row as f64 } else { 1e4 + row as f64 };
    let rows = Array2::from_shape_fn((30, 1), |(row, _)| place(row));
    let graph = Graph::new(&rows, 4).unwrap();
    let beliefs = graph.spread(&[(0, 0), (1, 1)], 3, 0.9).unwrap();
    for row in 20..30 {
        assert!(beliefs.row(row).iter().all(|belief| (belief - 1.0 / 3.0).abs() < 1e-12));
    }
    let unlabelled_class: Vec<f64> = (0..20).map(|row| beliefs[[row, 2]]).collect();
    assert!(unlabelled_class.iter().all(|&belief| belief < 1e-4), "{unlabelled_class:?}");
    let none = graph.spread(&[], 3, 0.9).unwrap();
    assert!(none.iter().all(|belief| (belief - 1.0 / 3.0).abs() < 1e-12));
}

#[test]
fn equal_rows_share_a_belief_and_hear_of_others() {
    // Nine equal rows without a label: their 7th nearest is at distance 0.
    let mut values = vec![0.0; 9];
    values.extend([0.1, 0.2, 5.0, 5.1, 5.2]);
    let rows = Array2::from_shape_vec((values.len(), 1), values).unwrap();
    let graph = Graph::new(&rows, 10).unwrap();
    let beliefs = graph.spread(&[(10, 0), (13, 1)], 2, 0.9).unwrap();
    for row in 0..9 {
        assert!(beliefs[[row, 0]] > 0.6, "{}", beliefs.row(row));
        assert!((beliefs[[row, 0]] - beliefs[[0, 0]]).abs() < 1e-6);
    }
    let spreading = Spreading::new(&rows, &graph, &beliefs).unwrap();
    let found = spreading.probabilities(&array![[0.0], [1e6], [-1e9]]).unwrap();
    assert!(found.iter().all(|value| value.is_finite()));
    assert_eq!(argmax(&found)[..2], [0, 1]);
}

#[test]
fn nothing_but_equal_rows_is_fine() {
    let rows = Array2::from_elem((12, 2), 0.3);
    let beliefs = Graph::new(&rows, 3).unwrap().spread(&[(0, 0), (1, 1)], 2, 0.5).unwrap();
    assert!(beliefs.iter().all(|belief| belief.is_finite()));
}

#[test]
fn fewer_rows_than_neighbours_and_a_single_row_are_fine() {
    let rows = array![[0.0], [0.1], [1.0], [1.1]];
    let graph = Graph::new(&rows, 30).unwrap();
    let beliefs = graph.spread(&[(0, 0), (3, 1)], 2, 0.9).unwrap();
    assert_eq!(argmax(&beliefs), [0, 0, 1, 1]);
    let alone = array![[2.0, 1.0]];
    let graph = Graph::new(&alone, 3).unwrap();
    let beliefs = graph.spread(&[(0, 1)], 2, 0.9).unwrap();
    assert_eq!(argmax(&beliefs), [1]);
    let spreading = Spreading::new(&alone, &graph, &beliefs).unwrap();
    assert_eq!(argmax(&spreading.probabilities(&array![[9.0, 9.0]]).unwrap()), [1]);
}

#[test]
fn a_further_row_believes_the_weighted_mean_of_its_nearest() {
    let rows = scattered(40, 3);
    let graph = Graph::new(&rows, 5).unwrap();
    let beliefs = graph.spread(&[(3, 0), (9, 1)], 2, 0.9).unwrap();
    let query = array![[0.4, 0.5, 0.6]];
    let squared = |row: usize| (&rows.row(row) - &query.row(0)).mapv(|d| d * d).sum();
    let mut order: Vec<usize> = (0..40).collect();
    order.sort_by(|&a, &b| squared(a).total_cmp(&squared(b)));
    let scale = squared(order[6]).sqrt();
    let weight = |row: usize| (-squared(row) / (scale * graph.scales[row])).exp();
    let total: f64 = order[..5].iter().map(|&row| weight(row)).sum();
    let wanted = order[..5].iter().map(|&row| weight(row) * beliefs[[row, 0]]).sum::<f64>() / total;
    let found = Spreading::new(&rows, &graph, &beliefs).unwrap().probabilities(&query).unwrap();
    // Rows are kept in single precision.
    assert!((found[[0, 0]] - wanted).abs() < 1e-5, "{found} {wanted}");
}

#[test]
fn a_written_spreading_predicts_the_same() {
    let (rows, _) = moons(20);
    let graph = Graph::new(&rows, 5).unwrap();
    let beliefs = graph.spread(&[(3, 0), (30, 1)], 2, 0.9).unwrap();
    let spreading = Spreading::new(&rows, &graph, &beliefs).unwrap();
    let read: Spreading =
        serde_json::from_str(&serde_json::to_string(&spreading).unwrap()).unwrap();
    assert_eq!(read, spreading);
}

#[test]
fn what_does_not_fit_is_an_error() {
    assert!(Graph::new(&Array2::zeros((0, 2)), 3).is_err());
    assert!(Graph::new(&array![[0.0], [f64::NAN]], 3).is_err());
    assert!(Graph::new(&array![[0.0], [1.0]], 0).is_err());
    let rows = array![[0.0], [1.0], [2.0]];
    let graph = Graph::new(&rows, 2).unwrap();
    assert!(graph.spread(&[(3, 0)], 2, 0.9).is_err());
    assert!(graph.spread(&[(0, 2)], 2, 0.9).is_err());
    assert!(graph.spread(&[(0, 0)], 2, 1.0).is_err());
    assert!(graph.spread(&[(0, 0)], 2, f64::NAN).is_err());
    let beliefs = graph.spread(&[(0, 0)], 2, 0.9).unwrap();
    let spreading = Spreading::new(&rows, &graph, &beliefs).unwrap();
    assert!(spreading.probabilities(&array![[0.0, 1.0]]).is_err());
    assert!(spreading.probabilities(&array![[f64::INFINITY]]).is_err());
    assert!(spreading.probabilities(&Array2::zeros((0, 1))).unwrap().is_empty());
}
