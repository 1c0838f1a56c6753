//! What crosses the border between the page and the core: plain objects and typed arrays.

use js_sys::{Array, Float32Array, Float64Array, Int32Array, Object, Reflect, Uint8Array};
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsError, JsValue};

/// Reads a plain object, naming `what` it was in the error.
///
/// # Errors
/// If a field is missing, unknown or of the wrong type.
pub fn options<T: DeserializeOwned>(what: &str, value: JsValue) -> Result<T, JsError> {
    serde_wasm_bindgen::from_value(value).map_err(|error| JsError::new(&format!("{what}: {error}")))
}

/// One field of a plain object: `{ [name]: value }` with the value as it is.
///
/// # Errors
/// If `object` is no object or has no such field.
pub fn field(what: &str, object: &JsValue, name: &str) -> Result<JsValue, JsError> {
    match Reflect::get(object, &name.into()) {
        Ok(value) if !value.is_undefined() => Ok(value),
        _ => Err(JsError::new(&format!("{what}: missing field `{name}`"))),
    }
}

/// The numbers of an array or typed array.
///
/// # Errors
/// If the value is neither, or holds something that is no finite number.
pub fn numbers(what: &str, value: &JsValue) -> Result<Vec<f64>, JsError> {
    if !(Array::is_array(value) || js_sys::ArrayBuffer::is_view(value)) {
        return Err(JsError::new(&format!("{what}: expected an array of numbers")));
    }
    let array = Array::from(value);
    array
        .iter()
        .enumerate()
        .map(|(index, entry)| match entry.as_f64() {
            Some(number) if number.is_finite() => Ok(number),
            _ => Err(JsError::new(&format!("{what}: entry {index} is not a finite number"))),
        })
        .collect()
}

/// Class indices below `classes`.
///
/// # Errors
/// If the value is no array of such indices.
pub fn labels(what: &str, value: &JsValue, classes: usize) -> Result<Vec<usize>, JsError> {
    let check = |(index, number): (usize, f64)| {
        if number.fract() == 0.0 && (0.0..classes as f64).contains(&number) {
            return Ok(number as usize);
        }
        let rule = format!("entry {index} is {number}, but classes are 0 to {}", classes - 1);
        Err(JsError::new(&format!("{what}: {rule}")))
    };
    numbers(what, value)?.into_iter().enumerate().map(check).collect()
}

/// A plain object from its fields.
#[must_use]
pub fn object(fields: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (name, value) in fields {
        // Setting a field of an object that was just made cannot fail.
        let _ = Reflect::set(&object, &(*name).into(), value);
    }
    object.into()
}

/// A `Float32Array` of its own memory.
#[must_use]
pub fn floats(values: &[f32]) -> JsValue {
    Float32Array::from(values).into()
}

/// An `Int32Array` of class indices.
#[must_use]
pub fn indices(values: &[usize]) -> JsValue {
    let values: Vec<i32> = values.iter().map(|&value| value as i32).collect();
    Int32Array::from(values.as_slice()).into()
}

/// An `Int32Array` of labels.
#[must_use]
pub fn integers(values: &[i64]) -> JsValue {
    let values: Vec<i32> = values.iter().map(|&value| value as i32).collect();
    Int32Array::from(values.as_slice()).into()
}

/// A `Float64Array` of its own memory.
#[must_use]
pub fn doubles(values: &[f64]) -> JsValue {
    Float64Array::from(values).into()
}

/// A `Uint8Array` of its own memory.
#[must_use]
pub fn bytes(values: &[u8]) -> JsValue {
    Uint8Array::from(values).into()
}
