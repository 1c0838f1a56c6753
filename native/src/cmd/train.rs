//! `gleaner train`: from a recipe to a run directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail};
use gleaner_core::data::profile::Profile;
use gleaner_core::models::ModelConfig;
use gleaner_core::objective::Marginalize;
use toml::Table;

use super::own_options::{OwnOptions, absolute};
use crate::report::figures;
use crate::run::RunDir;
use crate::run::recipe::{draft, flat, merge, nested};
use crate::run::source::{Source, settle, why_not_compared};
use crate::system::interrupt::Interrupt;
use crate::system::output::Output;
use crate::system::remote;
use crate::training::{Machine, Session, train};

/// Leaves it open which model or method it is.
const AUTO: &str = "auto";

/// Train a model, evaluate it on the test split, and write a run directory.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    gleaner train\n  \
    gleaner train recipes/mnist-100.toml --data-dir ~/data\n  \
    gleaner train --data fashion-mnist --labels-per-class 100 --mier --epochs 30\n  \
    gleaner train --data mnist --model ladder --labels 1000\n  \
    gleaner train --data ag-news --labels 200\n  \
    gleaner train --data patients.csv --label diagnosis --leave-out id\n  \
    gleaner train --data photos/ --unlabelled more-photos/ --size 32\n  \
    gleaner train --data reviews.csv --text title,body --label stars\n  \
    gleaner train --data cifar-10 --labels 1000 --features resnet.npz\n  \
    gleaner train --resume runs/mnist-m2-seed0")]
