//! One optimisation step, pure in its inputs: `(state, batch) -> (state, terms)`.

use std::collections::BTreeMap;
use std::sync::Arc;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};

use super::adam::{Adam, AdamSettings, Update};
#[cfg(feature = "away")]
use super::away::Away;
use super::clip::norm_and_factor;
use super::gradients::{Slot, add_up, fork, put_back, slots};
use crate::data::{Part, SemiBatch};
use crate::noise::Noise;
use crate::objective::{Elapsed, Objective, Terms};
use crate::workers::{InTurn, Workers, map};
#[cfg(feature = "cube")]
use gleaner_kernels::gpu::Places;

/// Everything that changes from step to step. Cloning is cheap: tensors are shared until they change.
#[derive(Clone, Debug)]
pub struct TrainState<M> {
    /// The model, on an autodiff device.
    pub model: M,
    /// Adam's moments.
    pub optimizer: Adam,
    /// Steps done.
    pub step: u64,
    /// Chains that the objective keeps, `[chains, dimensions]`, without autodiff: as many times the unlabelled examples of a
    /// batch as there are turns. They start with the first step.
    pub chains: Option<Tensor<2>>,
}

impl<M: Module> TrainState<M> {
    /// A state before the first step.
    pub fn new(model: M) -> Self {
        Self { model, optimizer: Adam::default(), step: 0, chains: None }
    }
}

/// What does not change from step to step.
#[derive(Clone, Debug)]
pub struct Learner<O> {
    /// What is minimised.
    pub objective: O,
    /// Largest global norm of the gradient.
    pub clip_norm: f64,
    /// How a gradient becomes a step.
    pub adam: AdamSettings,
    /// Root of the noise of every step.
    pub noise: Noise,
    /// Into how many parts a batch is split. The order of additions depends on this, and on nothing else:
    /// neither on the number of workers nor on which of them is quicker.
    pub parts: usize,
    /// Who works on the parts.
    pub workers: Arc<dyn Workers>,
    /// Where the parts are worked on, without autodiff: the first part on the first device, and so on in turn. None: where the batch is.
    pub devices: Vec<Device>,
    /// Processes that the parts go to instead. A step panics if one is gone, or refuses what it is sent.
    #[cfg(feature = "away")]
    pub away: Option<Away>,
}

/// What the parts of a batch contribute, in their order.
#[derive(Default)]
pub(super) struct Contributions {
    /// Named means.
    pub terms: Vec<Vec<(&'static str, Tensor<1>)>>,
    /// Gradients of the parameters.
    pub gradients: Vec<GradientsParams>,
    /// Where the chains of the step are now.
    pub chains: Vec<Tensor<2>>,
}

impl<O> Learner<O> {
    /// A learner that takes batches whole, on the caller's thread.
    pub fn whole(objective: O, clip_norm: f64, noise: Noise) -> Self {
        Self {
            objective,
            clip_norm,
            adam: AdamSettings::default(),
            noise,
            parts: 1,
            workers: Arc::new(InTurn),
            devices: Vec::new(),
            #[cfg(feature = "away")]
            away: None,
        }
    }

    /// Takes one step with learning rate `rate`. Nothing is read back.
    pub fn step<M: Module>(
        &self,
        state: TrainState<M>,
        batch: &SemiBatch,
        rate: f64,
        elapsed: Elapsed,
    ) -> (TrainState<M>, Terms)
    where
        O: Objective<M>,
    {
        // One worker leads the whole step: the others are told of each piece of work at once, by one that is awake.
        let led = map(&*self.workers, vec![state], |state| self.led(state, batch, rate, elapsed));
        led.into_iter().next().expect("one state makes one")
    }

    fn led<M: Module>(
        &self,
        state: TrainState<M>,
        batch: &SemiBatch,
        rate: f64,
        elapsed: Elapsed,
    ) -> (TrainState<M>, Terms)
    where
        O: Objective<M>,
    {
        let TrainState { model, optimizer, step, chains } = state;
        let noise = self.noise.split("step").at(step);
        let mut pool = Pool::at(step, self.pool(&model, chains, batch), batch);
        let Contributions { terms, gradients, chains } =
            self.contributions(&model, batch, pool.turn().as_ref(), elapsed, &noise);
        pool.put_back((!chains.is_empty()).then(|| Tensor::cat(chains, 0)));
        let slots = slots(&model, gradients);
        let (optimizer, model, norm) = self.update(optimizer, model, slots, rate);
        let terms = Terms::add_up(terms);
        let terms = match norm {
            Some(norm) => terms.with("gradient_norm", norm),
            None => terms,
        };
        (TrainState { model, optimizer, step: step + 1, chains: pool.chains }, terms)
    }

