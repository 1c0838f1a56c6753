//! What a page asks for: plain objects, numbers and names from JavaScript, checked before anything computes with them.
//!
//! Nothing here relies on a conversion: the language passes a number for 32 bits by cutting it off, an empty field as NaN, and a
//! misspelt option as one more field, for which a reader that asks for the fields it knows never looks. So what comes is first made a
//! [`Value`], an object by its own keys, and read from there.

use js_sys::{Array, ArrayBuffer, DataView, Float32Array, Reflect, Uint8Array};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Number, Value};
use wasm_bindgen::{JsCast as _, JsError, JsValue};

/// Objects and arrays within each other: nobody asks for more, and what holds itself never ends.
const DEEPEST: usize = 8;

/// The largest whole number that JavaScript counts to without gaps.
const LAST_WHOLE: f64 = 9_007_199_254_740_991.0;

/// A whole number that 32 bits hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "f64")]
pub struct Whole(pub u32);

impl TryFrom<f64> for Whole {
    type Error = String;

    fn try_from(number: f64) -> Result<Self, String> {
        if number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number) {
            return Ok(Self(number as u32));
        }
        Err(format!("{number} is no whole number from 0 to {}", u32::MAX))
    }
}

impl Whole {
    /// As a count or an index.
    #[must_use]
    pub fn count(self) -> usize {
        self.0 as usize
    }
}

/// Reads a plain object, naming `what` it was in the error, and the field.
///
/// # Errors
/// If it is none, or a field is missing, unknown, no finite number or of the wrong type.
pub fn options<T: DeserializeOwned>(what: &str, value: &JsValue) -> Result<T, JsError> {
    match plain(value, "", DEEPEST) {
        Ok(value @ Value::Object(_)) => read(what, value),
        Ok(_) => Err(JsError::new(&format!("{what}: expected an object with the options"))),
        Err(problem) => Err(JsError::new(&format!("{what}: {problem}"))),
    }
}

/// Reads a single value, such as a number or a name, that `what` takes under this name.
///
/// # Errors
/// If it is missing, no finite number or of the wrong type.
pub fn argument<T: DeserializeOwned>(
    what: &str,
    name: &str,
    value: &JsValue,
) -> Result<T, JsError> {
    let failed = |problem: String| JsError::new(&format!("{what}: {problem}"));
    let value = plain(value, name, DEEPEST).map_err(failed)?;
    serde_json::from_value(value).map_err(|error| failed(format!("{name}: {error}")))
}

fn read<T: DeserializeOwned>(what: &str, value: Value) -> Result<T, JsError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let (path, problem) = (error.path().to_string(), error.inner().to_string());
        // These name the field themselves.
        let named = ["missing field", "unknown field"];
        let is_named =
            [".", "?"].contains(&&*path) || named.iter().any(|start| problem.starts_with(start));
        let problem = if is_named { problem } else { format!("{path}: {problem}") };
        JsError::new(&format!("{what}: {problem}"))
    })
}

/// Reads an object, where serde would take a list of its values, too.
///
/// # Errors
/// If it is none, or not the one that was expected.
pub fn object_only<'de, T: DeserializeOwned, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    let fields = Map::deserialize(from)?;
    serde_json::from_value(Value::Object(fields)).map_err(D::Error::custom)
}

/// A value that JSON has, too. `path` is where it stands: empty, or such as `classes[2]`.
fn plain(value: &JsValue, path: &str, deeper: usize) -> Result<Value, String> {
    let place = if path.is_empty() { "the options" } else { path };
    let expected = |rule: &str| Err(format!("{place}: {rule}"));
    if value.is_null() || value.is_undefined() {
        return Ok(Value::Null);
    }
    if let Some(flag) = value.as_bool() {
        return Ok(Value::Bool(flag));
    }
    if let Some(text) = value.as_string() {
        return Ok(Value::String(text));
    }
    if let Some(number) = value.as_f64() {
        let whole = number.fract() == 0.0 && number.abs() <= LAST_WHOLE;
        let known = if whole { Some((number as i64).into()) } else { Number::from_f64(number) };
        let rule = || expected(&format!("{number} is no finite number"));
        return known.map(Value::Number).map_or_else(rule, Ok);
    }
    let Some(deeper) = deeper.checked_sub(1) else {
        return expected("objects lie too deep within each other");
    };
    if is_list(value) {
        let list = Array::from(value);
        let entries = list
            .iter()
            .enumerate()
            .map(|(index, entry)| plain(&entry, &format!("{path}[{index}]"), deeper));
        return entries.collect::<Result<_, _>>().map(Value::Array);
    }
    if !is_plain_object(value) {
        return expected("expected a number, a text, an array or a plain object");
    }
    let failed = |_| format!("{place}: its fields cannot be read");
    let mut fields = Map::new();
    for key in Reflect::own_keys(value).map_err(failed)? {
        let Some(name) = key.as_string() else {
            return expected("a field's name is no text");
        };
        let field = Reflect::get(value, &key).map_err(failed)?;
        // A field that is undefined is one that is not there.
        if !field.is_undefined() {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            fields.insert(name, plain(&field, &path, deeper)?);
        }
    }
    Ok(Value::Object(fields))
}