pub struct Args {
    /// Recipe file; the config.toml of a run repeats that run
    recipe: Option<PathBuf>,
    /// Name of a data set, or your own: a table (.csv, .tsv, .jsonl, .parquet), arrays (.npz, .npy, IDX), or a folder
    /// with a folder of pictures for each class
    #[arg(long, help_heading = "Data")]
    data: Option<String>,
    /// Folder of the data sets [default: $GLEANER_DATA, then the user's cache folder]
    #[arg(long, value_name = "DIR", help_heading = "Data")]
    data_dir: Option<PathBuf>,
    /// Fixed features instead of the examples: an .npz with x and x_test, rows as in the data set. The
    /// baseline is then a classifier trained on these features
    #[arg(long, value_name = "X.npz", help_heading = "Data")]
    features: Option<PathBuf>,
    /// Number of labelled examples of each class
    #[arg(long, value_name = "N", conflicts_with = "labels", help_heading = "Data")]
    labels_per_class: Option<i64>,
    /// Number of labelled examples in total, or all [default: all of your own data]
    #[arg(long, value_name = "N|all", help_heading = "Data")]
    labels: Option<String>,
    #[command(flatten)]
    columns: OwnOptions,
    /// Hold out this share of the labels as the test split, instead of cross-validation
    #[arg(long, value_name = "SHARE", conflicts_with = "folds", help_heading = "Your own data")]
    test_share: Option<f64>,
    /// Parts of the cross-validation that measures the accuracy where there is no test split [default: 5]
    #[arg(long, value_name = "N", help_heading = "Your own data")]
    folds: Option<i64>,
    /// Model, or auto: compare plain methods with m2 and keep their average, or the best if it is clearly better [default: auto for
    /// data of your own up to some size, else m2]
    #[arg(long, value_parser = [&[AUTO], ModelConfig::NAMES].concat(), help_heading = "Model")]
    model: Option<String>,
    /// Regularise with mutual information and entropy (MIER)
    #[arg(long, help_heading = "Model")]
    mier: bool,
    /// Weight of the entropy in MIER [default: 5]
    #[arg(long, value_name = "X", requires = "mier", help_heading = "Model")]
    mier_beta: Option<f64>,
    /// Weight of the mutual information in MIER [default: 1]
    #[arg(long, value_name = "X", requires = "mier", help_heading = "Model")]
    mier_gamma: Option<f64>,
    /// How the sum over classes is computed: exact or sum-and-sample:K
    #[arg(long, help_heading = "Model")]
    marginalize: Option<Marginalize>,
    /// Also train on samples of the model, from this step on
    #[arg(long, value_name = "STEP", help_heading = "Augmentation")]
    augment_at: Option<i64>,
    /// Number of samples to draw, over all classes [default: 10000]
    #[arg(long, value_name = "L", requires = "augment_at", help_heading = "Augmentation")]
    augment_pool: Option<i64>,
    /// Keep samples whose entropy of p(y|z) is below H nats [default: keep all]
    #[arg(long, value_name = "H", requires = "augment_at", help_heading = "Augmentation")]
    max_entropy: Option<f64>,
    /// Keep only samples that the classifier assigns to the class they were drawn for
    #[arg(long, requires = "augment_at", help_heading = "Augmentation")]
    keep_agreeing: bool,
    /// Choose this share of the kept samples [default: use all]
    #[arg(long, value_name = "F", requires = "augment_at", help_heading = "Augmentation")]
    coreset: Option<f64>,
    /// How they are chosen [default: random; craig if --coreset-space is given]
    #[arg(long, value_name = "M", requires = "coreset", help_heading = "Augmentation")]
    #[arg(value_parser = ["craig", "adacore", "random", "confidence"])]
    coreset_method: Option<String>,
    /// What they are compared by [default: gradient]
    #[arg(long, value_name = "S", requires = "coreset", help_heading = "Augmentation")]
    #[arg(value_parser = ["gradient", "last-layer", "embedding", "cosine", "latent"])]
    coreset_space: Option<String>,
    /// Draw new samples every N steps [default: 10000]
    #[arg(long, value_name = "N", requires = "augment_at", help_heading = "Augmentation")]
    augment_every: Option<i64>,
    /// Weight of a sample relative to a labelled example [default: 0.1]
    #[arg(long, value_name = "W", requires = "augment_at", help_heading = "Augmentation")]
    augment_weight: Option<f64>,
    /// Also train on unlabelled examples of low entropy, with the class that the classifier gives them
    #[arg(long, requires = "augment_at", help_heading = "Augmentation")]
    pseudo_label: bool,
    /// Weight of a term that draws classes, generates examples of them and classifies these again in every step
    /// (latent-ebm)
    #[arg(long, value_name = "LAMBDA", help_heading = "Augmentation")]
    implicit_augment: Option<f64>,
    /// Passes over the unlabelled examples
    #[arg(long, value_name = "N", conflicts_with = "steps", help_heading = "Training")]
    epochs: Option<i64>,
    /// Training steps
    #[arg(long, value_name = "N", help_heading = "Training")]
    steps: Option<i64>,
    /// Unlabelled examples per step
    #[arg(long, value_name = "N", help_heading = "Training")]
    batch_size: Option<i64>,
    /// Highest learning rate
    #[arg(long, value_name = "X", help_heading = "Training")]
    lr: Option<f64>,
    /// Seed of the label draw, the weights and all noise
    #[arg(long, value_name = "N", help_heading = "Training")]
    seed: Option<i64>,
    /// Where to compute: cpu, wgpu, vulkan, metal, cuda[:N]; several, as cuda:0,cuda:1, share each step, and so do devices of
    /// other machines, as ws://gpu1:7878,ws://gpu2:7878 (see gleaner serve-device)
    #[arg(long, help_heading = "Training")]
    device: Option<String>,
    /// File with the token of the devices of other machines [default: $GLEANER_TOKEN_FILE]
    #[arg(long, value_name = "FILE", help_heading = "Training")]
    token_file: Option<PathBuf>,
    /// CPU threads; 0 uses all
    #[arg(long, value_name = "N", help_heading = "Training")]
    threads: Option<i64>,
    /// Where noise is drawn: host (the same numbers on every device) or device (faster, the default on GPUs)
    #[arg(long, value_name = "WHERE", value_parser = ["host", "device"], help_heading = "Training")]
    noise: Option<String>,
    /// Check every term after every step and report the first one that is not a number (slower)
    #[arg(long, help_heading = "Training")]
    validate: bool,
    /// Change any setting of the recipe, for example train.clip-norm=10
    #[arg(long, value_name = "KEY.PATH=VALUE")]
    set: Vec<String>,
    /// Folder of the run [default: runs/DATA-MODEL-seedN]
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    out: Option<PathBuf>,
    /// Continue an interrupted run with its own settings; only --device and --threads may be others
    #[arg(long, value_name = "DIR", conflicts_with = "recipe")]
    resume: Option<PathBuf>,
}

