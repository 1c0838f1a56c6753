//! The results of a run: measured once on the test split, written, shown.

use anyhow::{Context as _, Result};
use burn::tensor::Device;
use gleaner_core::measures::estimate::Estimate;
use gleaner_core::measures::uncertainty::{Paired, interval};
use gleaner_core::measures::units::ActiveUnits;
use gleaner_core::noise::Noise;
use serde::{Deserialize, Serialize};

use super::Problem;
use super::measure::{Answered, Baseline, Told, active_units, bound_in_words, elbo, mean_in_words};
use super::readout::Readout;
use super::recipe::Recipe;
use super::run_dir::RunDir;
use super::unseen::Unseen;
use super::verdict::Verdict;
use crate::data::rows::{evenly, every, known};
use crate::system::output::Output;

/// Training examples that the use of latent dimensions is measured on, where there is no test split.
pub const MOST_FOR_UNITS: usize = 2000;

/// A finished run, before it is measured.
#[derive(Debug)]
pub struct Run<'a> {
    /// Its settings.
    pub recipe: &'a Recipe,
    /// Its data.
    pub problem: &'a Problem,
    /// Where to compute.
    pub device: &'a Device,
    /// Weight of the cross-entropy of a labelled example, where the objective has one.
    pub alpha: Option<f64>,
    /// Epoch of the model that was kept.
    pub best_epoch: Option<u64>,
    /// Accuracy of that model on the validation split, if it classifies.
    pub validation_accuracy: Option<f64>,
    /// Steps taken.
    pub steps: u64,
    /// Times training went back after diverging.
    pub roll_backs: u32,
    /// Wall-clock seconds.
    pub seconds: f64,
}

/// What `summary.json` holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Summary {
    /// Data set.
    pub data: String,
    /// Model.
    pub model: String,
    /// Names of the classes.
    #[serde(default)]
    pub classes: Vec<String>,
    /// Accuracy on the test split, or by cross-validation.
    pub test_accuracy: f64,
    /// The 95 % interval of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
    /// Different examples that it was measured on.
    #[serde(default)]
    pub tested: usize,
    /// Parts of the cross-validation that it comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folds: Option<usize>,
    /// How often the labels were divided into parts for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<usize>,
    /// For a model that does not classify: that of support vector machines on its posterior means. One of
    /// them is `test_accuracy`; what takes probabilities is then absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub svm: Option<Readout>,
    /// Accuracy of the supervised baseline with the same labels and classifier network.
    pub baseline_accuracy: Option<f64>,
    /// The 95 % interval of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_interval: Option<[f64; 2]>,
    /// Model and baseline on the same examples, the model first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paired: Option<Paired>,
    /// Whether the model does worse than the baseline by more than chance.
    #[serde(default)]
    pub worse_than_baseline: bool,
    /// Accuracy of the generative model by itself, where another method, or an average, is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_accuracy: Option<f64>,
    /// The methods that were compared with the model, and which one is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<Verdict>,
    /// How it does on classes that had no labels, if there are any; `test_accuracy` is then that of classes as
    /// the model numbers them.
    #[serde(default, flatten, skip_serializing_if = "Option::is_none")]
    pub unseen: Option<Unseen>,
    /// Mean `U(x)` on the test split, nats.
    pub elbo: f64,
    /// Its standard error, over examples and draws; `None` where it is not known.
    #[serde(default)]
    pub elbo_se: Option<f64>,
    /// Mean entropy of the test predictions, nats.
    pub entropy: Option<f64>,
    /// Expected calibration error on the test split.
    pub ece: Option<f64>,
    /// Brier score on the test split.
    pub brier: Option<f64>,
    /// Negative log-probability of the right class on the test split, nats.
    pub nll: Option<f64>,
    /// Calibration error of the baseline.
    pub baseline_ece: Option<f64>,
    /// Accuracy on the validation split of the model that was kept.
    pub validation_accuracy: Option<f64>,
    /// Epoch of the model that was kept.
    pub best_epoch: Option<u64>,
    /// Latent dimensions that are used on the test split, or else on training examples.
    #[serde(default)]
    pub active_units: ActiveUnits,
    /// Labelled examples.
    pub labels: usize,
    /// Unlabelled examples.
    pub unlabelled: usize,
    /// Weight of the cross-entropy of a labelled example.
    pub effective_alpha: Option<f64>,
    /// Whether MIER was on.
    pub mier: bool,
    /// Seed.
    pub seed: u64,
    /// Steps taken.
    pub steps: u64,
    /// Times training went back after diverging.
    pub roll_backs: u32,
    /// Wall-clock seconds of training.
    pub seconds: f64,
}

