//! What a visitor leaves with: the arrays that the command line writes, too.

use gleaner_core::coreset::Pick;
use gleaner_core::data::formats::npy::NpyArray;
use gleaner_core::data::formats::npz::write_npz;
use gleaner_core::sample::SampleSet;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsError, JsValue};

use crate::asked::argument;
use crate::exchange::bytes;
use crate::session::Session;

#[wasm_bindgen]
impl Session {
    /// The bytes of an `.npz`: `"samples"` holds `x`, `y`, `z`, `logits`, `entropy` of all samples and `classes` where their names are known, `"kept"` those of what the filter kept,
    /// with `source_index`, and `"coreset"` those of what was chosen, with `index`, `gain` and `weight`: what `gleaner sample`, `filter` and
    /// `coreset` write one after the other.
    ///
    /// # Errors
    /// If there is nothing of that kind yet.
    #[wasm_bindgen(unchecked_return_type = "Uint8Array")]
    pub fn npz(
        &self,
        #[wasm_bindgen(unchecked_param_type = "'samples' | 'kept' | 'coreset'")] what: &JsValue,
    ) -> Result<JsValue, JsError> {
        let what: String = argument("npz", "what", what)?;
        let samples = self.samples()?;
        let source = |rows: &[usize]| {
            NpyArray::i64(&[rows.len()], rows.iter().map(|&row| row as i64).collect())
        };
        let arrays = match what.as_str() {
            "samples" => self.named((*samples).clone()),
            "kept" => {
                let kept = self.kept()?;
                let mut arrays = self.named(samples.pick(&kept));
                arrays.push(("source_index", source(&kept)));
                arrays
            }
            "coreset" => {
                let (kept, coreset) = (self.kept()?, self.made.borrow().coreset.clone());
                let coreset = coreset
                    .ok_or_else(|| JsError::new("nothing was chosen: call coreset first"))?;
                let picks = &coreset.picks;
                let index: Vec<usize> = picks.iter().map(|pick| pick.row).collect();
                let rows: Vec<usize> = index.iter().map(|&index| kept[index]).collect();
                let column = |of: fn(&Pick) -> f32| {
                    NpyArray::f32(&[picks.len()], picks.iter().map(of).collect())
                };
                let mut arrays = self.named(samples.pick(&rows));
                arrays.extend([
                    ("source_index", source(&rows)),
                    ("index", source(&index)),
                    ("gain", column(|pick| pick.gain as f32)),
                    ("weight", column(|pick| pick.weight as f32)),
                ]);
                arrays
            }
            _ => {
                let rule = "\"samples\", \"kept\" or \"coreset\"";
                return Err(JsError::new(&format!("npz: \"{what}\" is unknown, use {rule}")));
            }
        };
        Ok(bytes(&write_npz(&arrays)?))
    }
}

impl Session {
    /// The arrays of samples, with the names and in the units of the training data where the checkpoint has them.
    fn named(&self, samples: SampleSet) -> Vec<(&'static str, NpyArray)> {
        match &self.data {
            Some(data) => samples.into_named_arrays(data, false),
            None => samples.into_arrays(),
        }
    }
}
