//! What a visitor leaves with: the model, predictions, and the folder of a run that the command line goes on with.

use std::io::{Cursor, Read as _, Write as _};

use burn::tensor::Device;
use gleaner_core::checkpoint::Checkpoint;
use gleaner_core::data::formats::csv_out::write_csv;
use gleaner_core::error::{Error, Result};
use gleaner_core::infer;
use gleaner_core::measures::eval::{arg_max, entropy_of_logits, probabilities};
use gleaner_core::models::Model;
use gleaner_core::problem::TrainedOn;
use gleaner_core::recipe::Recipe;
use serde_json::Value;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::file::File;
use crate::training::Training;

/// Files of a run's folder, as the command line calls them.
const CONFIG: &str = "config.toml";
const DATA: &str = "data.json";
const PROFILE: &str = "profile.json";
const METRICS: &str = "metrics.jsonl";
const MODEL: &str = "model.safetensors";
const STATE: &str = "state/state.safetensors";

impl File {
    /// That no other file of a run has its name.
    ///
    /// # Errors
    /// If one has.
    pub(crate) fn check_name(&self) -> Result<()> {
        match [CONFIG, DATA, PROFILE, METRICS, MODEL].contains(&&self.name[..]) {
            false => Ok(()),
            true => Err(Error::Settings(format!(
                "{}: a run keeps a file of its own under this name; rename yours",
                self.name
            ))),
        }
    }
}

/// Bytes that a file of a run may have when it is unpacked.
const ROOM: u64 = 1 << 30;

impl Training {
    /// The bytes of `model.safetensors`: the best model so far, as `gleaner train` chooses it, or the one as it is now before the end of
    /// the first epoch.
    ///
    /// # Errors
    /// If the device fails.
    pub async fn model(&self) -> Result<Vec<u8>> {
        self.checkpoint(&self.chosen().await?).await
    }

    /// The best model so far, or the one as it is now.
    async fn chosen(&self) -> Result<Model> {
        match &self.best {
            Some(model) => Ok(model.clone()),
            None => Ok(self.course.measured(&self.outline.problem).await?.0),
        }
    }

    async fn checkpoint(&self, model: &Model) -> Result<Vec<u8>> {
        let parameters = infer::parameters(model).await?;
        let data = Some(self.outline.problem.schema.clone());
        Checkpoint { config: self.outline.config.clone(), data, parameters }.to_bytes()
    }

    /// What the folder is called.
    pub fn name(&self) -> String {
        let Self { outline, .. } = self;
        let seed = outline.recipe.train.seed;
        format!("{}-{}-seed{seed}", self.file.stem(), outline.config.name())
    }

    /// The folder of the run with its data in it, as a ZIP: `gleaner train --resume` goes on with it, and so does a page.
    ///
    /// # Errors
    /// If the device fails.
    pub async fn run(&self) -> Result<Vec<u8>> {
        let own = self.own()?;
        let trained_on =
            TrainedOn::of(own.profile.source.clone(), &[&own.raw], &own.schema.classes);
        let profile = self.source.profile(&self.outline.recipe)?;
        let mut lines = String::new();
        for line in &self.lines {
            lines += &(Value::Object(line.clone()).to_string() + "\n");
        }
        let mut files = vec![
            (CONFIG, self.outline.recipe.to_toml()?.into_bytes()),
            (DATA, json(&trained_on)?),
            (PROFILE, json(&profile)?),
            (METRICS, lines.into_bytes()),
            (STATE, self.course.state().await?),
            (&self.file.name, self.file.bytes.clone()),
        ];
        if let Some(best) = &self.best {
            files.push((MODEL, self.checkpoint(best).await?));
        }
        packed(&self.name(), &files)
    }

