//! A run for JavaScript.

use gleaner_border::asked::{argument, bytes_of, known_fields, numbers, options, whole_numbers};
use gleaner_border::backend::{self, Opened, Request};
use gleaner_border::exchange::{bytes, floats, indices, integers, object, plain};
use gleaner_core::data::formats::digits::digits_of;
use gleaner_core::data::toy::{Points, Toy};
use gleaner_core::data::{Dataset, Examples, Values};
use gleaner_core::models::Generative as _;
use gleaner_core::noise::Noise;
use gleaner_core::problem::Problem;
use js_sys::{Date, Object, Reflect};
use serde_json::Map;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsError, JsValue};

use crate::asked::{
    MadeOf, PlaneAsked, SamplesAsked, ToyAsked, WalkAsked, data_of, file_of, grid_of, sample_count,
    settings_of,
};
use crate::energy::Moves;
use crate::file::{File, Rows};
use crate::look::{Grid, Score};
use crate::settings::settle;
use crate::training::Training;

/// Cells of the grid of `log p(x)`, at most: contours need fewer than regions.
const DENSITY_CELLS: usize = 32;

/// Points of a toy set, at most: more were a slip of the keys, and would fill the memory.
const MOST_POINTS: usize = 1_000_000;

/// A run.
#[wasm_bindgen]
pub struct Trainer {
    run: Training,
    made_of: Option<MadeOf>,
    /// Where it computes.
    place: Opened,
}

#[expect(clippy::needless_pass_by_value, reason = "what JavaScript passes is handed over")]
#[wasm_bindgen]
impl Trainer {
    /// Points of a toy set: `{ x, y, given, heldX, heldY, classes }`; of `given`, all but some of the classes are hidden as -1.
    ///
    /// # Errors
    /// If there is no such set, or not as many labels.
    #[wasm_bindgen(unchecked_return_type = "object")]
    pub fn toy(
        #[wasm_bindgen(unchecked_param_type = "object")] asked: JsValue,
    ) -> Result<JsValue, JsError> {
        let asked: ToyAsked = options("toy", &asked)?;
        let all = asked.count.count().saturating_add(asked.held_out.count());
        if all > MOST_POINTS {
            let rule =
                format!("toy: {all} points are too many for a page; ask for {MOST_POINTS} at most");
            return Err(JsError::new(&rule));
        }
        let toy: Toy = asked.kind.parse()?;
        let noise = Noise::new(u64::from(asked.seed.0)).split("toy");
        let points = toy.draw(asked.count.count(), asked.noise, &noise);
        let held = toy.draw(asked.held_out.count(), asked.noise, &noise.split("held out"));
        let given = points.given(asked.labels.count(), toy.classes(), &noise)?;
        let Points { x, y } = points;
        Ok(object(&[
            ("x", floats(&x)),
            ("y", integers(&y)),
            ("given", integers(&given)),
            ("heldX", floats(&held.x)),
            ("heldY", integers(&held.y)),
            ("classes", toy.classes().into()),
        ]))
    }

    /// The digits of 8 x 8 pixels, in the two files that the core has of them: `{ x, y, shape, heldX, heldY }`. They lie beside the
    /// program, which most visitors start without them.
    ///
    /// # Errors
    /// If they are other files, or damaged.
    #[wasm_bindgen(unchecked_return_type = "object")]
    pub fn digits(
        #[wasm_bindgen(unchecked_param_type = "{ images: Uint8Array, labels: Uint8Array }")]
        asked: JsValue,
    ) -> Result<JsValue, JsError> {
        let [images, labels] = known_fields("digits", &asked, ["images", "labels"])?;
        let images = bytes_of("digits: images", &images)?;
        let Dataset { train, test, .. } =
            digits_of(&images, &bytes_of("digits: labels", &labels)?)?;
        let values = |examples: &Examples| {
            floats(&examples.gather(&(0..examples.len()).collect::<Vec<_>>()))
        };
        Ok(object(&[
            ("x", values(&train)),
            ("y", integers(&train.labels)),
            ("shape", indices(&train.shape)),
            ("heldX", values(&test)),
            ("heldY", integers(&test.labels)),
        ]))
    }

