//! Which distribution describes each column of a table: it follows from what the column holds and how it is transformed.

use crate::data::features::{Feature, Kind};
use crate::data::schema::{Input, Scaling, Schema};
use crate::data::transform::{Transform, Way};
use crate::dist::{Column, Levels, LogCounts};

/// The distributions of the columns of a table, or of an array of numbers, that is transformed column by column; `None` of
/// anything else.
#[must_use]
pub fn columns(schema: &Schema) -> Option<Vec<Column>> {
    let Scaling::Columns(transforms) = &schema.scaling else { return None };
    let Input::Table(features) = &schema.input else {
        return Some(transforms.iter().map(column).collect());
    };
    let mut rest = transforms.as_slice();
    let of_feature = |Feature { kind, .. }: &Feature| {
        let (mine, others) = rest.split_at_checked(kind.width())?;
        rest = others;
        Some(match kind {
            Kind::Words { words } => Column::Categorical { words: words.len() },
            _ => column(mine.first()?),
        })
    };
    features.iter().map(of_feature).collect()
}

/// The distribution of a column of one number.
fn column(transform: &Transform) -> Column {
    match &transform.way {
        Way::AsIs => Column::Bernoulli,
        Way::Standardised { .. } | Way::Log { .. } | Way::NormalScores { .. } => {
            Column::Gaussian { least_sd: transform.least_sd(), lowest: transform.lowest() }
        }
        Way::Counts { mean, sd, overdispersed } => {
            let scale = LogCounts { mean: *mean as f32, sd: *sd as f32 };
            match overdispersed {
                true => Column::NegativeBinomial(scale),
                false => Column::Poisson(scale),
            }
        }
        Way::Levels { values, counts, .. } => {
            let seen = values.iter().map(|&value| transform.apply(value as f32)).collect();
            Column::Ordinal(Levels::of(seen, counts))
        }
    }
}
