//! How many samples of each class a coreset holds.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How a budget is shared out among classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Balance {
    /// By what the classes' samples stand for, rounded by largest remainder.
    #[default]
    Proportional,
    /// As equally as the classes' numbers of samples allow.
    Equal,
}

/// Shares `size` out among classes, each of so many samples that stand for so many: at least 1 for each class that has any, at most all of them. Of
/// classes with equal claims the first is served.
///
/// # Errors
/// `size` is below the number of classes with samples, or above the number of samples.
pub fn budgets(counts: &[[u64; 2]], size: usize, balance: Balance) -> Result<Vec<usize>> {
    let rows: Vec<usize> = counts.iter().map(|&[rows, _]| rows as usize).collect();
    let (all, classes) =
        (rows.iter().sum::<usize>(), rows.iter().filter(|&&rows| rows > 0).count());
    if size > all {
        return Err(Error::config(
            "size",
            size,
            match all {
                1 => "there is 1 sample; choose that".to_owned(),
                _ => format!("there are {all} samples; choose at most {all}"),
            },
        ));
    }
    if size < classes {
        let problem = format!(
            "each of {classes} classes needs at least one sample; choose at least {classes}"
        );
        return Err(Error::config("size", size, problem));
    }
    // Claims in units of 1 / all or 1 / classes, so that they compare exactly.
    let (unit, claim): (u128, Vec<u128>) = match balance {
        Balance::Proportional => {
            let all: u128 = counts.iter().map(|&[_, stand_for]| u128::from(stand_for)).sum();
            let claim = |&[_, stand_for]: &[u64; 2]| size as u128 * u128::from(stand_for);
            (all, counts.iter().map(claim).collect())
        }
        Balance::Equal => {
            let even = |&rows: &usize| if rows > 0 { size as u128 } else { 0 };
            (classes as u128, rows.iter().map(even).collect())
        }
    };
    let start = |(&rows, &claim): (&usize, &u128)| {
        let whole = usize::try_from(claim / unit.max(1)).unwrap_or(rows);
        whole.clamp(usize::from(rows > 0), rows)
    };
    let mut budgets: Vec<usize> = rows.iter().zip(&claim).map(start).collect();
    // What a class is owed; negative for one that has more than its claim.
    let owed = |budgets: &[usize], class: usize| {
        claim[class] as i128 - budgets[class] as i128 * unit as i128
    };
    loop {
        let given: usize = budgets.iter().sum();
        let classes = 0..rows.len();
        if given < size {
            let open = classes.rev().filter(|&class| budgets[class] < rows[class]);
            let Some(next) = open.max_by_key(|&class| owed(&budgets, class)) else { break };
            budgets[next] += 1;
        } else if given > size {
            let rich = classes.filter(|&class| budgets[class] > 1);
            let Some(next) = rich.min_by_key(|&class| owed(&budgets, class)) else { break };
            budgets[next] -= 1;
        } else {
            break;
        }
    }
    Ok(budgets)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each sample stands for itself.
    fn alone(rows: &[usize]) -> Vec<[u64; 2]> {
        rows.iter().map(|&rows| [rows as u64; 2]).collect()
    }

    #[test]
    fn samples_that_stand_for_many_claim_as_many() {
        let share =
            |counts: &[[u64; 2]], size| budgets(counts, size, Balance::Proportional).unwrap();
        assert_eq!(share(&[[20, 900], [20, 100]], 10), [9, 1]);
        // No class gets more than it has.
        assert_eq!(share(&[[3, 900], [20, 100]], 10), [3, 7]);
        assert_eq!(budgets(&[[20, 900], [20, 100]], 10, Balance::Equal).unwrap(), [5, 5]);
    }

    #[test]
    fn budgets_are_proportional_by_largest_remainder() {
        let share =
            |rows: &[usize], size| budgets(&alone(rows), size, Balance::Proportional).unwrap();
        assert_eq!(share(&[50, 30, 20], 10), [5, 3, 2]);
        // Quotas 3.5, 2.1, 1.4: the largest remainder gets the last.
        assert_eq!(share(&[50, 30, 20], 7), [4, 2, 1]);
        assert_eq!(share(&[10, 10, 10], 4), [2, 1, 1], "the first of equals");
        // Quotas 9.89, 0.1, 0.01: everybody gets one, at the cost of the largest.
        assert_eq!(share(&[989, 10, 1], 10), [8, 1, 1]);
        assert_eq!(share(&[5, 0, 5], 10), [5, 0, 5]);
    }

    #[test]
    fn equal_budgets_stop_at_what_a_class_has() {
        let share = |rows: &[usize], size| budgets(&alone(rows), size, Balance::Equal).unwrap();
        assert_eq!(share(&[50, 30, 20], 9), [3, 3, 3]);
        assert_eq!(share(&[50, 30, 20], 10), [4, 3, 3]);
        assert_eq!(share(&[50, 2, 20], 32), [15, 2, 15]);
        assert_eq!(share(&[50, 0, 20], 10), [5, 0, 5]);
    }

    #[test]
    fn sizes_that_cannot_be_are_refused() {
        let message =
            |size| budgets(&alone(&[3, 2]), size, Balance::Equal).unwrap_err().to_string();
        assert!(message(6).contains("there are 5 samples"));
        assert!(message(1).contains("each of 2 classes"));
    }

    #[test]
    fn every_sharing_adds_up_and_fits() {
        let mut noise = crate::noise::Noise::new(3);
        for _ in 0..2_000 {
            let rows: Vec<usize> =
                noise.uniform(5).iter().map(|u| (u * u * 60.0) as usize).collect();
            let (all, classes) = (rows.iter().sum(), rows.iter().filter(|&&r| r > 0).count());
            for size in [classes, (classes + all) / 2, all] {
                for balance in [Balance::Proportional, Balance::Equal] {
                    let budgets = budgets(&alone(&rows), size, balance).unwrap();
                    assert_eq!(budgets.iter().sum::<usize>(), size);
                    let fits = |(&budget, &rows): (&usize, &usize)| {
                        budget <= rows && (budget > 0) == (rows > 0)
                    };
                    assert!(budgets.iter().zip(&rows).all(fits), "{rows:?} {budgets:?}");
                }
            }
        }
    }
}