    /// The chains that last, or where they start.
    fn pool<M: Module>(
        &self,
        model: &M,
        chains: Option<Tensor<2>>,
        batch: &SemiBatch,
    ) -> Option<Tensor<2>>
    where
        O: Objective<M>,
    {
        let [unlabelled, _] = batch.unlabelled.dims();
        let noise = self.noise.split("persistent chains");
        let device = batch.unlabelled.device().inner();
        chains.or_else(|| self.objective.chains(model, unlabelled, &noise, &device))
    }

    /// What each part contributes.
    fn contributions<M: Module>(
        &self,
        model: &M,
        batch: &SemiBatch,
        chains: Option<&Tensor<2>>,
        elapsed: Elapsed,
        noise: &Noise,
    ) -> Contributions
    where
        O: Objective<M>,
    {
        let parts = Part::with_chains(Part::split(batch, self.parts), chains);
        #[cfg(feature = "away")]
        if let Some(away) = &self.away {
            let done = away.worked_on(model, parts, elapsed, noise);
            return done.unwrap_or_else(|refusal| panic!("{refusal}"));
        }
        let Self { objective, workers, .. } = self;
        let home = batch.unlabelled.device().inner();
        let count = parts.len();
        let parts = parts.into_iter().enumerate().map(|place| (model.clone(), place));
        let begun = map(&**workers, parts.collect(), |(model, (index, part))| {
            let (model, part) = self.placed(model, part, (index, count), &home);
            let (begun, sums) = objective.begin(&model, &part, noise);
            (model, part, begun, sums.map(|sums| sums.inner().to_device(&home)))
        });
        let sums = begun.iter().filter_map(|(.., sums)| sums.clone()).reduce(|a, b| a + b);
        let done = map(&**workers, begun, |(model, part, begun, _)| {
            let device = part.batch.unlabelled.device().inner();
            let sums = sums.clone().map(|sums| Tensor::from_inner(sums.to_device(&device)));
            let done = finished(objective, (&model, &part), begun, sums, elapsed, noise);
            (model, done)
        });
        let done = match self.devices().is_empty() {
            true => done.into_iter().map(|(_, done)| done).collect(),
            // All devices are at work before the first is waited for.
            false => map(&**workers, done, |(model, (terms, gradients, chains))| {
                let back = |(name, term): (_, Tensor<1>)| (name, term.to_device(&home));
                let gradients = gradients.to_device(&home, &model);
                let chains: Option<Tensor<2>> = chains.map(|chains| chains.to_device(&home));
                (terms.into_iter().map(back).collect(), gradients, chains)
            }),
        };
        let mut contributions = Contributions::default();
        for (terms, gradients, chains) in done {
            contributions.terms.push(terms);
            contributions.gradients.push(gradients);
            contributions.chains.extend(chains);
        }
        contributions
    }

    /// A part and the model that it is worked on with, where that is done: with a tape of its own, which the only part at home needs not.
    fn placed<M: Module>(
        &self,
        model: M,
        part: Part,
        (index, count): (usize, usize),
        home: &Device,
    ) -> (M, Part) {
        match self.devices() {
            [] if count == 1 => (model, part),
            [] => (fork(model, home), part),
            devices => {
                let device = &devices[index % devices.len()];
                (fork(model, device), part.moved_to(device))
            }
        }
    }

    /// The devices of the parts. A page has one device, and no code for more.
    fn devices(&self) -> &[Device] {
        if cfg!(feature = "away") { &self.devices } else { &[] }
    }

