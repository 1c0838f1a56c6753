//! Settings that no run can have are refused by name before anything is loaded.

use crate::coreset::{Method, Space};
use crate::error::{Result, refuse, unfit};
use crate::noise::NoiseSource;
use crate::objective::{LatentEbmSettings, UntappedWeights};
use crate::train::{AdamSettings, Schedule};

use super::augment::AugmentSettings;
use super::on_cpu;
use super::settings::{ChoiceSettings, DataSettings, Fold, ModelSettings, Recipe, TrainSettings};

impl Recipe {
    /// # Errors
    /// If a setting has a value that no run can have, or one that its model has no use for.
    pub(super) fn check(&self) -> Result<()> {
        let TrainSettings { epochs, steps, batch_size, lr, clip_norm, .. } = &self.train;
        if steps.unwrap_or(*epochs) == 0 {
            let name = if steps.is_some() { "steps" } else { "epochs" };
            refuse!("train.{name} = 0 is not valid: it must be at least 1");
        }
        if self.data.vocabulary == Some(0) {
            refuse!("data.vocabulary = 0 is not valid: it must be at least 1");
        }
        super::ceilings::check(self)?;
        check_parts(&self.data, self.choice)?;
        if self.objective.classifier_draws == 0 {
            refuse!("objective.classifier-draws = 0 is not valid: it must be at least 1");
        }
        // Names and types of the model's settings; their values are checked with the data.
        self.model.config(&[1], 2, &[])?;
        let sizes = [
            ("train.batch-size", *batch_size),
            ("train.labelled-batch-size", self.train.labelled_batch_size),
        ];
        if let Some((name, _)) = sizes.into_iter().find(|(_, size)| *size == 0) {
            refuse!("{name} = 0 is not valid: a batch needs at least one example");
        }
        for (name, value) in [("train.lr", *lr), ("train.clip-norm", *clip_norm)] {
            if !(value.is_finite() && value > 0.0) {
                refuse!("{name} = {value} is not valid: it must be a positive number");
            }
        }
        check_optimizer(&self.train)?;
        if self.objective.mier.is_some() && !self.model.shares_objective() {
            let kind = self.model.kind();
            refuse!("{kind} cannot use MIER: its objective has no such terms; leave --mier out");
        }
        if let Some(weights) = &self.objective.untapped {
            check_untapped(weights)?;
        }
        if let Some(augment) = &self.augment {
            check_augment(augment, &self.model)?;
        }
        if let Some(settings) = &self.objective.latent_ebm {
            check_latent_ebm(settings, self.model.kind())?;
        }
        if self.train.noise == NoiseSource::Device && on_cpu(&self.train.device) {
            refuse!(
                "--noise device needs a GPU: the CPU has no generator of its own; leave the option out"
            );
        }
        for (name, value) in [
            ("objective.alpha", self.objective.alpha),
            ("objective.labelled-weight", self.objective.labelled_weight),
            ("objective.kl-warm-up-epochs", self.objective.kl_warm_up_epochs),
            ("objective.classifier-gradient", self.objective.classifier_gradient),
            ("objective.classifier-warm-up-epochs", self.objective.classifier_warm_up_epochs),
            ("objective.classifier-noise", self.objective.classifier_noise),
        ] {
            if !(value.is_finite() && value >= 0.0) {
                refuse!("{name} = {value} is not valid: it must be zero or more");
            }
        }
        Ok(())
    }
}

/// How examples without a test split are measured.
fn check_parts(data: &DataSettings, choice: Option<ChoiceSettings>) -> Result<()> {
    let folds = [("data.folds", data.folds), ("choice.folds", choice.map(|choice| choice.folds))];
    for (name, folds) in folds {
        if let Some(folds) = folds.filter(|folds| !(2..=100).contains(folds)) {
            refuse!("{name} = {folds} is not valid: it must be from 2 to 100");
        }
    }
    if let Some(share) = data.test_share.filter(|share| !(*share > 0.0 && *share < 1.0)) {
        refuse!("data.test-share = {share} is not valid: it must be above 0 and below 1");
    }
    if data.test_share.is_some() && data.folds.is_some() {
        refuse!("data.test-share and data.folds are two ways to measure; leave one of them out");
    }
    let parts = data.folds.unwrap_or(0);
    if let Some(measured) = data.folds_measured.filter(|measured| !(1..=parts).contains(measured)) {
        refuse!("data.folds-measured = {measured} is not valid: it must be from 1 to data.folds");
    }
    if let Some(repeats) = data.repeats.filter(|repeats| !(1..=100).contains(repeats)) {
        refuse!("data.repeats = {repeats} is not valid: it must be from 1 to 100");
    }
    match data.fold {
        Some(Fold { part, of, .. }) if of < 2 || part >= of => {
            refuse!("data.fold: there is no part {part} of {of}, counted from 0")
        }
        _ => Ok(()),
    }
}