/// An array or a typed array.
fn is_list(value: &JsValue) -> bool {
    Array::is_array(value) || (ArrayBuffer::is_view(value) && !value.is_instance_of::<DataView>())
}

/// An object whose fields are all that it is: no `Map`, no `Date`, nothing of a class of its own.
fn is_plain_object(value: &JsValue) -> bool {
    let above = |value: &JsValue| Reflect::get_prototype_of(value).ok().map(JsValue::from);
    value.is_object()
        && above(value).is_some_and(|prototype| {
            prototype.is_null() || above(&prototype).is_some_and(|root| root.is_null())
        })
}

/// Fields of a plain object, as they are: for arrays of a checked kind.
///
/// # Errors
/// If `object` is none, lacks one of them, or has one that is not among `known`.
pub fn fields<const N: usize>(
    what: &str,
    object: &JsValue,
    known: [&str; N],
) -> Result<[JsValue; N], JsError> {
    let found = known_fields(what, object, known)?;
    match known.iter().zip(&found).find(|(_, value)| value.is_undefined()) {
        Some((name, _)) => Err(JsError::new(&format!("{what}: missing field `{name}`"))),
        None => Ok(found),
    }
}

/// The same where fields may be missing: they are undefined.
///
/// # Errors
/// If `object` is none, or has a field that is not among `known`.
pub fn known_fields<const N: usize>(
    what: &str,
    object: &JsValue,
    known: [&str; N],
) -> Result<[JsValue; N], JsError> {
    let failed = |problem: String| JsError::new(&format!("{what}: {problem}"));
    if !is_plain_object(object) {
        return Err(failed("expected an object with the options".into()));
    }
    let keys = Reflect::own_keys(object).unwrap_or_default();
    if let Some(key) = keys.iter().find(|key| !known.iter().any(|name| *key == **name)) {
        let key = key.as_string().unwrap_or_default();
        let known = known.map(|name| format!("`{name}`")).join(" and ");
        return Err(failed(format!("unknown field `{key}`, expected {known}")));
    }
    Ok(known.map(|name| Reflect::get(object, &name.into()).unwrap_or_default()))
}

/// The numbers of an array or typed array, in single precision.
///
/// # Errors
/// If the value is neither, or holds something that is no finite number there.
pub fn numbers(what: &str, value: &JsValue) -> Result<Vec<f32>, JsError> {
    if !is_list(value) {
        return Err(JsError::new(&format!("{what}: expected an array of numbers")));
    }
    if let Some(array) = value.dyn_ref::<Float32Array>() {
        let numbers = array.to_vec();
        return match numbers.iter().position(|number| !number.is_finite()) {
            None => Ok(numbers),
            Some(index) => Err(no_number(what, index)),
        };
    }
    if let Some(array) = value.dyn_ref::<Uint8Array>() {
        return Ok(array.to_vec().into_iter().map(f32::from).collect());
    }
    let number = |(index, entry): (usize, JsValue)| match entry.as_f64() {
        Some(number) if (number as f32).is_finite() => Ok(number as f32),
        _ => Err(no_number(what, index)),
    };
    Array::from(value).iter().enumerate().map(number).collect()
}

fn no_number(what: &str, index: usize) -> JsError {
    JsError::new(&format!("{what}: entry {index} is not a finite number of 32 bits"))
}

/// Whole numbers of an array or typed array, such as labels with -1.
///
/// # Errors
/// If the value is neither, or holds something else.
pub fn whole_numbers(what: &str, value: &JsValue) -> Result<Vec<i64>, JsError> {
    let whole = |(index, number): (usize, f32)| match number.fract() == 0.0 {
        true => Ok(number as i64),
        false => Err(JsError::new(&format!("{what}: entry {index} is {number}, no whole number"))),
    };
    numbers(what, value)?.into_iter().enumerate().map(whole).collect()
}

/// Class indices below `classes`.
///
/// # Errors
/// If the value is no array of such indices.
pub fn labels(what: &str, value: &JsValue, classes: usize) -> Result<Vec<usize>, JsError> {
    let check = |(index, number): (usize, f32)| {
        if number.fract() == 0.0 && (0.0..classes as f32).contains(&number) {
            return Ok(number as usize);
        }
        let rule = format!("entry {index} is {number}, but classes are 0 to {}", classes - 1);
        Err(JsError::new(&format!("{what}: {rule}")))
    };
    numbers(what, value)?.into_iter().enumerate().map(check).collect()
}

/// The bytes of a file.
///
/// # Errors
/// If the value is no `Uint8Array`.
pub fn bytes_of(what: &str, value: &JsValue) -> Result<Vec<u8>, JsError> {
    match value.dyn_ref::<Uint8Array>() {
        Some(bytes) => Ok(bytes.to_vec()),
        None => Err(JsError::new(&format!("{what}: expected a Uint8Array, the bytes of a file"))),
    }
}
