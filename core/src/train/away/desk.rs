//! What a server does with errands.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};

use super::answer::{MOST_TERMS, Words, written};
use super::errand::{Aim, Portion, Request, Run, Task, VERSION};
use crate::data::Part;
use crate::error::{Result, refuse, unfit};
use crate::models::{Architecture as _, Model};
use crate::noise::Noise;
use crate::objective::{Elapsed, Objective};
use crate::train::gradients::{flat, fork};
use crate::train::step::finished;
use crate::workers::{Workers, map};

/// Runs that are remembered.
const MOST_RUNS: usize = 1024;

/// Shares whose second half may be waited for. What a run that was killed has begun is kept until others take its place.
const MOST_BEGUN: usize = 16;

/// Does errands on a device.
#[derive(Debug)]
pub struct Desk {
    device: Device,
    workers: Arc<dyn Workers>,
    /// The run that was asked for last at the end.
    runs: Mutex<VecDeque<Opened>>,
}

#[derive(Debug)]
struct Opened {
    run: Run,
    task: Task,
    begun: BTreeMap<usize, Vec<Begun>>,
}

/// A part whose second half waits for the sums.
struct Begun(Box<dyn FnOnce(Option<Tensor<1>>) -> Contribution + Send>);

impl std::fmt::Debug for Begun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Begun")
    }
}

/// What a part contributes, in the order of an answer.
struct Contribution {
    numbers: Vec<Tensor<1>>,
    words: Words,
}

impl Desk {
    /// A desk for a device, without autodiff.
    pub fn new(device: Device, workers: Arc<dyn Workers>) -> Self {
        Self { device, workers, runs: Mutex::default() }
    }

    /// Where it works.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Does what is asked for, and answers with so many numbers.
    pub fn answer(&self, request: &str, numbers: Vec<Tensor<1>>, length: usize) -> Tensor<1> {
        let answered = serde_json::from_str(request)
            .map_err(|_| {
                unfit!("an errand of another kind; build both programs from the same source")
            })
            .and_then(|request| self.answered(request, numbers));
        let (numbers, words) = answered.unwrap_or_else(|error| {
            (Vec::new(), Words { refusal: Some(error.to_string()), ..Words::default() })
        });
        written(numbers, &words, length, &self.device)
    }

    fn answered(
        &self,
        request: Request,
        numbers: Vec<Tensor<1>>,
    ) -> Result<(Vec<Tensor<1>>, Words)> {
        match request {
            Request::Greet { version } if version == VERSION => {
                Ok((Vec::new(), Words { workers: self.workers.count(), ..Words::default() }))
            }
            Request::Greet { version } => refuse!(
                "the server is of version {VERSION}, this program of {version}; build both from the same source"
            ),
            Request::Open { run, task } => self.open(run, *task),
            Request::Begin { run, share, portions, elapsed, noise } => {
                let elapsed = Elapsed(f64::from_bits(elapsed));
                self.begin((run, share), &portions, elapsed, &noise, numbers)
            }
            Request::Finish { run, share } => self.finish((run, share), numbers.first()),
        }
    }

    fn open(&self, run: Run, task: Task) -> Result<(Vec<Tensor<1>>, Words)> {
        task.config.init(&Noise::silent(), &self.device)?;
        let sums = match &task.aim {
            Aim::SemiSupervised(_) | Aim::LatentEbm(_) => task.config.classes(),
            Aim::Unsupervised(_) | Aim::Untapped(_) => 0,
        };
        let mut runs = self.runs();
        runs.retain(|opened| opened.run.number != run.number);
        runs.push_back(Opened { run, task, begun: BTreeMap::new() });
        if runs.len() > MOST_RUNS {
            runs.pop_front();
        }
        Ok((Vec::new(), Words { sums, ..Words::default() }))
    }

    fn begin(
        &self,
        (run, share): (Run, usize),
        portions: &[Portion],
        elapsed: Elapsed,
        noise: &Noise,
        numbers: Vec<Tensor<1>>,
    ) -> Result<(Vec<Tensor<1>>, Words)> {
        let task = self.runs().iter().find(|opened| opened.run == run).map(|it| it.task.clone());
        let Some(task) = task else { return unknown() };
        let autodiff = self.device.clone().autodiff();
        let mut numbers = numbers.into_iter();
        let model = dealt(task.config.init(&Noise::silent(), &autodiff)?, &mut numbers)?;
        let parts = portions.iter().map(|portion| portion.part(&mut numbers));
        let parts = parts.collect::<Result<Vec<_>>>()?;
        if numbers.next().is_some() {
            return other_model();
        }
        let begun = map(&*self.workers, parts, |part| {
            let model = fork(model.clone(), &self.device);
            begun(model, task.aim.clone(), part, elapsed, noise.clone())
        });
        let begun = begun.into_iter().collect::<Result<Vec<_>>>()?;
        let (sums, begun): (Vec<_>, Vec<_>) = begun.into_iter().unzip();
        self.keep((run, share), begun);
        Ok((sums.into_iter().flatten().collect(), Words::default()))
    }