fn check_untapped(weights: &UntappedWeights) -> Result<()> {
    let UntappedWeights { smoothing, temperature, .. } = weights;
    if !(*smoothing > 0.0 && *smoothing < 1.0) {
        refuse!(
            "objective.untapped.smoothing = {smoothing} is not valid: it must be between 0 and 1"
        );
    }
    if !(temperature.is_finite() && *temperature > 0.0) {
        refuse!("objective.untapped.temperature = {temperature} is not valid: it must be above 0");
    }
    Ok(())
}

fn check_augment(settings: &AugmentSettings, model: &ModelSettings) -> Result<()> {
    let AugmentSettings { pool, max_entropy, coreset, every, weight, method, space, .. } =
        *settings;
    if pool == 0 {
        refuse!("augment.pool = 0 is not valid: it must be at least 1");
    }
    if every == 0 {
        refuse!("augment.every = 0 is not valid: it must be at least 1");
    }
    if let Some(threshold) = max_entropy.filter(|t| t.is_nan() || *t <= 0.0) {
        refuse!("augment.max-entropy = {threshold} is not valid: it must be above 0 nats");
    }
    if let Some(share) = coreset.filter(|share| !(*share > 0.0 && *share <= 1.0)) {
        refuse!("augment.coreset = {share} is not valid: it must be above 0 and at most 1");
    }
    if method == Method::Adacore && !matches!(space, Space::Gradient | Space::LastLayer) {
        refuse!(
            "adacore needs gradients; use --coreset-space gradient or last-layer, or --coreset-method craig"
        );
    }
    if !(weight.is_finite() && weight >= 0.0) {
        refuse!("augment.weight = {weight} is not valid: it must be zero or more");
    }
    if !model.shares_objective() {
        let kind = model.kind();
        refuse!("{kind} has no classifier to train on samples; leave --augment-at out");
    }
    Ok(())
}

fn check_latent_ebm(settings: &LatentEbmSettings, kind: &str) -> Result<()> {
    if kind != "latent-ebm" {
        refuse!(
            "objective.latent-ebm and --implicit-augment do not apply to {kind}; add --model latent-ebm"
        );
    }
    let LatentEbmSettings { chains, persistent, energy_rate, energy_penalty, .. } = settings;
    chains.check().map_err(|error| unfit!("objective.latent-ebm.chains.{error}"))?;
    if *persistent == 0 {
        refuse!(
            "objective.latent-ebm.persistent = 0 is not valid: each example needs at least one chain"
        );
    }
    for (name, value) in [
        ("energy-rate", *energy_rate),
        ("energy-penalty", *energy_penalty),
        ("implicit-augmentation", settings.implicit_augmentation),
    ] {
        if !(value.is_finite() && value >= 0.0) {
            refuse!("objective.latent-ebm.{name} = {value} is not valid: it must be zero or more");
        }
    }
    Ok(())
}

fn check_optimizer(train: &TrainSettings) -> Result<()> {
    let AdamSettings { beta_1, weight_decay } = train.adam;
    if !(0.0..1.0).contains(&beta_1) {
        refuse!("train.adam.beta-1 = {beta_1} is not valid: it must be at least 0 and below 1");
    }
    if !(weight_decay.is_finite() && weight_decay >= 0.0) {
        refuse!("train.adam.weight-decay = {weight_decay} is not valid: it must be zero or more");
    }
    match train.schedule {
        Schedule::Exponential(share) if !(share > 0.0 && share <= 1.0) => refuse!(
            "train.schedule = {{ exponential = {share} }} is not valid: the share of the learning rate that is left at the end must be above 0 and at most 1"
        ),
        _ => Ok(()),
    }
}
