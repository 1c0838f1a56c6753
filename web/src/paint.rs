//! Samples as pictures that a page can show without computing: one bitmap with a tile for each.

use gleaner_core::tile::{Tile, pixels};
use js_sys::global;
use wasm_bindgen::{Clamped, JsCast as _, JsError, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{ImageBitmap, ImageData, WorkerGlobalScope};

/// The bitmap of some samples, made off the page's own thread; one may be sent there without a copy.
///
/// # Errors
/// If this is no worker, or the browser has no room for the bitmap.
pub async fn bitmap(x: &[f32], features: usize, tile: Tile) -> Result<ImageBitmap, JsError> {
    let (pixels, [width, height]) = pixels(x, features, tile);
    let refused = |error: JsValue| {
        let error = js_sys::Error::from(error).message();
        JsError::new(&format!("the browser refuses a {width} x {height} picture: {error}"))
    };
    let (width, height) = (width as u32, height as u32);
    let data = ImageData::new_with_u8_clamped_array_and_sh(Clamped(&pixels), width, height);
    let scope: WorkerGlobalScope = global().unchecked_into();
    let promise = scope.create_image_bitmap_with_image_data(&data.map_err(refused)?);
    let bitmap = JsFuture::from(promise.map_err(refused)?).await.map_err(refused)?;
    Ok(bitmap.unchecked_into())
}
