//! What the page is answered: plain objects and typed arrays. What it asks for, see [`asked`](crate::asked).

use js_sys::{Float32Array, Float64Array, Int32Array, Object, Reflect, Uint8Array};
use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::{JsError, JsValue};

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

/// A value of serde's as plain objects, arrays, numbers and texts.
///
/// # Errors
/// If the browser is out of memory.
pub fn plain(value: &impl Serialize) -> Result<JsValue, JsError> {
    Ok(value.serialize(&Serializer::json_compatible())?)
}
