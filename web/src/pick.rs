//! A few of the kept samples that stand for all of them.

use std::rc::Rc;

use gleaner_core::coreset::{
    Balance, ClassOutcome, Coreset, Curvature, Method, Optimizer, Pick, Samples, Settings, Space,
};
use gleaner_core::measures::predictions::Predictions;
use gleaner_core::noise::Noise;
use gleaner_core::workers::InTurn;
use serde::{Deserialize, Serialize as _};
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsError, JsValue};

use crate::generate::predictions;
use crate::layer::Layer;
use crate::session::Session;
use gleaner_border::asked::{Whole, options};
use gleaner_border::exchange::{doubles, floats, indices, object};

/// What [`Session::coreset`] takes.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CoresetSettings {
    method: Method,
    #[serde(default)]
    space: Space,
    size: Whole,
    seed: Whole,
}

/// What [`Session::plane`] takes.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlaneSettings {
    space: Space,
    class: Whole,
}

/// The samples that the filter kept, as a space needs them.
struct Compared {
    kept: Rc<Vec<usize>>,
    predictions: Predictions,
    /// The array that the space compares; nothing where that follows from the predictions.
    array: Option<Layer>,
}

#[wasm_bindgen]
impl Session {
    /// Chooses a few of the kept samples that stand for all of them, and as many at random: `{ method, space?, size, seed }` to
    /// `{ chosen, random }`, each `{ index, row, gain, worth, weight, classes, objective, bound, ratio }`: by pick its place among the
    /// kept samples, its row among all, what it added, what its class's picks were worth with it, and the samples it stands for; by
    /// class `{ class, rows, stand_for, chosen, objective, bound }`. Samples are compared by their gradients unless `space` says
    /// otherwise. That of AdaCore is divided by curvature, so the worths of its picks and of the random ones are in different units.
    ///
    /// # Errors
    /// If nothing was filtered, the budget cannot be shared out, the space does not go with the method, or the device fails.
    #[wasm_bindgen(unchecked_return_type = "object")]
    pub async fn coreset(
        &self,
        #[wasm_bindgen(
            unchecked_param_type = "{ method: 'craig' | 'adacore' | 'random' | 'confidence', \
                                      space?: 'gradient' | 'last-layer' | 'embedding' | 'cosine' | 'latent', \
                                      size: number, seed: number }"
        )]
        request: JsValue,
    ) -> Result<JsValue, JsError> {
        let CoresetSettings { method, space, size, seed } = options("coreset", &request)?;
        let compared = self.compared(space).await?;
        let samples = compared.samples()?;
        let noise = Noise::new(u64::from(seed.0));
        let select = |method| {
            let (settings, curvature) =
                (settings(method, space, size.count()), Curvature::default());
            settings.select(&samples, curvature, &noise, &InTurn, &mut || ())
        };
        let (chosen, random) = (select(method)?, select(Method::Random)?);
        let kept = &compared.kept;
        let answer = object(&[("chosen", told(&chosen, kept)?), ("random", told(&random, kept)?)]);
        let mut made = self.made.borrow_mut();
        // Another filter may have been asked for meanwhile.
        if made.kept.as_ref().is_some_and(|last| Rc::ptr_eq(last, kept)) {
            made.coreset = Some(Rc::new(chosen));
        }
        Ok(answer)
    }

    /// The kept samples of a class in a space, on the plane in which they differ most: `{ space, class }` to `{ rows, points, shown }`,
    /// their rows among all samples, `[n, 2]` coordinates between -1 and 1, and the share of their variance that the plane shows.
    ///
    /// # Errors
    /// If nothing was filtered, the class has no sample, or the device fails.
    #[wasm_bindgen(
        unchecked_return_type = "{ rows: Int32Array, points: Float32Array, shown: number }"
    )]
    pub async fn plane(
        &self,
        #[wasm_bindgen(
            unchecked_param_type = "{ space: 'gradient' | 'last-layer' | 'embedding' | 'cosine' | 'latent', class: number }"
        )]
        request: JsValue,
    ) -> Result<JsValue, JsError> {
        let PlaneSettings { space, class } = options("plane", &request)?;
        let class = class.count();
        let compared = self.compared(space).await?;
        let rows = compared.predictions.rows_of(class);
        if rows.is_empty() {
            let rule = format!("no sample of class {class} is kept: raise the threshold");
            return Err(JsError::new(&rule));
        }
        let plane =
            settings(Method::Craig, space, rows.len()).plane(&compared.samples()?, &rows)?;
        let furthest = plane.points.iter().flatten().fold(0.0_f64, |most, at| most.max(at.abs()));
        let scale = if furthest > 0.0 { furthest } else { 1.0 };
        let points: Vec<f32> =
            plane.points.iter().flatten().map(|at| (at / scale) as f32).collect();
        let rows: Vec<usize> = rows.into_iter().map(|row| compared.kept[row]).collect();
        Ok(object(&[
            ("rows", indices(&rows)),
            ("points", floats(&points)),
            ("shown", plane.shown.into()),
        ]))
    }
}

impl Session {
    async fn compared(&self, space: Space) -> Result<Compared, JsError> {
        let (samples, kept) = (self.samples()?, self.kept()?);
        if kept.is_empty() {
            return Err(JsError::new("the filter keeps no sample: raise the threshold"));
        }
        let picked = samples.pick(&kept);
        let predictions = predictions(&picked)?;
        let array = match space {
            Space::Gradient => None,
            Space::Latent => {
                let width = picked.z.len() / kept.len();
                Some(Layer { values: picked.z, width })
            }
            Space::LastLayer | Space::Embedding | Space::Cosine => {
                Some(self.judged_by(&samples).await?.pick(&kept))
            }
        };
        Ok(Compared { kept, predictions, array })
    }
}

impl Compared {
    fn samples(&self) -> Result<Samples<'_>, JsError> {
        let rows = self.array.as_ref().map(Layer::rows).transpose()?;
        Ok(Samples { predictions: &self.predictions, rows, weights: None })
    }
}

fn settings(method: Method, space: Space, size: usize) -> Settings {
    let (optimizer, balance) = (Optimizer::Auto, Balance::Proportional);
    Settings { method, space, optimizer, size, balance }
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
