//! A classifier on what an unsupervised model makes of the examples: M1's support vector machines.

use anyhow::Result;
use burn::tensor::Device;
use gleaner_core::data::Examples;
use gleaner_core::infer;
use gleaner_core::models::Generative;
use serde::{Deserialize, Serialize};

use super::Problem;
use crate::classical::svm::{Kernel, Svm};
use crate::classical::{Rows, accuracy};
use crate::data::rows::classes;

/// Accuracy of the machines on posterior means, and which one the validation split prefers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Readout {
    /// With a linear kernel.
    pub linear: f64,
    /// With a Gaussian kernel.
    pub rbf: f64,
    /// Whether the Gaussian kernel does better on the validation split.
    pub prefers_rbf: bool,
}

impl Readout {
    /// Accuracy of the machine that validation prefers.
    pub fn accuracy(&self) -> f64 {
        if self.prefers_rbf { self.rbf } else { self.linear }
    }

    /// Fits the machines to the labelled examples' posterior means and measures them on rows of a split.
    ///
    /// # Errors
    /// If the device fails, or the labelled examples are all of one class.
    pub fn measure(
        model: &impl Generative,
        problem: &Problem,
        (examples, rows): (&Examples, &[usize]),
        device: &Device,
    ) -> Result<Self> {
        let train = &problem.data.train;
        let means = |examples: &Examples, rows: &[usize]| {
            pollster::block_on(infer::encode(model, examples, rows, device))
        };
        let (labelled, validation) = (&problem.split.labelled, &problem.split.validation);
        let width = model.latent();
        let fitted_on = means(train, labelled)?;
        let labels = classes(train, labelled);
        let measured_on = [(train, &validation[..]), (examples, rows)];
        let queries = [means(train, validation)?, means(examples, rows)?];
        let fit = |kernel| -> Result<[f64; 2]> {
            let rows = Rows::new(&fitted_on, width)?;
            let machine = Svm::fit(rows, &labels, problem.classes(), kernel, 1.0)?;
            let mut shares = [0.0; 2];
            for (i, (examples, rows)) in measured_on.iter().enumerate() {
                let predicted = machine.predict(Rows::new(&queries[i], width)?)?;
                shares[i] = accuracy(&predicted, &classes(examples, rows));
            }
            Ok(shares)
        };
        let [linear, rbf] = [fit(Kernel::Linear)?, fit(Kernel::Rbf { gamma: None })?];
        Ok(Self { linear: linear[1], rbf: rbf[1], prefers_rbf: rbf[0] > linear[0] })
    }
}
