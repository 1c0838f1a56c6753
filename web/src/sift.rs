//! Which samples are worth keeping.

use std::rc::Rc;

use gleaner_core::filter::{self, Filter, axis_start, log_histogram};
use serde::{Deserialize, Serialize as _};
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsError, JsValue};

use crate::generate::predictions;
use crate::session::Session;
use gleaner_border::asked::{Whole, argument, options};
use gleaner_border::exchange::{bytes, indices, object};

/// Bits of a sample's verdict.
const UNSURE: u8 = 1;
const DISAGREES: u8 = 2;
const REJECTED: u8 = 4;

/// Where the axis of entropies begins at the latest, in nats.
const LOWEST: f64 = 1e-12;

/// More than any screen has columns.
const MOST_BINS: usize = 10_000;

/// What [`Session::filter`] takes.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FilterSettings {
    max_entropy: f64,
    keep_agreeing: bool,
}

#[wasm_bindgen]
impl Session {
    /// How often entropies lie where on a logarithmic axis of so many bins: `{ low, high, agreeing, others }`, the ends of the axis in nats,
    /// the upper one that of a classifier that knows nothing, and counts by bin of the samples whose most probable class is the one
    /// they were drawn for, and of the others. What lies beyond an end counts in the bin at that end.
    ///
    /// # Errors
    /// If there are no samples, or so many bins are not to be had.
    #[wasm_bindgen(
        unchecked_return_type = "{ low: number, high: number, agreeing: Int32Array, others: Int32Array }"
    )]
    pub fn histogram(
        &self,
        #[wasm_bindgen(unchecked_param_type = "number")] bins: &JsValue,
    ) -> Result<JsValue, JsError> {
        let bins = argument::<Whole>("histogram", "bins", bins)?.count();
        if !(1..=MOST_BINS).contains(&bins) {
            let rule = format!("bins is {bins}: use 1 to {MOST_BINS}");
            return Err(JsError::new(&format!("histogram: {rule}")));
        }
        let samples = self.samples()?;
        // Where a classifier has no doubt, what is left is rounding: decades of it would leave no room for the rest.
        let low = axis_start(&samples.entropy()).max(LOWEST);
        let high = (samples.classes() as f64).ln();
        let predictions = predictions(&samples)?;
        let of = |agreeing: bool| {
            let rows = (0..predictions.len()).filter(|&row| predictions.agrees(row) == agreeing);
            indices(&log_histogram(rows.map(|row| predictions.entropy(row)), [low, high], bins))
        };
        Ok(object(&[
            ("low", low.into()),
            ("high", high.into()),
            ("agreeing", of(true)),
            ("others", of(false)),
        ]))
    }

    /// Sorts the samples out: `{ max_entropy, keep_agreeing }` to `{ kept, order, verdicts, classes }`: the rows kept, all rows from the
    /// smallest entropy to the largest, by row a sum of 1 (entropy not below the threshold), 2 (another class is more probable)
    /// and 4 (rejected), and by class `{ class, drawn, agreed, kept }`.
    ///
    /// # Errors
    /// If there are no samples, or no entropy can be below the threshold.
    #[wasm_bindgen(unchecked_return_type = "object")]
    pub fn filter(
        &self,
        #[wasm_bindgen(unchecked_param_type = "{ max_entropy: number, keep_agreeing: boolean }")]
        request: &JsValue,
    ) -> Result<JsValue, JsError> {
        let FilterSettings { max_entropy, keep_agreeing } = options("filter", request)?;
        let samples = self.samples()?;
        let predictions = predictions(&samples)?;
        let filter::Filtered { kept, entropy, classes } =
            Filter::by_entropy(max_entropy, keep_agreeing)?.apply(&predictions, None);
        let mut verdicts: Vec<u8> = (0..samples.len())
            .map(|row| {
                let unsure = if entropy[row] < max_entropy { 0 } else { UNSURE };
                let disagrees = if predictions.agrees(row) { 0 } else { DISAGREES };
                REJECTED | unsure | disagrees
            })
            .collect();
        kept.iter().for_each(|&row| verdicts[row] &= !REJECTED);
        let mut order: Vec<usize> = (0..samples.len()).collect();
        order.sort_by(|&a, &b| entropy[a].total_cmp(&entropy[b]));
        let answer = object(&[
            ("kept", indices(&kept)),
            ("order", indices(&order)),
            ("verdicts", bytes(&verdicts)),
            ("classes", classes.serialize(&Serializer::json_compatible())?),
        ]);
        let mut made = self.made.borrow_mut();
        (made.kept, made.coreset) = (Some(Rc::new(kept)), None);
        Ok(answer)
    }
}
