//! Class-conditional samples drawn step by step, so that a page can show the chains move. Whichever classes are drawn, the numbers
//! are those of [`class_conditional`].
//!
//! [`class_conditional`]: crate::sample::class_conditional

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::data::one_hot;
use crate::error::{Error, Result};
use crate::models::{Generative as _, Model, Shard, Target};
use crate::nets::Classes;
use crate::noise::Noise;
use crate::sample::{CELLS, Samples};
use crate::sampler::Walk;
use crate::workers::InTurn;

/// What to draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Samples of each class.
    pub per_class: usize,
    /// The classes, in increasing order.
    pub classes: Vec<usize>,
}

/// Samples on their way.
#[derive(Clone, Debug)]
pub struct Drawing {
    labels: Vec<usize>,
    y: Tensor<2>,
    source: Source,
    /// Where cells of tables are drawn from, and the number of each sample among those of all classes.
    cells: (Noise, Vec<usize>),
}

#[derive(Clone, Debug)]
enum Source {
    /// `z` has a prior that it is drawn from at once.
    Ancestral(Tensor<2>),
    /// `z` given a class is known by an energy.
    Chains(Walk),
}

impl Drawing {
    /// Nothing but the start of the chains; without chains, everything.
    ///
    /// # Errors
    /// No samples, no classes, classes out of order or beyond the model's.
    pub fn start(model: &Model, wish: &Wish, noise: &mut Noise, device: &Device) -> Result<Self> {
        let (per_class, classes) = (wish.per_class, model.classes());
        if per_class == 0 {
            return Err(Error::config("per-class", 0, "it must be at least 1"));
        }
        let ordered = wish.classes.windows(2).all(|pair| pair[0] < pair[1]);
        if !ordered || wish.classes.last().is_none_or(|&last| last >= classes) {
            let asked = format!("{:?}", wish.classes);
            let problem = format!("give some of 0 to {}, in order, each once", classes - 1);
            return Err(Error::config("classes", asked, problem));
        }
        let each = |class: &usize| std::iter::repeat_n(*class, per_class);
        let labels: Vec<usize> = wish.classes.iter().flat_map(each).collect();
        let rows = wish.classes.iter().flat_map(|class| class * per_class..(class + 1) * per_class);
        let rows: Vec<usize> = rows.collect();
        let y = one_hot(labels.iter().map(|&label| label as i64), classes, device);
        let source = match model {
            Model::LatentEbm(model) => Source::Chains(model.walk_given(y.clone(), &rows, noise)),
            _ => {
                let z = model.prior_by_class(&Shard::whole(per_class), noise, device, &InTurn);
                Source::Ancestral(if rows.len() == classes * per_class {
                    z
                } else {
                    z.select(0, numbers(&rows, device))
                })
            }
        };
        Ok(Self { labels, y, source, cells: (noise.split(CELLS), rows) })
    }

    /// The class of each sample.
    pub fn labels(&self) -> &[usize] {
        &self.labels
    }

    /// Steps taken and still to take.
    pub fn progress(&self) -> (usize, usize) {
        match &self.source {
            Source::Ancestral(_) => (0, 0),
            Source::Chains(walk) => (walk.taken(), walk.left()),
        }
    }

    /// Takes so many steps more, or as many as are left. `model` is the one that the drawing was started with.
    pub fn advance(&mut self, model: &Model, steps: usize) {
        if let (Source::Chains(walk), Model::LatentEbm(model)) = (&mut self.source, model) {
            walk.advance(&model.prior.density(Target::Given(self.y.clone())), steps);
        }
    }

    /// `log p(z|y)` but for a constant, and the norm of its gradient, means over the chains, `[2]`; `None` where there are none.
    pub fn means(&self) -> Option<Tensor<1>> {
        match &self.source {
            Source::Ancestral(_) => None,
            Source::Chains(walk) => Some(walk.means()),
        }
    }

    /// The samples as they are now.
    pub fn samples(&self, model: &Model) -> Samples {
        let z = match &self.source {
            Source::Ancestral(z) => z.clone(),
            Source::Chains(walk) => walk.z(),
        };
        let (noise, rows) = &self.cells;
        let observation = model.decode(z.clone(), &Classes::Given(self.y.clone()));
        let x = observation.shown(&mut noise.streams_of(rows));
        let logits = model.judge(z.clone(), x.clone());
        Samples { z, x, logits }
    }
}

fn numbers(rows: &[usize], device: &Device) -> Tensor<1, Int> {
    let rows: Vec<i32> = rows.iter().map(|&row| row as i32).collect();
    let count = rows.len();
    Tensor::from_data(TensorData::new(rows, [count]), device)
}
