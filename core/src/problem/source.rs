//! Data before they are divided: a data set that is known by name, or the user's own.

use crate::data::Dataset;
use crate::data::own::OwnData;
use crate::data::profile::Profile;
use crate::data::schema::{Scaling, Schema};
use crate::data::transform::Transform;
use crate::dist::Column;
use crate::error::Result;
use crate::models::{Likelihood, columns};
use crate::recipe::Recipe;

/// Data before they are divided.
#[derive(Debug)]
pub enum Source {
    /// A data set that is known by name, with its own test split.
    Known(Dataset),
    /// The user's own.
    Own(Box<OwnData>),
}

impl Source {
    /// What was seen of the user's own data, with what is made of them.
    ///
    /// # Errors
    /// If the recipe's model does not have such settings.
    pub fn profile(&self, recipe: &Recipe) -> Result<Option<Profile>> {
        let Self::Own(own) = self else { return Ok(None) };
        let mixed = recipe.model.likelihood()? == Likelihood::Mixed;
        let scaling = match mixed {
            true => Scaling::by_column(&own.schema.input, &own.raw),
            false => own.scaling(&own.raw, recipe.data.standardise),
        };
        let schema = Schema { scaling: scaling.clone(), ..own.schema.clone() };
        let likelihood = match recipe.model.likelihood()? {
            Likelihood::Mixed => {
                let columns = columns(&schema).unwrap_or_default();
                &format!("mixed: {}", tally(columns.iter().map(Column::name)))
            }
            Likelihood::Bernoulli => "bernoulli: bits, or grey levels from 0 to 1",
            Likelihood::Gaussian | Likelihood::IsotropicGaussian { .. } => {
                "gaussian: numbers of any size"
            }
            Likelihood::Multinomial => "multinomial: counts of words",
        };
        let mut said = match &scaling {
            Scaling::Columns(transforms) => tally(transforms.iter().map(Transform::name)),
            _ => scaling.in_words(&own.schema.input),
        };
        let has_missing = own.profile.features.iter().any(|feature| feature.missing > 0);
        if has_missing && matches!(scaling, Scaling::Standardised(_)) {
            said += "; missing cells become the mean of their feature";
        }
        if has_missing && mixed {
            said += "; missing cells stay missing: they are not scored, and the networks are told which they are";
        }
        Ok(Some(Profile { likelihood: likelihood.into(), scaling: said, ..own.profile.clone() }))
    }
}

/// `3 gaussian, 1 ordinal`, in the order in which they first occur.
fn tally<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for name in names {
        match counts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => counts.push((name, 1)),
        }
    }
    counts.iter().map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
}
