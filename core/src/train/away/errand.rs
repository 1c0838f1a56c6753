//! What a server is asked to do.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::data::{Labelled, Part, SemiBatch, Weighted};
use crate::error::{Result, refuse};
use crate::models::ModelConfig;
use crate::noise::Noise;
use crate::objective::{LatentEbmObjective, SemiSupervised, Unsupervised, UntappedObjective};
use crate::train::gradients::flat;

/// Both sides must be of one version. The last number counts the changes of what goes between them.
pub(super) const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), ".1");

/// What is minimised, of all that the family is trained on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Aim {
    /// [`SemiSupervised`].
    SemiSupervised(SemiSupervised),
    /// [`LatentEbmObjective`].
    LatentEbm(LatentEbmObjective),
    /// [`Unsupervised`].
    Unsupervised(Unsupervised),
    /// [`UntappedObjective`].
    Untapped(UntappedObjective),
}

macro_rules! aims {
    ($($Variant:ident($Objective:ty)),+) => {
        $(impl From<$Objective> for Aim {
            fn from(objective: $Objective) -> Self {
                Self::$Variant(objective)
            }
        })+
    };
}

aims!(
    SemiSupervised(SemiSupervised),
    LatentEbm(LatentEbmObjective),
    Unsupervised(Unsupervised),
    Untapped(UntappedObjective)
);

/// What is the same in all errands of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Task {
    /// The model's shape.
    pub config: ModelConfig,
    /// What is minimised.
    pub aim: Aim,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// No other run has this number; one that was stopped and goes on keeps it, and takes the place of what it was before.
    pub number: u64,
    /// No other process has this number: two that train the same run are told apart.
    pub process: u64,
}

/// What a server is asked.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Request {
    /// Whether it is of this version.
    Greet { version: String },
    /// To remember what a run will ask for.
    Open { run: Run, task: Box<Task> },
    /// The first half of the work on some parts, and their shares of the sums. The parameters of the model go with it, in the order
    /// in which a visitor meets them, and the tensors of each part.
    Begin {
        run: Run,
        share: usize,
        portions: Vec<Portion>,
        /// Bits of the number: it may be infinite, which JSON cannot say.
        elapsed: u64,
        noise: Noise,
    },
    /// The second half. The sums over the whole batch go with it, if there are any.
    Finish { run: Run, share: usize },
}

/// A part without its numbers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Portion {
    first: [usize; 3],
    of: [usize; 3],
    /// Labelled, unlabelled and augmented examples.
    rows: [usize; 3],
    features: usize,
    classes: usize,
    /// Dimensions of the chains.
    chains: Option<usize>,
}

impl Portion {
    /// A part, and its tensors without their shapes.
    pub fn of(part: &Part) -> (Self, Vec<Tensor<1>>) {
        let SemiBatch { labelled, unlabelled, augmented } = &part.batch;
        let [labels, classes] = labelled.y.dims();
        let [rows, features] = unlabelled.dims();
        let augmented_rows = augmented.as_ref().map_or(0, |augmented| augmented.weight.dims()[0]);
        let chains = part.chains.as_ref().map(|chains| chains.dims()[1]);
        let rows = [labels, rows, augmented_rows];
        let portion = Self { first: part.first, of: part.of, rows, features, classes, chains };
        let plain = |tensor: &Tensor<2>| flat(tensor.clone().inner());
        let mut tensors = vec![plain(&labelled.x), plain(&labelled.y), plain(unlabelled)];
        if let Some(Weighted { examples, weight }) = augmented {
            tensors.extend([plain(&examples.x), plain(&examples.y), weight.clone().inner()]);
        }
        tensors.extend(part.chains.clone().map(flat));
        (portion, tensors)
    }

    /// The part, of the tensors that come next: constants on the autodiff twin of their device.
    ///
    /// # Errors
    /// If one is missing or has another length.
    pub fn part(&self, tensors: &mut impl Iterator<Item = Tensor<1>>) -> Result<Part> {
        let Self { first, of, rows: [labels, rows, augmented], features, classes, .. } = *self;
        let mut next = |rows: usize, columns: usize| match tensors.next() {
            Some(tensor) if tensor.dims() == [rows * columns] => {
                Ok(tensor.reshape([rows, columns]))
            }
            _ => refuse!("an errand lacks numbers; build both programs from the same source"),
        };
        let mut constant = |rows, columns| next(rows, columns).map(Tensor::from_inner);
        let mut examples =
            |rows| Ok(Labelled { x: constant(rows, features)?, y: constant(rows, classes)? });
        let labelled = examples(labels)?;
        let unlabelled = constant(rows, features)?;
        let augmented = match augmented {
            0 => None,
            rows => {
                let examples =
                    Labelled { x: constant(rows, features)?, y: constant(rows, classes)? };
                Some(Weighted { examples, weight: constant(rows, 1)?.reshape([rows]) })
            }
        };
        let chains = self.chains.map(|dimensions| next(rows, dimensions)).transpose()?;
        Ok(Part { batch: SemiBatch { labelled, unlabelled, augmented }, first, of, chains })
    }
}
