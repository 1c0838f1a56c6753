//! What JavaScript hands over: options of calls, and examples to make a file of.

use gleaner_border::asked::{
    Whole, argument, bytes_of, known_fields, numbers, options, whole_numbers,
};
use gleaner_core::data::Values;
use gleaner_core::error::Result as CoreResult;
use js_sys::Uint8Array;
use serde::Deserialize;
use serde_json::{Map, Value};
use wasm_bindgen::{JsCast as _, JsError, JsValue};

use crate::file::{File, Rows};
use crate::look::Grid;

/// Samples of a class, or particles, at most.
const MOST_SAMPLES: usize = 10_000;

/// Cells of a side, at most.
const MOST_CELLS: usize = 256;

/// Examples that a file is made of.
#[derive(Clone)]
pub(crate) struct MadeOf {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) train: Rows,
    pub(crate) test: Rows,
}

impl MadeOf {
    pub(crate) fn file(&self) -> CoreResult<File> {
        let Self { name, shape, train, test } = self;
        match shape.as_slice() {
            [2] => File::of_points(name, train, test),
            shape => File::of_pictures(name, shape, train, test),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct ToyAsked {
    pub(crate) kind: String,
    pub(crate) count: Whole,
    pub(crate) held_out: Whole,
    pub(crate) labels: Whole,
    pub(crate) noise: f32,
    pub(crate) seed: Whole,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct PlaneAsked {
    #[serde(rename = "box")]
    pub(crate) frame: [f32; 4],
    pub(crate) cells: Whole,
    #[serde(default)]
    pub(crate) density: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct SamplesAsked {
    pub(crate) per_class: Whole,
    pub(crate) seed: Whole,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct WalkAsked {
    pub(crate) count: Whole,
    pub(crate) steps: Whole,
    pub(crate) step_size: f64,
    pub(crate) temperature: f64,
    #[serde(default)]
    pub(crate) restart: bool,
}

/// How many samples are asked for by `what`, if a page has room for them.
pub(crate) fn sample_count(what: &str, asked: Whole) -> Result<usize, JsError> {
    match asked.count() {
        count @ 1..=MOST_SAMPLES => Ok(count),
        count => Err(JsError::new(&format!("{what} = {count} must be from 1 to {MOST_SAMPLES}"))),
    }
}

pub(crate) fn grid_of(what: &str, frame: [f32; 4], cells: Whole) -> Result<Grid, JsError> {
    match cells.count() {
        cells @ 1..=MOST_CELLS => Ok(Grid { frame, cells }),
        cells => {
            Err(JsError::new(&format!("{what}: cells = {cells} must be from 1 to {MOST_CELLS}")))
        }
    }
}

pub(crate) fn settings_of(what: &str, settings: &JsValue) -> Result<Map<String, Value>, JsError> {
    if settings.is_undefined() {
        return Ok(Map::new());
    }
    options(&format!("{what}: settings"), settings)
}

pub(crate) fn file_of(what: &str, name: &JsValue, content: &JsValue) -> Result<File, JsError> {
    Ok(File { name: argument(what, "name", name)?, bytes: bytes_of(what, content)? })
}

/// A file, or examples and the file that is made of them.
pub(crate) fn data_of(data: &JsValue) -> Result<(File, Option<MadeOf>), JsError> {
    let known = ["name", "bytes", "x", "shape", "given", "heldX", "heldY"];
    let [name, content, x, shape, given, held_x, held_y] = known_fields("data", data, known)?;
    if !content.is_undefined() {
        if !x.is_undefined() {
            return Err(JsError::new("data: give bytes, or x and what goes with it, not both"));
        }
        return Ok((file_of("data", &name, &content)?, None));
    }
    let rows = |[of_x, of_y]: [&str; 2], x: &JsValue, y: &JsValue| -> Result<Rows, JsError> {
        let name = |field: &str| format!("data: {field}");
        if x.is_undefined() && y.is_undefined() {
            return Ok(Rows::default());
        }
        let x = match x.is_instance_of::<Uint8Array>() {
            true => Values::U8(bytes_of(&name(of_x), x)?),
            false => Values::F32(numbers(&name(of_x), x)?),
        };
        Ok(Rows { x, y: whole_numbers(&name(of_y), y)? })
    };
    let shape = whole_numbers("data: shape", &shape)?;
    let made_of = MadeOf {
        name: argument("data", "name", &name)?,
        shape: shape.into_iter().map(|size| size.max(0) as usize).collect(),
        train: rows(["x", "given"], &x, &given)?,
        test: rows(["heldX", "heldY"], &held_x, &held_y)?,
    };
    Ok((made_of.file()?, Some(made_of)))
}
