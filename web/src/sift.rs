//! Which samples are worth keeping: the filter, and a coreset of what it kept.

use std::rc::Rc;

use gleaner_core::coreset::{
    Balance, ClassOutcome, Coreset, Curvature, Method, Optimizer, Pick, Samples, Space,
};
use gleaner_core::filter::{Filter, axis_start, log_histogram};
use gleaner_core::measures::predictions::Predictions;
use gleaner_core::noise::Noise;
use gleaner_core::workers::InTurn;
use gleaner_core::{coreset, filter};
use serde::{Deserialize, Serialize as _};
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsError, JsValue};

use crate::asked::{Whole, argument, options};
use crate::exchange::{bytes, doubles, floats, indices, object};
use crate::generate::predictions;
use crate::session::Session;

/// Bits of a sample's verdict.
const UNSURE: u8 = 1;
const DISAGREES: u8 = 2;
const REJECTED: u8 = 4;

/// More than any screen has columns.
const MOST_BINS: usize = 10_000;

/// What [`Session::filter`] takes.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FilterSettings {
    max_entropy: f64,
    keep_agreeing: bool,
}

/// What [`Session::coreset`] takes.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CoresetSettings {
    method: Method,
    size: Whole,
    seed: Whole,
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
        let (low, high) = (axis_start(&samples.entropy()), (samples.classes() as f64).ln());
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

    /// Chooses a few of the kept samples that stand for all of them, and as many at random: `{ method, size, seed }` to `{ chosen,
    /// random }`, each `{ index, row, gain, worth, weight, classes, objective, bound, ratio }`: by pick its place among the kept samples,
    /// its row among all, what it added, what its class's picks were worth with it, and the samples it stands for; by class `{ class, rows, chosen, objective, bound }`.
    ///
    /// # Errors
    /// If nothing was filtered, or the budget cannot be shared out.
    #[wasm_bindgen(unchecked_return_type = "object")]
    pub fn coreset(
        &self,
        #[wasm_bindgen(
            unchecked_param_type = "{ method: 'craig' | 'adacore' | 'random' | 'confidence', \
                                      size: number, seed: number }"
        )]
        request: &JsValue,
    ) -> Result<JsValue, JsError> {
        let CoresetSettings { method, size, seed } = options("coreset", request)?;
        let kept = self.kept()?;
        let predictions = self.kept_predictions()?;
        let noise = Noise::new(u64::from(seed.0));
        let samples = Samples { predictions: &predictions, rows: None, weights: None };
        let select = |method| {
            let (settings, curvature) = (settings(method, size.count()), Curvature::default());
            settings.select(&samples, curvature, &noise, &InTurn, &mut || ())
        };
        let (chosen, random) = (select(method)?, select(Method::Random)?);
        let answer =
            object(&[("chosen", told(&chosen, &kept)?), ("random", told(&random, &kept)?)]);
        self.made.borrow_mut().coreset = Some(Rc::new(chosen));
        Ok(answer)
    }

    /// The kept samples of a class as a method sees them, on the plane in which they differ most: `{ rows, points, shown }`, their rows
    /// among all samples, `[n, 2]` coordinates between -1 and 1, and the share of their variance that the plane shows.
    ///
    /// # Errors
    /// If nothing was filtered, or the class has no sample.
    #[wasm_bindgen(
        unchecked_return_type = "{ rows: Int32Array, points: Float32Array, shown: number }"
    )]
    pub fn plane(
        &self,
        #[wasm_bindgen(unchecked_param_type = "'craig' | 'adacore' | 'random' | 'confidence'")]
        method: &JsValue,
        #[wasm_bindgen(unchecked_param_type = "number")] class: &JsValue,
    ) -> Result<JsValue, JsError> {
        let method = argument("plane", "method", method)?;
        let class = argument::<Whole>("plane", "class", class)?.count();
        let kept = self.kept()?;
        let predictions = self.kept_predictions()?;
        let rows = predictions.rows_of(class);
        if rows.is_empty() {
            let rule = format!("no sample of class {class} is kept: raise the threshold");
            return Err(JsError::new(&rule));
        }
        let samples = Samples { predictions: &predictions, rows: None, weights: None };
        let plane = settings(method, rows.len()).plane(&samples, &rows)?;
        let furthest = plane.points.iter().flatten().fold(0.0_f64, |most, at| most.max(at.abs()));
        let scale = if furthest > 0.0 { furthest } else { 1.0 };
        let points: Vec<f32> =
            plane.points.iter().flatten().map(|at| (at / scale) as f32).collect();
        let rows: Vec<usize> = rows.into_iter().map(|row| kept[row]).collect();
        Ok(object(&[
            ("rows", indices(&rows)),
            ("points", floats(&points)),
            ("shown", plane.shown.into()),
        ]))
    }
}

impl Session {
    fn kept_predictions(&self) -> Result<Predictions, JsError> {
        let (samples, kept) = (self.samples()?, self.kept()?);
        if kept.is_empty() {
            return Err(JsError::new("the filter keeps no sample: raise the threshold"));
        }
        predictions(&samples.pick(&kept))
    }
}

fn settings(method: Method, size: usize) -> coreset::Settings {
    let (optimizer, balance) = (Optimizer::Lazy, Balance::Proportional);
    coreset::Settings { method, space: Space::Gradient, optimizer, size, balance }
}

fn told(coreset: &Coreset, kept: &[usize]) -> Result<JsValue, JsError> {
    let by_pick = |of: fn(&Pick) -> usize| coreset.picks.iter().map(of).collect::<Vec<_>>();
    let index = by_pick(|pick| pick.row);
    let row: Vec<usize> = index.iter().map(|&index| kept[index]).collect();
    let gain: Vec<f64> = coreset.picks.iter().map(|pick| pick.gain).collect();
    let classes: &[ClassOutcome] = &coreset.classes;
    let mut worth = gain.clone();
    let mut rest = worth.as_mut_slice();
    for class in classes {
        let (own, others) = rest.split_at_mut(class.chosen);
        (1..own.len()).for_each(|at| own[at] += own[at - 1]);
        rest = others;
    }
    Ok(object(&[
        ("index", indices(&index)),
        ("row", indices(&row)),
        ("gain", doubles(&gain)),
        ("worth", doubles(&worth)),
        ("weight", indices(&by_pick(|pick| pick.weight as usize))),
        ("classes", classes.serialize(&Serializer::json_compatible())?),
        ("objective", coreset.objective().into()),
        ("bound", coreset.bound().into()),
        ("ratio", coreset.ratio().into()),
    ]))
}