    /// The pictures in a file of arrays: `{ x, y, shape, heldX, heldY, names }`, with bytes as they are.
    ///
    /// # Errors
    /// If it cannot be read, has no test split, or has a validation split.
    #[wasm_bindgen(unchecked_return_type = "object")]
    pub fn pictures(
        #[wasm_bindgen(unchecked_param_type = "{ name: string, bytes: Uint8Array }")]
        asked: JsValue,
    ) -> Result<JsValue, JsError> {
        let [name, content] = known_fields("pictures", &asked, ["name", "bytes"])?;
        let file = file_of("pictures", &name, &content)?;
        let (_, own) = settle(&file, &Map::new())?;
        let (Some(test), true) = (&own.rows.test, own.rows.validation.is_empty()) else {
            return Err(JsError::new(&format!(
                "{}: the page wants pictures in two parts, for training and for testing; save x, y, x_test and y_test",
                file.name
            )));
        };
        let part = |rows: &[usize]| match own.raw.select(rows).values {
            Values::U8(pixels) => bytes(&pixels),
            Values::F32(numbers) => floats(&numbers),
            Values::Counts(_) => JsValue::UNDEFINED,
        };
        let labels = |rows: &[usize]| {
            integers(&rows.iter().map(|&row| own.raw.labels[row]).collect::<Vec<_>>())
        };
        Ok(object(&[
            ("x", part(&own.rows.train)),
            ("y", labels(&own.rows.train)),
            ("shape", indices(&own.raw.shape)),
            ("heldX", part(test)),
            ("heldY", labels(test)),
            ("names", plain(&own.schema.classes)?),
        ]))
    }

