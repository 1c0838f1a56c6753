//! How frequent each word is in the training texts: what a decoder of counts starts from (E34).

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Tensor, TensorData};

use crate::data::{Examples, Values};
use crate::error::{Error, Result};
use crate::module_path::ModulePath;

/// The field of a decoder that holds it.
const FIELD: &str = "background";

/// Logarithm of the mean count of each word in some examples, `[words]`. So its exponentials add up to the mean
/// length of an example. A word that occurs in none of them counts as half an occurrence.
///
/// # Errors
/// The examples hold anything but whole numbers from 0, or there are none.
pub fn background(examples: &Examples, rows: &[usize]) -> Result<Vec<f32>> {
    if rows.is_empty() {
        return Err(Error::config("data", 0, "there are no texts to count words in"));
    }
    let mut totals = vec![0f64; examples.features()];
    let mut add = |place: usize, count: f32| {
        if count < 0.0 || count.fract() != 0.0 {
            let rule =
                format!("multinomial describes counts, but an example has the value {count}");
            return Err(Error::config("model.likelihood", "multinomial", rule));
        }
        totals[place] += f64::from(count);
        Ok(())
    };
    for &row in rows {
        match &examples.values {
            Values::Counts(counts) => {
                counts.row(row).try_for_each(|(place, count)| add(place, count))?;
            }
            _ => {
                let values = examples.gather(&[row]);
                values.iter().enumerate().try_for_each(|(place, &count)| add(place, count))?;
            }
        }
    }
    let mean = |total: f64| (total.max(0.5) / rows.len() as f64).ln() as f32;
    Ok(totals.into_iter().map(mean).collect())
}

/// The model with these frequencies in every decoder of counts that it has.
///
/// # Errors
/// A decoder has another number of words.
pub fn with_background<M: Module>(model: M, frequencies: &[f32]) -> Result<M> {
    let mut put = Put { path: ModulePath::default(), frequencies, problem: None };
    let model = model.map(&mut put);
    match put.problem {
        Some(words) => {
            let rule = format!("the model has {words} words");
            Err(Error::config("data.vocabulary", frequencies.len(), rule))
        }
        None => Ok(model),
    }
}

struct Put<'a> {
    path: ModulePath,
    frequencies: &'a [f32],
    problem: Option<usize>,
}

impl ModuleMapper for Put<'_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, container_type: &str) {
        self.path.exit(container_type);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.path.name().rsplit('.').next() != Some(FIELD) {
            return param;
        }
        let shape = param.lazy_shape().to_vec();
        if shape != [self.frequencies.len()] {
            self.problem = Some(shape.iter().product());
            return param;
        }
        param.map(|old| {
            let data = TensorData::new(self.frequencies.to_vec(), shape);
            let new = Tensor::from_data(data, &old.device());
            if old.device().is_autodiff() { new.require_grad() } else { new }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::SparseRows;

    fn texts(rows: &[&[(u32, f32)]]) -> Examples {
        let mut counts = SparseRows::new(3);
        rows.iter().for_each(|row| counts.push(row.iter().copied()));
        Examples::new(Values::Counts(counts), vec![3], vec![0; rows.len()], "t").unwrap()
    }

    #[test]
    fn frequencies_add_up_to_the_mean_length() {
        let set = texts(&[&[(0, 3.0), (1, 1.0)], &[(1, 2.0), (2, 1.0)], &[(2, 90.0)]]);
        let found = background(&set, &[0, 1]).unwrap();
        for (found, mean) in found.iter().zip([1.5f32, 1.5, 0.5]) {
            assert!((found.exp() - mean).abs() < 1e-6, "{found:?}");
        }
        let dense = Values::F32(set.gather(&[0, 1]));
        let dense = Examples::new(dense, vec![3], vec![0, 0], "t").unwrap();
        assert_eq!(background(&dense, &[0, 1]).unwrap(), found);
        // Half an occurrence in one text.
        assert!((background(&set, &[0]).unwrap()[2].exp() - 0.5).abs() < 1e-6);
    }

    #[test]
    fn what_is_no_count_is_refused() {
        let half = Examples::new(Values::F32(vec![0.5, 1.0]), vec![2], vec![0], "t").unwrap();
        let error = background(&half, &[0]).unwrap_err().to_string();
        assert!(error.contains("has the value 0.5"), "{error}");
        assert!(background(&half, &[]).is_err());
    }
}
