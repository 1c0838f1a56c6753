//! A row of a table: a likelihood for each column (HI-VAE, Nazabal et al. 2020), and none for a cell that is missing, so that
//! a bound is one of what was observed (Mattei and Frellsen 2019, eq. 5; E46).

mod cells;
mod counts;
mod levels;
mod measurements;
mod words;

use std::ops::Range;

use burn::tensor::{Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use cells::{Cells, Luck, constant};
use counts::Counts;
pub use counts::LogCounts;
pub use levels::Levels;
use levels::Ordinal;
use measurements::Measurements;
use words::{Words, YesNo};

use crate::error::{Error, Result};
use crate::noise::Streams;

/// What describes a column. A model sees one number of it; of words, one for each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Column {
    /// Measurements: Gaussian, with a standard deviation that is learnt for the column.
    Gaussian {
        /// What it cannot go below: of cells that are rounded, or equal, the density would grow without end.
        least_sd: f32,
        /// What draws do not go below, where no cell of the column is negative: its lowest number. The density knows nothing of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lowest: Option<f32>,
    },
    /// Yes or no: 1 or 0.
    Bernoulli,
    /// One of so many words: 1 for the one, 0 for the others.
    Categorical {
        /// How many, at least two.
        words: usize,
    },
    /// Few values in an order.
    Ordinal(Levels),
    /// Counts that vary as much as chance makes them.
    Poisson(LogCounts),
    /// Counts that vary by more.
    NegativeBinomial(LogCounts),
}

impl Column {
    /// Numbers that a model sees of it.
    #[must_use]
    pub fn width(&self) -> usize {
        match self {
            Self::Categorical { words } => *words,
            _ => 1,
        }
    }

    /// What its distribution is called.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Gaussian { .. } => "gaussian",
            Self::Bernoulli => "bernoulli",
            Self::Categorical { .. } => "categorical",
            Self::Ordinal(_) => "ordinal",
            Self::Poisson(_) => "poisson",
            Self::NegativeBinomial(_) => "negative binomial",
        }
    }

    /// Whether there can be such a column.
    ///
    /// # Errors
    /// Too few words or levels, levels out of order, or a scale that is not positive.
    pub fn check(&self) -> Result<()> {
        let positive = |scale: f32| scale.is_finite() && scale > 0.0;
        let fine = match self {
            Self::Bernoulli => true,
            Self::Gaussian { least_sd, lowest } => {
                positive(*least_sd) && lowest.is_none_or(f32::is_finite)
            }
            Self::Categorical { words } => *words > 1,
            Self::Ordinal(levels) => levels.are_in_order(),
            Self::Poisson(LogCounts { mean, sd })
            | Self::NegativeBinomial(LogCounts { mean, sd }) => mean.is_finite() && positive(*sd),
        };
        match fine {
            true => Ok(()),
            false => {
                let rule =
                    "scales must be above 0, levels and thresholds increase, words be two or more";
                Err(Error::config("model.columns", format!("{self:?}"), rule))
            }
        }
    }

    /// Whether the columns of a kind are worked on together: those of words and counts differ in width or are few.
    fn joins(&self, other: &Self) -> bool {
        let same = std::mem::discriminant(self) == std::mem::discriminant(other);
        same && !matches!(self, Self::Categorical { .. })
    }
}

/// Where the numbers of each column stand in a row, from left to right.
pub fn places(columns: &[Column]) -> impl Iterator<Item = (&Column, Range<usize>)> {
    columns.iter().scan(0, |start, column| {
        let range = *start..*start + column.width();
        *start = range.end;
        Some((column, range))
    })
}

/// The distribution of rows of a table.
#[derive(Clone, Debug)]
pub struct Mixed {
    /// What describes each column.
    pub columns: Vec<Column>,
    /// What a network says of each number: mean, logit, location, logarithm of the rate in units of its scale, `[rows, features]`.
    pub output: Tensor<2>,
    /// What is the same for every row: the logarithm of the standard deviation of a Gaussian, of one over the scale of an ordinal
    /// column, of the shape of a negative binomial one, `[features]`.
    pub spread: Tensor<1>,
}

impl Mixed {
    /// Log-probability of the cells of `x` that are observed (E46). A missing one is NaN.
    ///
    /// # Shapes
    /// - `x`: `[batch, features]`, a constant, grouped against the rows of `output` as in
    ///   [`Bernoulli::log_prob`](super::Bernoulli::log_prob)
    /// - output: `[rows]`, nats
    pub fn log_prob(&self, x: Tensor<2>) -> Tensor<1> {
        let ([rows, _], [batch, _]) = (self.output.dims(), x.dims());
        let missing = x.clone().is_nan();
        let observed = missing.clone().bool_not().float();
        let x = x.mask_fill(missing, 0.0);
        let of_kind = self.kinds().into_iter().map(|kind| {
            let cells = kind.cells(self).log_probs(kind.pick(x.clone()));
            (cells * kind.pick_first(observed.clone()).unsqueeze::<3>()).sum_dim(2)
        });
        let nothing = || Tensor::zeros([rows / batch, batch, 1], &self.output.device());
        of_kind.reduce(|a, b| a + b).unwrap_or_else(nothing).reshape([rows])
    }

