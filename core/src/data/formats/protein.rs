//! Protein: physicochemical properties of protein tertiary structure (UCI, CASP 5 to 9).
//!
//! The target, RMSD in Ångström, is cut into ten equally filled classes as in the papers that use
//! the set for semi-supervised learning (JEM; latent EBM with symbol-vector coupling, section 4.3).

use super::csv::read_csv;
use crate::data::table::{Cells, Column};
use crate::data::{Dataset, Examples, Values};
use crate::error::{Error, Result};

const CLASSES: usize = 10;

/// Every tenth row is a test example: 41,157 train and 4,573 test rows, the sizes of the papers.
const TEST_EVERY: usize = 10;

/// Reads `CASP.csv`: nine raw features (see [`crate::data::Standardiser`]) and ten classes.
///
/// Row `i` is a test example when `i % 10 == 9`. The class boundaries are the deciles of the
/// training targets only. The 1,711 duplicated rows of the release are kept, so a few test rows
/// have a twin in the training split.
///
/// svebm, section 4.3, and JEM train with 100 labels and the other 41,057 training rows without:
/// `data.labelled-in-pool = false` and no validation split.
///
/// # Errors
/// As [`read_csv`]; also no `RMSD` column, a cell that is missing or not a number, or too few rows for ten classes.
pub fn parse_protein(bytes: &[u8], source_name: &str) -> Result<Dataset> {
    let table = read_csv(bytes, source_name)?;
    let Some(target) = table.find("RMSD") else {
        let problem = format!("no column RMSD among {}", table.names());
        return Err(Error::data(source_name, problem, "use the official CASP.csv"));
    };
    let mut columns = table
        .columns
        .iter()
        .map(|column| numbers(column, source_name))
        .collect::<Result<Vec<&[f64]>>>()?;
    let targets: Vec<f32> = columns.remove(target).iter().map(|&number| number as f32).collect();
    let values = (0..table.rows).flat_map(|row| columns.iter().map(move |c| c[row] as f32));
    let values: Vec<f32> = values.collect();
    let is_test = |row: &usize| row % TEST_EVERY == TEST_EVERY - 1;
    let (test, train): (Vec<usize>, Vec<usize>) = (0..targets.len()).partition(is_test);
    let edges = deciles(train.iter().map(|&row| targets[row]).collect());
    if train.len() < CLASSES || edges.windows(2).any(|pair| pair[0] >= pair[1]) {
        return Err(Error::data(
            source_name,
            format!("{} rows do not fill {CLASSES} classes of RMSD", targets.len()),
            "use the official CASP.csv (45,730 rows)",
        ));
    }
    let labels =
        targets.iter().map(|target| edges.partition_point(|edge| edge <= target) as i64).collect();
    let shape = vec![columns.len()];
    let all = Examples::new(Values::F32(values), shape, labels, source_name)?;
    let (train, test) = (all.select(&train), all.select(&test));
    Dataset::new("protein", class_names(&edges), train, test, source_name)
}

/// The cells of a column, none of which may be missing.
fn numbers<'a>(column: &'a Column, source_name: &str) -> Result<&'a [f64]> {
    let problem = match &column.cells {
        Cells::Numbers(numbers) if numbers.iter().all(|number| number.is_finite()) => {
            return Ok(numbers);
        }
        Cells::Numbers(_) => format!("{} has missing cells", column.name),
        Cells::Words { .. } => format!("{} holds words", column.name),
    };
    Err(Error::data(source_name, problem, "use the official CASP.csv"))
}

/// The nine values that cut the sorted targets into ten parts of equal size.
fn deciles(mut targets: Vec<f32>) -> Vec<f32> {
    targets.sort_by(f32::total_cmp);
    (1..CLASSES).filter_map(|part| targets.get(part * targets.len() / CLASSES).copied()).collect()
}

fn class_names(edges: &[f32]) -> Vec<String> {
    let between = edges.windows(2).map(|pair| format!("RMSD {} to {}", pair[0], pair[1]));
    let first = edges.first().map(|edge| format!("RMSD below {edge}"));
    let last = edges.last().map(|edge| format!("RMSD from {edge}"));
    first.into_iter().chain(between).chain(last).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: usize) -> String {
        let row = |row: usize| format!("{}.5,{row},{}\r\n", (row * 37) % rows, row * 2);
        format!("RMSD,F1,F2\r\n{}", (0..rows).map(row).collect::<String>())
    }

    #[test]
    fn ten_equally_filled_classes() {
        let set = parse_protein(table(1000).as_bytes(), "p").unwrap();
        assert_eq!((set.train.len(), set.test.len()), (900, 100));
        assert_eq!(set.train.class_counts(10), [90; 10]);
        assert_eq!(set.train.shape, [2]);
        assert_eq!(set.test.gather(&[0]), [9.0, 18.0]);
        assert_eq!(set.classes.len(), 10);
        assert!(set.classes[0].starts_with("RMSD below"));
    }

    #[test]
    fn broken_tables_are_refused() {
        let message = |text: &str| parse_protein(text.as_bytes(), "p").unwrap_err().to_string();
        assert!(message("").contains("empty"));
        assert!(message("F1,F2\n1,2\n").contains("RMSD"));
        assert!(message("RMSD,F1\nx,2\n").contains("RMSD holds words"));
        assert!(message("RMSD,F1\nNaN,2\n").contains("RMSD has missing cells"));
        assert!(message("RMSD,F1\n1,\n").contains("F1 has missing cells"));
        assert!(message("RMSD,F1\n1,2\n").contains("do not fill"));
        assert!(message(&format!("RMSD,F1\n{}", "3,2\n".repeat(50))).contains("do not fill"));
    }
}