/// Measures the kept model on the test split.
///
/// # Errors
/// If the checkpoint cannot be read or the device fails.
pub fn finish(dir: &RunDir, run: &Run<'_>, baseline: Option<&Baseline>) -> Result<Summary> {
    let (config, model) = dir.load(run.device)?;
    let test = &run.problem.data.test;
    let rows = known(test);
    let told = Told::measure(&model, run.problem, (test, &rows), run.device)?;
    let certainty = told.certainty();
    let labelled_classes = run.recipe.data.labelled_classes.as_deref();
    let unseen = labelled_classes
        .filter(|_| told.svm().is_none())
        .map(|classes| Unseen::measure(&model, classes, run.problem, run.device))
        .transpose()?;
    let noise = Noise::new(run.recipe.train.seed);
    let elbo = elbo(&model, test, &rows, &noise, run.device)?;
    // The run is whole all the same: its model may be good for other examples.
    if told.ensure_finite().is_err() || !elbo.value.is_finite() {
        eprintln!(
            "note: the model computed NaN or infinite numbers for examples of the test split, so its results mean nothing; look for \
             extreme values in the data, or train again with a smaller --lr"
        );
    }
    let paired = told.right().zip(baseline).map(|(right, b)| Paired::count(right, &b.right));
    let summary = Summary {
        test_accuracy: told.accuracy(),
        tested: rows.len(),
        svm: told.svm(),
        unseen,
        baseline_accuracy: baseline.map(|b| b.measured.accuracy),
        paired,
        elbo: elbo.value,
        elbo_se: elbo.error,
        entropy: certainty.map(|c| c.entropy),
        ece: certainty.map(|c| c.ece),
        brier: certainty.map(|c| c.brier),
        nll: certainty.map(|c| c.nll),
        baseline_ece: baseline.map(|b| b.measured.ece),
        active_units: active_units(&model, test, &rows, run.device)?,
        ..Summary::of(run, config.name())
    };
    Ok(summary.with_intervals())
}

/// Puts the results of a cross-validation together: the summary of the run that is kept, which learnt from all labels and so
/// has none left to be measured on.
///
/// # Errors
/// If the checkpoint cannot be read or the device fails.
pub fn pool(dir: &RunDir, run: &Run<'_>, parts: &[Summary]) -> Result<Summary> {
    let (config, model) = dir.load(run.device)?;
    let repeats = run.recipe.data.repeats.unwrap_or(1);
    let all: usize = parts.iter().map(|part| part.tested).sum();
    let share = |part: &Summary| part.tested as f64 / all as f64;
    let mean =
        |of: &dyn Fn(&Summary) -> f64| parts.iter().map(|part| share(part) * of(part)).sum::<f64>();
    let mean_of_some = |of: fn(&Summary) -> Option<f64>| -> Option<f64> {
        parts.iter().map(|part| of(part).map(|value| share(part) * value)).sum()
    };
    let svm = parts.iter().all(|part| part.svm.is_some()).then(|| {
        let mean = |of: fn(&Readout) -> f64| mean(&|part| part.svm.as_ref().map_or(0.0, of));
        let prefer =
            parts.iter().filter(|part| part.svm.is_some_and(|svm| svm.prefers_rbf)).count();
        Readout {
            linear: mean(|svm| svm.linear),
            rbf: mean(|svm| svm.rbf),
            prefers_rbf: 2 * prefer > parts.len(),
        }
    });
    let add =
        |sum: Option<Paired>, part: &Summary| Some(sum?.plus(part.paired?, 1.0 / repeats as f64));
    let paired = parts.iter().fold(Some(Paired::default()), add);
    let elbos: Vec<_> = parts.iter().map(|part| (share(part), part.bound())).collect();
    let elbo = Estimate::of_parts(&elbos, repeats);
    let train = &run.problem.data.train;
    let summary = Summary {
        test_accuracy: mean(&|part| part.test_accuracy),
        tested: all / repeats,
        folds: run.recipe.data.folds,
        repeats: Some(repeats),
        svm,
        baseline_accuracy: mean_of_some(|part| part.baseline_accuracy),
        paired,
        elbo: elbo.value,
        elbo_se: elbo.error,
        entropy: mean_of_some(|part| part.entropy),
        ece: mean_of_some(|part| part.ece),
        brier: mean_of_some(|part| part.brier),
        nll: mean_of_some(|part| part.nll),
        baseline_ece: mean_of_some(|part| part.baseline_ece),
        active_units: active_units(
            &model,
            train,
            &evenly(&every(train), MOST_FOR_UNITS),
            run.device,
        )?,
        ..Summary::of(run, config.name())
    };
    Ok(summary.with_intervals())
}