    fn update<M: Module>(
        &self,
        optimizer: Adam,
        model: M,
        slots: Vec<Slot>,
        rate: f64,
    ) -> (Adam, M, Option<Tensor<1>>)
    where
        O: Objective<M>,
    {
        #[cfg(feature = "cube")]
        if slots.first().is_some_and(|slot| gleaner_kernels::gpu::is_gpu(&slot.value.device())) {
            return self.update_packed(optimizer, model, &slots, rate);
        }
        let Adam { time, mut moments, .. } = optimizer;
        let summed = map(&*self.workers, slots, |slot| {
            let Slot { path, value, gradients } = slot;
            add_up(gradients).map(|(gradient, square)| (path, value, gradient, square))
        });
        let summed: Vec<_> = summed.into_iter().flatten().collect();
        let squares = summed.iter().map(|(.., square)| square.clone());
        let Some((norm, factor)) = norm_and_factor(squares, self.clip_norm) else {
            return (Adam::new(time, moments), model, None);
        };
        let jobs = summed.into_iter().map(|(path, value, gradient, _)| {
            let moments = moments.remove(&path);
            (path, value, gradient, moments)
        });
        let updated = map(&*self.workers, jobs.collect(), |(path, value, gradient, moments)| {
            let update = Update::at(self.adam, time + 1, rate * self.objective.rate(&path));
            let (value, moments) = update.apply(value, moments, gradient, factor.clone());
            (path, value, moments)
        });
        let mut values = BTreeMap::new();
        for (path, value, new) in updated {
            moments.insert(path.clone(), new);
            values.insert(path, value);
        }
        (Adam::new(time + 1, moments), put_back(model, values), Some(norm))
    }

    /// The same on a GPU, where a launch costs as much as it takes to update a million numbers: all parameters with the same rate as
    /// one vector.
    #[cfg(feature = "cube")]
    fn update_packed<M: Module>(
        &self,
        mut optimizer: Adam,
        model: M,
        slots: &[Slot],
        rate: f64,
    ) -> (Adam, M, Option<Tensor<1>>)
    where
        O: Objective<M>,
    {
        let mut rates: Vec<f64> =
            slots.iter().map(|slot| self.objective.rate(&slot.path)).collect();
        rates.sort_by(f64::total_cmp);
        rates.dedup();
        let mut groups = Vec::new();
        for factor in rates {
            let of_group = slots.iter().filter(|slot| self.objective.rate(&slot.path) == factor);
            let (parameters, gradients): (Vec<_>, Vec<_>) =
                of_group.filter_map(Slot::summed).unzip();
            if gradients.is_empty() {
                continue;
            }
            let places = Places::of(gradients.iter().map(|gradient| gradient.dims()[0]));
            groups.push((factor, parameters, places.pack(&gradients), places));
        }
        let squares = groups.iter().map(|(_, _, gradient, _)| gradient.clone().square().sum());
        let Some((norm, factor)) = norm_and_factor(squares, self.clip_norm) else {
            return (optimizer, model, None);
        };
        let time = optimizer.time + 1;
        let mut values = BTreeMap::new();
        for (of_rate, parameters, gradient, places) in groups {
            let update = Update::at(self.adam, time, rate * of_rate);
            let packed = (gradient, places);
            let (next, new) = update.apply_packed(optimizer, parameters, packed, factor.clone());
            optimizer = next;
            values.extend(new);
        }
        optimizer.time = time;
        (optimizer, put_back(model, values), Some(norm))
    }
}

/// The second half of the work on a part: its terms without a tape, its gradients, and where its chains are now.
pub(super) fn finished<M: Module, O: Objective<M>>(
    objective: &O,
    (model, part): (&M, &Part),
    begun: O::Begun,
    sums: Option<Tensor<1>>,
    elapsed: Elapsed,
    noise: &Noise,
) -> (Vec<(&'static str, Tensor<1>)>, GradientsParams, Option<Tensor<2>>) {
    let mut terms = objective.finish(model, part, begun, sums, elapsed, noise);
    let chains = terms.chains.take();
    let gradients = GradientsParams::from_grads(terms.total.backward(), model);
    (terms.cut(), gradients, chains)
}

/// The chains that last, and whose turn it is.
struct Pool {
    chains: Option<Tensor<2>>,
    turn: std::ops::Range<usize>,
}

impl Pool {
    fn at(step: u64, chains: Option<Tensor<2>>, batch: &SemiBatch) -> Self {
        let [size, _] = batch.unlabelled.dims();
        let turns = chains.as_ref().map_or(1, |chains| (chains.dims()[0] / size.max(1)).max(1));
        let first = (step % turns as u64) as usize * size;
        Self { chains, turn: first..first + size }
    }

    fn turn(&self) -> Option<Tensor<2>> {
        self.chains.as_ref().map(|chains| chains.clone().slice_dim(0, self.turn.clone()))
    }

    fn put_back(&mut self, moved: Option<Tensor<2>>) {
        if let (Some(chains), Some(moved)) = (self.chains.take(), moved) {
            let [_, dimensions] = chains.dims();
            let place = [self.turn.clone(), 0..dimensions];
            self.chains = Some(chains.slice_assign(place, moved));
        }
    }
}