    /// A run from its folder as [`Training::run`] packs it, where it was left.
    ///
    /// # Errors
    /// If a file is missing or damaged, or they do not belong together.
    pub fn resume(bytes: &[u8], device: &Device) -> Result<Self> {
        let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
        let config = text(unpacked(&mut archive, CONFIG)?)?;
        let recipe = Recipe::of_run(&config, CONFIG)?;
        let name = recipe.data.name.clone();
        let file = File { bytes: unpacked(&mut archive, &name)?, name };
        let own = file.read(&recipe.data)?;
        let state = unpacked(&mut archive, STATE)?;
        let mut run = Self::begin(file, own, recipe, device, Some(&state))?;
        let lines = text(unpacked(&mut archive, METRICS)?)?;
        let lines: std::result::Result<Vec<_>, _> =
            lines.lines().map(serde_json::from_str).collect();
        run.lines = lines.map_err(|e| Error::Settings(format!("{METRICS}: {e}")))?;
        run.lines.truncate(run.course.lines());
        if names(&archive).iter().any(|name| name.ends_with(MODEL)) {
            let model = Checkpoint::from_bytes(&unpacked(&mut archive, MODEL)?)?;
            if model.config != run.outline.config {
                return Err(broken(format!("{MODEL} is of another model than {CONFIG} says")));
            }
            run.best = Some(model.build(device)?);
        }
        Ok(run)
    }

    /// Classes and probabilities by [`Training::model`], as a table: of the rows of the file that was trained on, or of another one with
    /// the same columns. It is the table of `gleaner predict`.
    ///
    /// # Errors
    /// If the file does not fit the model, or the device fails.
    pub async fn predictions(&self, other: Option<&File>) -> Result<Vec<u8>> {
        let schema = &self.outline.problem.schema;
        let raw = match other {
            Some(file) => file.more_of(schema)?,
            None => self.own()?.raw.clone(),
        };
        let examples = schema.scaling.apply(&raw);
        let rows: Vec<usize> = (0..examples.len()).collect();
        let logits = infer::classify(&self.chosen().await?, &examples, &rows, &self.device).await?;
        let header = ["index", "class", "entropy"].map(str::to_owned).into_iter();
        let header: Vec<String> =
            header.chain(schema.classes.iter().map(|class| format!("p_{class}"))).collect();
        let cells = logits.chunks_exact(schema.classes.len()).enumerate().map(|(row, logits)| {
            let class = schema.classes[arg_max(logits)].clone();
            let entropy = format!("{:.6e}", entropy_of_logits(logits));
            let shares = probabilities(logits).into_iter().map(|share| format!("{share:.6e}"));
            [row.to_string(), class, entropy].into_iter().chain(shares).collect()
        });
        write_csv(&header, cells)
    }
}

fn json(value: &impl serde::Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec_pretty(value)
        .map_err(|e| Error::Settings(format!("the run cannot be written down: {e}")))
}

fn text(bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|_| {
        Error::Settings(
            "the run is damaged: a file of text holds other bytes; save the run again".to_owned(),
        )
    })
}

fn broken(error: impl std::fmt::Display) -> Error {
    Error::Settings(format!(
        "this is not a run that was kept ({error}); give the ZIP file that the page made"
    ))
}

/// Files in a folder, as a ZIP. A page keeps it every few seconds, so nothing is compressed.
fn packed(folder: &str, files: &[(&str, Vec<u8>)]) -> Result<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let failed =
        |e: &dyn std::fmt::Display| Error::Settings(format!("the run cannot be packed: {e}"));
    for (name, bytes) in files {
        let path = format!("{folder}/{name}");
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        archive.start_file(path, options).map_err(|e| failed(&e))?;
        archive.write_all(bytes).map_err(|e| failed(&e))?;
    }
    Ok(archive.finish().map_err(|e| failed(&e))?.into_inner())
}

/// Names of the files in a ZIP; those that are no text are left out.
fn names(archive: &ZipArchive<Cursor<&[u8]>>) -> Vec<String> {
    archive.file_names().filter_map(|name| Some(name.ok()?.into_owned())).collect()
}

/// A file of the only folder in a ZIP.
fn unpacked(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str) -> Result<Vec<u8>> {
    let is_it = |path: &String| path.split_once('/').is_some_and(|(_, inner)| inner == name);
    let path = names(archive).into_iter().find(is_it);
    let path = path.ok_or_else(|| broken(format!("{name} is missing")))?;
    let file = archive.by_name(&path).map_err(broken)?;
    let mut bytes = Vec::new();
    file.take(ROOM).read_to_end(&mut bytes).map_err(broken)?;
    Ok(bytes)
}