    /// What is seen in a file: `{ text, profile, classes, features, rows, labelled, unlabelled, notes }`.
    ///
    /// # Errors
    /// If it cannot be read.
    #[wasm_bindgen(unchecked_return_type = "object")]
    pub fn profile(
        #[wasm_bindgen(
            unchecked_param_type = "{ name: string, bytes: Uint8Array, settings?: object }"
        )]
        asked: JsValue,
    ) -> Result<JsValue, JsError> {
        let [name, content, settings] =
            known_fields("profile", &asked, ["name", "bytes", "settings"])?;
        let file = file_of("profile", &name, &content)?;
        let settings = settings_of("profile", &settings)?;
        let (recipe, own) = settle(&file, &settings)?;
        let source = gleaner_core::problem::Source::Own(Box::new(own.clone()));
        let profile = source.profile(&recipe)?.unwrap_or_default();
        let labelled = own.raw.labels.iter().filter(|&&label| label >= 0).count();
        let names: Vec<&str> =
            profile.features.iter().map(|feature| feature.name.as_str()).collect();
        Ok(object(&[
            ("text", profile.lines().join("\n").into()),
            ("profile", plain(&profile)?),
            ("classes", plain(&own.schema.classes)?),
            ("features", plain(&names)?),
            ("rows", own.raw.len().into()),
            ("labelled", labelled.into()),
            ("unlabelled", (own.raw.len() - labelled).into()),
            ("notes", plain(&profile.notes)?),
        ]))
    }

    /// A run before its first step, from `{ data, settings }`, or where it was left, from `{ state, data, settings }`: `state` is what
    /// [`Trainer::run`] gave, `data` may have other labels, and `settings` other weights of the objective. `data` is a file, `{ name, bytes }`, or examples that one is made of, `{ name, x, shape, given, heldX, heldY }`. With `on`, it says where to
    /// compute: `"cpu"` unless it says `"webgpu"`, or `"auto"` for the first where the browser has it, else the second.
    ///
    /// # Errors
    /// If the settings do not fit the data, or `"webgpu"` is not to be had.
    pub async fn create(
        #[wasm_bindgen(unchecked_param_type = "object")] asked: JsValue,
    ) -> Result<Trainer, JsError> {
        let [data, settings, state, on] =
            known_fields("create", &asked, ["data", "settings", "state", "on"])?;
        let place = place_of(&on).await?;
        let settings = settings_of("create", &settings)?;
        if !state.is_undefined() {
            let mut run = Training::resume(&bytes_of("create: state", &state)?, &place.device)?;
            // What was asked for since the run was kept is not forgotten.
            let mut made_of = None;
            if !data.is_undefined() {
                let (file, examples) = data_of(&data)?;
                if file != run.file {
                    run.relabel(file)?;
                }
                made_of = examples;
            }
            run.change(&settings)?;
            return Ok(Self { run, made_of, place });
        }
        let (file, made_of) = data_of(&data)?;
        Ok(Self { run: Training::new(file, &settings, &place.device)?, made_of, place })
    }

    /// What a page needs to know: `{ model, classes, names, columns, shape, features, rows, labelled, pool, step, steps, stepsPerEpoch,
    /// baselineSteps, baselineStep, parameters, latent, settings, name, file, held, white, backend, reason }`; `white` is the largest value of
    /// a pixel, `backend` is `"webgpu"` or `"cpu"`, and `reason` says why `"auto"` fell back to the CPU.
    ///
    /// # Errors
    /// Never, unless the browser is out of memory.
    #[wasm_bindgen(unchecked_return_type = "object")]
    pub async fn describe(&self) -> Result<JsValue, JsError> {
        let run = &self.run;
        let Problem { schema, data, .. } = &*run.outline.problem;
        let model = run.now();
        let parameters = run.outline.config.parameters(&run.device)?;
        let described = object(&[
            ("model", run.outline.config.name().into()),
            ("classes", schema.classes.len().into()),
            ("names", plain(&schema.classes)?),
            ("columns", plain(&schema.number_names().unwrap_or_default())?),
            ("shape", indices(run.shape())),
            ("white", run.white().into()),
            ("held", data.test.len().into()),
            ("features", data.train.features().into()),
            ("rows", data.train.len().into()),
            ("parameters", (parameters as f64).into()),
            ("latent", model.latent().into()),
            ("settings", run.outline.recipe.to_toml()?.into()),
            ("name", run.name().into()),
            ("file", run.file.name.clone().into()),
            ("backend", self.place.backend.to_string().into()),
            ("reason", self.place.fallback_reason.clone().into()),
        ]);
        for (name, number) in run.described() {
            put(&described, name, &(number as f64).into());
        }
        Ok(described)
    }

    /// Trains both networks for some milliseconds, at least a step: `{ step, epoch, done, steps, baselineStep, rate, terms, lines, notes }`.
    ///
    /// # Errors
    /// If the device fails, or the run keeps diverging.
    #[wasm_bindgen(unchecked_return_type = "object")]
    pub async fn advance(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "number")] milliseconds: JsValue,
    ) -> Result<JsValue, JsError> {
        let milliseconds: f64 = argument("advance", "milliseconds", &milliseconds)?;
        let until = Date::now() + milliseconds;
        let advanced = self.run.advance(&|| Date::now() < until).await?;
        let terms = Object::new();
        for (name, mean) in &advanced.terms {
            put(&terms, name, &(*mean).into());
        }
        let (step, _) = self.run.course.steps();
        Ok(object(&[
            ("step", (step as f64).into()),
            ("epoch", (self.run.lines.len() as f64).into()),
            ("done", self.run.is_done().into()),
            ("steps", (advanced.steps as f64).into()),
            ("baselineStep", (self.run.labels_only.steps() as f64).into()),
            ("rate", self.run.course.rate().into()),
            ("terms", terms.into()),
            ("lines", plain(&advanced.lines)?),
            ("notes", plain(&advanced.notes)?),
        ]))
    }

    /// What both networks make of the plane: `{ model, baseline, density, densityCells }`.
    ///
    /// # Errors
    /// If the examples are no points in the plane, or the device fails.
    #[wasm_bindgen(unchecked_return_type = "object")]
    pub async fn plane(
        &self,
        #[wasm_bindgen(unchecked_param_type = "object")] asked: JsValue,
    ) -> Result<JsValue, JsError> {
        let asked: PlaneAsked = options("plane", &asked)?;
        let grid = grid_of("plane", asked.frame, asked.cells)?;
        let coarse = Grid { cells: grid.cells.min(DENSITY_CELLS), ..grid };
        let (seen, density) = self.run.plane(grid, asked.density.then_some(coarse)).await?;
        let density = if density.is_empty() { JsValue::UNDEFINED } else { floats(&density) };
        Ok(object(&[
            ("model", floats(&seen.model)),
            ("baseline", floats(&seen.labels_only)),
            ("density", density),
            ("densityCells", coarse.cells.into()),
        ]))
    }

    /// Probabilities of the classes of examples in the units of the data: `{ model, baseline }`.
    ///
    /// # Errors
    /// If these are no such examples, or the device fails.
    #[wasm_bindgen(unchecked_return_type = "object")]
    pub async fn classify(
        &self,
        #[wasm_bindgen(unchecked_param_type = "{ x: Float32Array }")] asked: JsValue,
    ) -> Result<JsValue, JsError> {
        let [x] = known_fields("classify", &asked, ["x"])?;
        let seen = self.run.classify(numbers("classify: x", &x)?).await?;
        Ok(object(&[("model", floats(&seen.model)), ("baseline", floats(&seen.labels_only))]))
    }

    /// The rows of the file in its order: `{ x, y, held }`. `x` are their numbers in the units of the data, pixels as bytes; `y` a class
    /// for each, or -1; `held` the numbers of those that are held out.
    ///
    /// # Errors
    /// Never, unless the browser is out of memory.
    #[wasm_bindgen(unchecked_return_type = "object")]
    pub async fn rows(&self) -> Result<JsValue, JsError> {
        let own = self.run.own()?;
        let x = match &own.raw.values {
            Values::U8(pixels) => bytes(pixels),
            Values::F32(values) => floats(values),
            Values::Counts(_) => JsValue::UNDEFINED,
        };
        let mut trained_on = vec![false; own.raw.len()];
        for &row in self.run.outline.problem.places.iter().flat_map(|places| &places.rows) {
            trained_on[row] = true;
        }
        let held: Vec<usize> = (0..own.raw.len()).filter(|&row| !trained_on[row]).collect();
        Ok(object(&[("x", x), ("y", integers(&own.raw.labels)), ("held", indices(&held))]))
    }

    /// Probabilities of the classes of every row of the file, in its order: `{ model, baseline }`.
    ///
    /// # Errors
    /// If the device fails.
    #[wasm_bindgen(unchecked_return_type = "object")]
    pub async fn answers(&self) -> Result<JsValue, JsError> {
        let seen = self.run.answers().await?;
        Ok(object(&[("model", floats(&seen.model)), ("baseline", floats(&seen.labels_only))]))
    }

    /// How both do on examples with their classes, or on the test split of the data: `{ model, baseline }`, each `{ right, count,
    /// accuracy, entropy, information }`.
    ///
    /// # Errors
    /// If classes and examples do not match, or the device fails.
    #[wasm_bindgen(unchecked_return_type = "object")]
    pub async fn score(
        &self,
        #[wasm_bindgen(unchecked_optional_param_type = "{ x: Float32Array, y: Int32Array }")]
        asked: JsValue,
    ) -> Result<JsValue, JsError> {
        if asked.is_undefined() {
            let [model, baseline] = self.run.score_held_out().await?;
            return Ok(object(&[("model", scored(model)), ("baseline", scored(baseline))]));
        }
        let [x, y] = known_fields("score", &asked, ["x", "y"])?;
        let classes = self.run.outline.problem.classes();
        let y = gleaner_border::asked::labels("score: y", &y, classes)?;
        let [model, baseline] = self.run.score(numbers("score: x", &x)?, &y).await?;
        Ok(object(&[("model", scored(model)), ("baseline", scored(baseline))]))
    }

    /// Samples of every class, class by class, in the units of the data: `{ x, y }`.
    ///
    /// # Errors
    /// If chains diverged, or the device fails.
    #[wasm_bindgen(unchecked_return_type = "object")]
    pub async fn samples(
        &self,
        #[wasm_bindgen(unchecked_param_type = "object")] asked: JsValue,
    ) -> Result<JsValue, JsError> {
        let asked: SamplesAsked = options("samples", &asked)?;
        let per_class = sample_count("samples: perClass", asked.per_class)?;
        let x = self.run.samples(per_class, u64::from(asked.seed.0)).await?;
        let classes = 0..self.run.outline.problem.classes();
        let y: Vec<usize> =
            classes.flat_map(|class| std::iter::repeat_n(class, per_class)).collect();
        Ok(object(&[("x", floats(&x)), ("y", indices(&y))]))
    }

    /// `-log p(z)` but for a constant over the plane of `z`: `{ energy }`.
    ///
    /// # Errors
    /// If the model has no energy of two dimensions.
    #[wasm_bindgen(unchecked_return_type = "object")]
    pub async fn energy(
        &self,
        #[wasm_bindgen(unchecked_param_type = "object")] asked: JsValue,
    ) -> Result<JsValue, JsError> {
        let asked: PlaneAsked = options("energy", &asked)?;
        let energy = self.run.energy(grid_of("energy", asked.frame, asked.cells)?).await?;
        Ok(object(&[("energy", floats(&energy))]))
    }

    /// Moves particles in the energy: `{ z, x, y }`.
    ///
    /// # Errors
    /// If the model has no energy, or the particles diverged.
    #[wasm_bindgen(unchecked_return_type = "object")]
    pub async fn walk(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "object")] asked: JsValue,
    ) -> Result<JsValue, JsError> {
        let asked: WalkAsked = options("walk", &asked)?;
        let classes = self.run.outline.problem.classes();
        let per_class = (sample_count("walk: count", asked.count)? / classes).max(1);
        let places = self
            .run
            .walk(Moves {
                per_class,
                steps: asked.steps.count(),
                step_size: asked.step_size,
                temperature: asked.temperature,
                restart: asked.restart,
            })
            .await?;
        Ok(object(&[("z", floats(&places.z)), ("x", floats(&places.x)), ("y", indices(&places.y))]))
    }

    /// Goes on with other weights of the objective.
    ///
    /// # Errors
    /// If a setting is none of the objective's, or none that a run can have.
    #[wasm_bindgen(unchecked_return_type = "object")]
    pub async fn change(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "object")] settings: JsValue,
    ) -> Result<JsValue, JsError> {
        self.run.change(&settings_of("change", &settings)?)?;
        self.describe().await
    }

    /// Goes on with other labels of the same examples: a class for each, or -1.
    ///
    /// # Errors
    /// If the run is on a file, there are not as many labels as examples, or a class has lost its labels.
    #[wasm_bindgen(unchecked_return_type = "object")]
    pub async fn relabel(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "Int32Array")] given: JsValue,
    ) -> Result<JsValue, JsError> {
        let Some(made_of) = &self.made_of else {
            return Err(JsError::new(
                "relabel: the labels of a file are in the file: change them there, and open it again",
            ));
        };
        let train =
            Rows { y: whole_numbers("relabel: given", &given)?, x: made_of.train.x.clone() };
        let made_of = MadeOf { train, ..made_of.clone() };
        self.run.relabel(made_of.file()?)?;
        self.made_of = Some(made_of);
        self.describe().await
    }

    /// The bytes of `model.safetensors`.
    ///
    /// # Errors
    /// If the device fails.
    #[wasm_bindgen(unchecked_return_type = "Uint8Array")]
    pub async fn model(&self) -> Result<JsValue, JsError> {
        Ok(bytes(&self.run.model().await?))
    }

    /// The folder of the run as a ZIP, with its data: what the command line and [`Trainer::create`] go on with.
    ///
    /// # Errors
    /// If the device fails.
    #[wasm_bindgen(unchecked_return_type = "Uint8Array")]
    pub async fn run(&self) -> Result<JsValue, JsError> {
        Ok(bytes(&self.run.run().await?))
    }

    /// The file that is trained on: `{ name, bytes }`.
    ///
    /// # Errors
    /// Never, unless the browser is out of memory.
    #[wasm_bindgen(unchecked_return_type = "object")]
    pub async fn data(&self) -> Result<JsValue, JsError> {
        let File { name, bytes: content } = &self.run.file;
        Ok(object(&[("name", name.clone().into()), ("bytes", bytes(content))]))
    }

    /// Classes and probabilities as a table: of the file's own rows, or of another file's.
    ///
    /// # Errors
    /// If the other file does not fit the model, or the device fails.
    #[wasm_bindgen(unchecked_return_type = "Uint8Array")]
    pub async fn predictions(
        &self,
        #[wasm_bindgen(unchecked_optional_param_type = "{ name: string, bytes: Uint8Array }")]
        other: JsValue,
    ) -> Result<JsValue, JsError> {
        if other.is_undefined() {
            return Ok(bytes(&self.run.predictions(None).await?));
        }
        let [name, content] = known_fields("predictions", &other, ["name", "bytes"])?;
        let file = file_of("predictions", &name, &content)?;
        Ok(bytes(&self.run.predictions(Some(&file)).await?))
    }
}

/// The device that is asked for, opened.
async fn place_of(on: &JsValue) -> Result<Opened, JsError> {
    let failed = |error: String| JsError::new(&format!("create: on: {error}"));
    let request = match on.is_undefined() {
        true => Request::Cpu,
        false => argument::<String>("create", "on", on)?.parse().map_err(failed)?,
    };
    backend::open(request).await.map_err(|error| JsError::new(&error))
}

fn put(object: &JsValue, name: &str, value: &JsValue) {
    // Setting a field of an object that was just made cannot fail.
    let _ = Reflect::set(object, &name.into(), value);
}

fn scored(score: Score) -> JsValue {
    let Score { right, count, entropy, information } = score;
    object(&[
        ("right", right.into()),
        ("count", count.into()),
        ("accuracy", (right as f64 / count.max(1) as f64).into()),
        ("entropy", entropy.into()),
        ("information", information.into()),
    ])
}