/// The summary of a run that nothing is left to measure on: a part of another one that learns from all labels.
pub fn unmeasured(run: &Run<'_>) -> Summary {
    Summary::of(run, run.recipe.model.kind())
}

impl Summary {
    /// What is known of a run without measuring anything.
    fn of(run: &Run<'_>, model: &str) -> Self {
        Self {
            data: run.problem.data.name.clone(),
            model: model.to_owned(),
            classes: run.problem.data.classes.clone(),
            test_accuracy: 0.0,
            interval: None,
            tested: 0,
            folds: None,
            repeats: None,
            svm: None,
            baseline_accuracy: None,
            baseline_interval: None,
            paired: None,
            worse_than_baseline: false,
            model_accuracy: None,
            choice: None,
            unseen: None,
            elbo: 0.0,
            elbo_se: None,
            entropy: None,
            ece: None,
            brier: None,
            nll: None,
            baseline_ece: None,
            validation_accuracy: run.validation_accuracy,
            best_epoch: run.best_epoch,
            active_units: ActiveUnits::default(),
            labels: run.problem.split.labelled.len(),
            unlabelled: run.problem.split.unlabelled.len(),
            effective_alpha: run.alpha,
            mier: run.recipe.objective.mier.is_some(),
            seed: run.recipe.train.seed,
            steps: run.steps,
            roll_backs: run.roll_backs,
            seconds: run.seconds,
        }
    }

    /// With the classifier that is kept, and the best one that looks at labels alone in the place of the baseline.
    #[must_use]
    pub fn chosen(self, verdict: Verdict, [kept, label_only]: [&Answered; 2]) -> Self {
        let measured = kept.measured;
        let chosen = Self {
            model_accuracy: Some(self.test_accuracy),
            test_accuracy: measured.accuracy,
            tested: kept.right.len(),
            baseline_accuracy: Some(label_only.measured.accuracy),
            paired: Some(Paired::count(&kept.right, &label_only.right)),
            entropy: Some(measured.entropy),
            ece: Some(measured.ece),
            brier: Some(measured.brier),
            nll: Some(measured.nll),
            baseline_ece: Some(label_only.measured.ece),
            choice: Some(verdict),
            ..self
        };
        chosen.with_intervals()
    }

    fn bound(&self) -> Estimate {
        Estimate { value: self.elbo, error: self.elbo_se }
    }

    /// With what the accuracies on so many examples allow to say.
    fn with_intervals(self) -> Self {
        let of = |accuracy: f64| interval(accuracy, self.tested);
        let [own, baseline] = [Some(of(self.test_accuracy)), self.baseline_accuracy.map(of)];
        let below =
            own.zip(self.baseline_accuracy).is_some_and(|(own, baseline)| baseline > own[1]);
        // On the same examples, the difference is known better than either accuracy.
        let worse = self.paired.map_or(below, |paired| paired.difference()[1] < 0.0);
        Self { interval: own, baseline_interval: baseline, worse_than_baseline: worse, ..self }
    }

    /// Writes it down.
    ///
    /// # Errors
    /// If the disk does not take it.
    pub fn written(self, dir: &RunDir) -> Result<Self> {
        let text = serde_json::to_string_pretty(&self).context("summary.json")? + "\n";
        dir.write("summary.json", text.as_bytes())?;
        Ok(self)
    }