    /// Keeps what is begun for its second half.
    fn keep(&self, (run, share): (Run, usize), begun: Vec<Begun>) {
        let mut runs = self.runs();
        let Some(at) = runs.iter().position(|opened| opened.run == run) else { return };
        if let Some(mut opened) = runs.remove(at) {
            opened.begun.insert(share, begun);
            runs.push_back(opened);
        }
        let mut count: usize = runs.iter().map(|opened| opened.begun.len()).sum();
        for opened in runs.iter_mut() {
            while count > MOST_BEGUN && opened.begun.pop_first().is_some() {
                count -= 1;
            }
        }
    }

    fn finish(
        &self,
        (run, share): (Run, usize),
        sums: Option<&Tensor<1>>,
    ) -> Result<(Vec<Tensor<1>>, Words)> {
        let begun = {
            let mut runs = self.runs();
            let opened = runs.iter_mut().find(|opened| opened.run == run);
            opened.and_then(|opened| opened.begun.remove(&share))
        };
        let Some(begun) = begun else { return unknown() };
        let done = map(&*self.workers, begun, |Begun(finish)| finish(sums.cloned()));
        let mut numbers = Vec::new();
        let mut words = Words::default();
        for contribution in done {
            numbers.extend(contribution.numbers);
            words = contribution.words;
        }
        Ok((numbers, words))
    }

    fn runs(&self) -> MutexGuard<'_, VecDeque<Opened>> {
        // What a thread that failed has left is whole: nothing is changed in two steps.
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unknown<T>() -> Result<T> {
    refuse!(
        "the server does not know the run any more: another process trains it, or there are too many"
    )
}

fn other_model<T>() -> Result<T> {
    refuse!("an errand has another model; build both programs from the same source")
}

/// The first half of the work on a part: its share of the sums, and the second half.
fn begun(
    model: Model,
    aim: Aim,
    part: Part,
    elapsed: Elapsed,
    noise: Noise,
) -> Result<(Option<Tensor<1>>, Begun)> {
    Ok(match (model, aim) {
        (Model::Untapped(model), Aim::Untapped(aim)) => halves(model, aim, part, elapsed, noise),
        (Model::LatentEbm(model), Aim::LatentEbm(aim)) => halves(model, aim, part, elapsed, noise),
        (model, Aim::Unsupervised(aim)) => halves(model, aim, part, elapsed, noise),
        (model, Aim::SemiSupervised(aim)) => halves(model, aim, part, elapsed, noise),
        _ => {
            refuse!("no such model is trained like this; build both programs from the same source")
        }
    })
}

fn halves<M: Module + 'static, O: Objective<M, Begun: 'static> + Send + 'static>(
    model: M,
    objective: O,
    part: Part,
    elapsed: Elapsed,
    noise: Noise,
) -> (Option<Tensor<1>>, Begun) {
    let (begun, sums) = objective.begin(&model, &part, &noise);
    let finish = move |sums: Option<Tensor<1>>| {
        let sums = sums.map(Tensor::from_inner);
        let (terms, gradients, chains) =
            finished(&objective, (&model, &part), begun, sums, elapsed, &noise);
        let mut gradients =
            Gradients { left: gradients, numbers: Vec::new(), learnt: String::new() };
        model.visit(&mut gradients);
        let Gradients { mut numbers, learnt, .. } = gradients;
        let names = terms.iter().map(|(name, _)| (*name).to_owned()).collect();
        let unused = MOST_TERMS.saturating_sub(terms.len());
        let device = part.batch.unlabelled.device().inner();
        numbers.extend(terms.into_iter().map(|(_, term)| term));
        numbers.extend((unused > 0).then(|| Tensor::zeros([unused], &device)));
        numbers.extend(chains.map(flat));
        Contribution { numbers, words: Words { terms: names, learnt, ..Words::default() } }
    };
    (sums.map(Tensor::inner), Begun(Box::new(finish)))
}

/// The gradients of all parameters in the order of a visitor, zeros where there are none.
struct Gradients {
    left: burn::optim::GradientsParams,
    numbers: Vec<Tensor<1>>,
    learnt: String,
}

impl ModuleVisitor for Gradients {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = self.left.remove::<D>(param.id);
        self.learnt.push(if gradient.is_some() { '1' } else { '0' });
        self.numbers.push(match gradient {
            Some(gradient) => flat(gradient),
            None => {
                let value = param.val().inner();
                Tensor::zeros([value.shape().num_elements()], &value.device())
            }
        });
    }
}

/// A model with the parameters that come next.
///
/// # Errors
/// If one is missing or has another length.
fn dealt<M: Module>(model: M, numbers: &mut impl Iterator<Item = Tensor<1>>) -> Result<M> {
    struct Deal<'a, I> {
        numbers: &'a mut I,
        fits: bool,
    }
    impl<I: Iterator<Item = Tensor<1>>> ModuleMapper for Deal<'_, I> {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let shape = param.lazy_shape();
            match self.numbers.next() {
                Some(values) if values.dims() == [shape.num_elements()] => {
                    let value = Tensor::from_inner(values.reshape(shape));
                    Param::initialized(param.id, value.require_grad())
                }
                _ => {
                    self.fits = false;
                    param
                }
            }
        }
    }
    let mut deal = Deal { numbers, fits: true };
    let model = model.map(&mut deal);
    match deal.fits {
        true => Ok(model),
        false => other_model(),
    }
}