impl Args {
    fn flags(&self) -> Result<Table> {
        let mut flags = self.columns.flags()?;
        let mut set = |path: &str, value: Option<toml::Value>| {
            if let Some(value) = value {
                merge(&mut flags, nested(path, value));
            }
        };
        set("data.name", self.data.clone().map(Into::into));
        set("data.dir", absolute(self.data_dir.as_deref())?);
        if let Some(features) = absolute(self.features.as_deref())? {
            set("data.features", Some(features));
            // Features are no bits, and of any size.
            set("data.standardise", Some(true.into()));
            set("model.likelihood", Some("gaussian".into()));
            set("objective.classifier-shift", Some(0.into()));
        }
        set("data.labels-per-class", self.labels_per_class.map(Into::into));
        let labels = self.labels.as_deref().map(|labels| match labels {
            "all" => Ok(labels.into()),
            number => number
                .parse::<i64>()
                .map(Into::into)
                .map_err(|_| anyhow!("--labels {number}: give a number, or all")),
        });
        set("data.labels", labels.transpose()?);
        set("data.test-share", self.test_share.map(Into::into));
        set("data.folds", self.folds.map(Into::into));
        // What is left open is chosen once the data are known.
        set("model.kind", self.model.clone().filter(|model| model != AUTO).map(Into::into));
        set("objective.marginalize", self.marginalize.map(|m| m.to_string().into()));
        if self.mier {
            set("objective.mier.beta", Some(self.mier_beta.unwrap_or(5.0).into()));
            set("objective.mier.gamma", Some(self.mier_gamma.unwrap_or(1.0).into()));
        }
        if let Some(step) = self.augment_at {
            set("augment.at", Some(step.into()));
            set("augment.pool", Some(self.augment_pool.unwrap_or(10_000).into()));
            set("augment.max-entropy", self.max_entropy.map(Into::into));
            set("augment.keep-agreeing", Some(self.keep_agreeing.into()));
            set("augment.coreset", self.coreset.map(Into::into));
            // What taught another classifier most, or as much as any other: docs/results/choosing.md.
            let usual = if self.coreset_space.is_some() { "craig" } else { "random" };
            set("augment.method", Some(self.coreset_method.as_deref().unwrap_or(usual).into()));
            set("augment.space", self.coreset_space.clone().map(Into::into));
            set("augment.every", Some(self.augment_every.unwrap_or(10_000).into()));
            set("augment.weight", Some(self.augment_weight.unwrap_or(0.1).into()));
            set("augment.pseudo-label", Some(self.pseudo_label.into()));
        }
        set("objective.latent-ebm.implicit-augmentation", self.implicit_augment.map(Into::into));
        set("train.epochs", self.epochs.map(Into::into));
        set("train.steps", self.steps.map(Into::into));
        set("train.batch-size", self.batch_size.map(Into::into));
        set("train.lr", self.lr.map(Into::into));
        set("train.seed", self.seed.map(Into::into));
        set("train.device", self.device.clone().map(Into::into));
        set("train.threads", self.threads.map(Into::into));
        set("train.noise", self.noise.clone().map(Into::into));
        Ok(flags)
    }
}

/// Continues a run.
fn resume(args: &Args, path: &Path, out: &Output) -> Result<()> {
    let flags = args.flags()?;
    let of_machine =
        |(path, _): &(String, _)| matches!(path.as_str(), "train.device" | "train.threads");
    if !flat(&flags).iter().all(of_machine) || !args.set.is_empty() {
        bail!(
            "--resume continues a run with its own settings, but for --device and --threads; to change others, start a new run from {}",
            path.join("config.toml").display()
        );
    }
    let threads = args.threads.map(usize::try_from).transpose().context("--threads")?;
    let machine = Machine { device: args.device.clone(), threads };
    let dir = RunDir::reopen(path)?;
    let session = Session::resume(&dir, &machine)?.validating(args.validate);
    train(&session, &dir, &Interrupt::install()?, &figures::draw)?.show(&dir, out)
}

/// Trains, or continues.
///
/// # Errors
/// If the settings, the data, the device or the disk do not allow it.
pub fn run(args: &Args, out: &Output) -> Result<()> {
    args.token_file.iter().for_each(|path| remote::show_token_of(path));
    if let Some(path) = &args.resume {
        return resume(args, path, out);
    }
    let flags = args.flags()?;
    let mut draft = draft(args.recipe.as_deref(), flags, &args.set)?;
    let asks_auto = args.model.as_deref() == Some(AUTO);
    if asks_auto {
        draft.leave_model_open();
    }
    if let Some(path) = &args.out {
        // Before the data are read, which may take long.
        RunDir::ensure_free(path)?;
    }
    let (recipe, source) = settle(&draft)?;
    let says_why = asks_auto || matches!(source, Source::Own(_)) && draft.leaves_model_open();
    if let (true, Some(why)) = (says_why, why_not_compared(&source, &draft, &recipe)) {
        eprintln!(
            "{AUTO}: methods are not compared, and {} is trained: {why}",
            recipe.model.kind()
        );
    }
    let session = Session::of(Arc::new(source), recipe)?.validating(args.validate);
    for line in session.profile()?.iter().flat_map(Profile::lines) {
        eprintln!("{line}");
    }
    let dir = match &args.out {
        Some(path) => RunDir::create(path)?,
        None => RunDir::create_named(&session.name())?,
    };
    session.begin(&dir)?;
    train(&session, &dir, &Interrupt::install()?, &figures::draw)?.show(&dir, out)
}