    /// Shows the results.
    ///
    /// # Errors
    /// If the JSON cannot be written.
    pub fn show(&self, dir: &RunDir, out: &Output) -> Result<()> {
        out.line(format!("{} with {} labels, seed {}", self.data, self.labels, self.seed));
        let mut rows = Vec::new();
        if let Some(baseline) = self.baseline_accuracy {
            let said = share_in_words(baseline, self.tested, self.baseline_interval);
            let of = self.choice.as_ref().map_or(String::new(), |v| format!("{}, ", v.label_only));
            rows.push(("baseline accuracy", format!("{said}   ({of}labelled examples only)")));
        }
        let said = share_in_words(self.test_accuracy, self.tested, self.interval);
        let of = match &self.choice {
            Some(verdict) if verdict.kept != self.model => {
                format!("{}, kept by --model auto", verdict.kept_in_words())
            }
            _ => format!("semi-supervised {}", self.model),
        };
        rows.push(("test accuracy", format!("{said}   ({of})")));
        let by_itself =
            self.model_accuracy.map(|accuracy| share_in_words(accuracy, self.tested, None));
        rows.extend(by_itself.map(|said| {
            ("model's accuracy", format!("{said}   (semi-supervised {} by itself)", self.model))
        }));
        rows.push((
            "measured by",
            measured_by([self.tested, self.labels], self.folds, self.repeats),
        ));
        let probabilities = [
            ("calibration error", self.ece, ""),
            ("Brier score", self.brier, ""),
            ("classifier entropy", self.entropy, " nats"),
        ];
        for (name, value, unit) in probabilities {
            let said = value.map(|value| mean_in_words(value, self.tested) + unit);
            rows.extend(said.map(|said| (name, said)));
        }
        rows.push(("ELBO", bound_in_words(self.bound())));
        rows.push(("active units", self.active_units.to_string()));
        rows.extend(self.effective_alpha.map(|alpha| ("effective alpha", format!("{alpha:.4}"))));
        rows.push(("time", format!("{:.1} s", self.seconds)));
        rows.push(("run", dir.path().display().to_string()));
        out.table(&rows);
        if self.worse_than_baseline {
            let [kept, labels_alone] = match &self.choice {
                Some(verdict) => [verdict.kept_in_words(), &verdict.label_only],
                None => ["the model", "its classifier trained on the labels alone"],
            };
            out.line(format!(
                "On these data, {kept} does worse than {labels_alone}. Try another --model; `gleaner baselines RUN` measures \
                 methods without a model."
            ));
        }
        let mut object = serde_json::to_value(self).context("the summary")?;
        object["run"] = dir.path().display().to_string().into();
        out.object(&object)
    }
}

/// How accuracies were measured: on so many examples of a run with so many labels, in parts that were divided anew so often.
pub fn measured_by(
    [tested, labels]: [usize; 2],
    folds: Option<usize>,
    repeats: Option<usize>,
) -> String {
    let Some(folds) = folds else { return format!("{tested} examples of the test split") };
    let parts = match tested < labels {
        true => format!("cross-validation: {tested} of {labels} labels, held out"),
        false => format!(
            "cross-validation: {tested} labelled examples in {folds} parts, each held out once"
        ),
    };
    match repeats.unwrap_or(1) {
        1 => parts,
        repeats => format!("{parts}, divided anew {repeats} times"),
    }
}

/// `93.33 % (140 of 150, 95 % interval 88.2 to 96.3 %)`
pub fn share_in_words(share: f64, count: usize, interval: Option<[f64; 2]>) -> String {
    let right = share * count as f64;
    let right = match (right - right.round()).abs() < 1e-6 {
        true => format!("{right:.0}"),
        // The mean of several rounds.
        false => format!("{right:.1}"),
    };
    let interval = interval
        .map(|[low, high]| format!(", 95 % interval {:.1} to {:.1} %", 100.0 * low, 100.0 * high));
    format!("{:.2} % ({right} of {count}{})", 100.0 * share, interval.unwrap_or_default())
}