    /// What is expected of each number, `[rows, features]`.
    pub fn mean(&self) -> Tensor<2> {
        self.in_place(|kind| kind.cells(self).mean())
    }

    /// A draw for each row: measurements and counts, 1 or 0 for yes or no, 1 for one of the words: `[rows, features]`.
    pub fn draw(&self, streams: &mut Streams) -> Tensor<2> {
        let [_, features] = self.output.dims();
        let luck = Luck::draw(streams, features, &self.output.device());
        self.in_place(|kind| kind.cells(self).draw(luck.of(|numbers| kind.pick(numbers))))
    }

    /// The columns in groups that are worked on together.
    fn kinds(&self) -> Vec<OfKind<'_>> {
        let mut kinds: Vec<OfKind<'_>> = Vec::new();
        for (column, place) in places(&self.columns) {
            let known = kinds.iter_mut().find(|kind| kind.columns[0].joins(column));
            match known {
                Some(kind) => kind.take(column, place),
                None => {
                    kinds.push(OfKind {
                        columns: vec![column],
                        firsts: vec![place.start],
                        numbers: place.collect(),
                    });
                }
            }
        }
        kinds
    }

    /// Something of each kind, every number where it stands in a row.
    fn in_place(&self, of: impl Fn(&OfKind<'_>) -> Tensor<2>) -> Tensor<2> {
        let kinds = self.kinds();
        let order: Vec<usize> = kinds.iter().flat_map(|kind| kind.numbers.clone()).collect();
        let mut back = vec![0; order.len()];
        order.iter().enumerate().for_each(|(at, &number)| back[number] = at);
        picked(Tensor::cat(kinds.iter().map(of).collect(), 1), &back)
    }
}

/// Columns of one kind.
struct OfKind<'a> {
    columns: Vec<&'a Column>,
    /// The first number of each, in a row.
    firsts: Vec<usize>,
    /// All of them.
    numbers: Vec<usize>,
}

impl<'a> OfKind<'a> {
    fn take(&mut self, column: &'a Column, place: Range<usize>) {
        self.columns.push(column);
        self.firsts.push(place.start);
        self.numbers.extend(place);
    }

    fn pick(&self, numbers: Tensor<2>) -> Tensor<2> {
        picked(numbers, &self.numbers)
    }

    fn pick_first(&self, numbers: Tensor<2>) -> Tensor<2> {
        picked(numbers, &self.firsts)
    }

    /// Their distribution in `rows`.
    fn cells(&self, rows: &'a Mixed) -> Box<dyn Cells + 'a> {
        let output = self.pick(rows.output.clone());
        let spread = || self.pick(rows.spread.clone().unsqueeze::<2>());
        let scales = || -> Vec<LogCounts> {
            let scale = |column: &&Column| match column {
                Column::Poisson(scale) | Column::NegativeBinomial(scale) => Some(*scale),
                _ => None,
            };
            self.columns.iter().filter_map(scale).collect()
        };
        match self.columns[0] {
            Column::Gaussian { .. } => {
                let limits = |column: &&Column| match column {
                    Column::Gaussian { least_sd, lowest } => {
                        Some((*least_sd, lowest.unwrap_or(f32::MIN)))
                    }
                    _ => None,
                };
                let (least, lowest) = self.columns.iter().filter_map(limits).unzip();
                let [least, lowest] = [least, lowest].map(|of| constant(of, &output.device()));
                Box::new(Measurements::new(output, spread(), least, lowest))
            }
            Column::Bernoulli => Box::new(YesNo { logits: output }),
            Column::Categorical { .. } => Box::new(Words { logits: output }),
            Column::Ordinal(_) => {
                let levels = |column: &&'a Column| match column {
                    Column::Ordinal(levels) => Some(levels),
                    _ => None,
                };
                let levels = self.columns.iter().filter_map(levels).collect();
                Box::new(Ordinal { levels, location: output, log_precision: spread() })
            }
            Column::Poisson(_) => Box::new(Counts::poisson(output, &scales())),
            Column::NegativeBinomial(_) => {
                Box::new(Counts::negative_binomial(output, spread(), &scales()))
            }
        }
    }
}

/// Some columns of a matrix, in this order.
fn picked(matrix: Tensor<2>, columns: &[usize]) -> Tensor<2> {
    let [_, all] = matrix.dims();
    if columns.iter().copied().eq(0..all) {
        return matrix;
    }
    if let (Some(&first), Some(&last)) = (columns.first(), columns.last())
        && columns.iter().copied().eq(first..last + 1)
    {
        return matrix.slice_dim(1, first..last + 1);
    }
    let indices: Vec<i32> = columns.iter().map(|&column| column as i32).collect();
    let indices = TensorData::new(indices, [columns.len()]);
    let device = matrix.device();
    matrix.select(1, Tensor::<1, Int>::from_data(indices, &device))
}
