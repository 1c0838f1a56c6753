//! What a visitor leaves with: the arrays that the command line writes, too.

use gleaner_core::coreset::Pick;
use gleaner_core::data::formats::npy::NpyArray;
use gleaner_core::data::formats::npz::write_npz;
use gleaner_core::sample::SampleSet;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsError, JsValue};

use crate::layer::Layer;
use crate::session::Session;
use gleaner_border::asked::argument;
use gleaner_border::exchange::bytes;

/// The file that the command line would choose from, by the name that the page gives it.
const KEPT: &str = "kept.npz";

/// Arrays by name.
type Arrays = Vec<(&'static str, NpyArray)>;

#[wasm_bindgen]
impl Session {
    /// The bytes of an `.npz`: `"samples"` holds `x`, `y`, `z`, `logits`, `entropy` of all samples and `classes` where their names are
    /// known, `"kept"` those of what the filter kept, with `source_index`, and `"coreset"` those of what was chosen, with `index`,
    /// `gain`, `weight`, `source_files`, `source_file` and `source_row`: what `gleaner sample`, `filter` and `coreset` write one after
    /// the other, to `kept.npz` before the last. With `features`, the last hidden layer of the classifier is there, too, as
    /// `gleaner sample --features` writes it.
    ///
    /// # Errors
    /// If there is nothing of that kind yet, or the device fails.
    #[wasm_bindgen(unchecked_return_type = "Uint8Array")]
    pub async fn npz(
        &self,
        #[wasm_bindgen(unchecked_param_type = "'samples' | 'kept' | 'coreset'")] what: JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "boolean")] features: JsValue,
    ) -> Result<JsValue, JsError> {
        let what: String = argument("npz", "what", &what)?;
        let features: Option<bool> = argument("npz", "features", &features)?;
        let samples = self.samples()?;
        let (rows, more) = match what.as_str() {
            "samples" => ((0..samples.len()).collect(), Vec::new()),
            "kept" => {
                let kept = self.kept()?.to_vec();
                let source = whole(&kept);
                (kept, vec![("source_index", source)])
            }
            "coreset" => {
                let (kept, coreset) = (self.kept()?, self.made.borrow().coreset.clone());
                let coreset = coreset
                    .ok_or_else(|| JsError::new("nothing was chosen: call coreset first"))?;
                chosen(&coreset.picks, &kept)
            }
            _ => {
                let rule = "\"samples\", \"kept\" or \"coreset\"";
                return Err(JsError::new(&format!("npz: \"{what}\" is unknown, use {rule}")));
            }
        };
        let mut arrays = self.named(samples.pick(&rows));
        if features.unwrap_or(false) {
            let Layer { values, width } = self.judged_by(&samples).await?.pick(&rows);
            arrays.push(("features", NpyArray::f32(&[rows.len(), width], values)));
        }
        arrays.extend(more);
        Ok(bytes(&write_npz(&arrays)?))
    }
}

impl Session {
    /// The arrays of samples, with the names and in the units of the training data where the checkpoint has them.
    fn named(&self, samples: SampleSet) -> Arrays {
        match &self.data {
            Some(data) => samples.into_named_arrays(data, false),
            None => samples.into_arrays(),
        }
    }
}

/// The rows that were chosen, and what is known of each beside its sample.
fn chosen(picks: &[Pick], kept: &[usize]) -> (Vec<usize>, Arrays) {
    let index: Vec<usize> = picks.iter().map(|pick| pick.row).collect();
    let rows: Vec<usize> = index.iter().map(|&index| kept[index]).collect();
    let column =
        |of: fn(&Pick) -> f32| NpyArray::f32(&[picks.len()], picks.iter().map(of).collect());
    let more = vec![
        ("source_index", whole(&rows)),
        ("index", whole(&index)),
        ("gain", column(|pick| pick.gain as f32)),
        ("weight", column(|pick| pick.weight as f32)),
        ("source_files", NpyArray::texts([KEPT])),
        ("source_file", whole(&vec![0; picks.len()])),
        ("source_row", whole(&index)),
    ];
    (rows, more)
}

fn whole(numbers: &[usize]) -> NpyArray {
    NpyArray::i64(&[numbers.len()], numbers.iter().map(|&number| number as i64).collect())
}
