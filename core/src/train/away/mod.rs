//! Parts of a batch that are worked on in other processes.
//!
//! What goes to a server is not one operation after another, but an errand: the parameters, the examples of some parts, and in a
//! few words what to do with them. What comes back is their gradients. So each server computes with the loops that the program has
//! of its own, a part has the bits that it would have here, and a step waits for two answers, however many operations it takes.

mod answer;
mod desk;
mod errand;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use self::answer::{MOST_TERMS, Reader, Words};
use self::errand::{Portion, Request, VERSION};
use super::gradients::flat;
use super::step::Contributions;
use crate::data::Part;
use crate::error::Result;
use crate::noise::Noise;
use crate::objective::Elapsed;

pub use self::desk::Desk;
pub use self::errand::{Aim, Run, Task};

/// A process that works on parts for this one.
pub trait Server: Debug + Send + Sync {
    /// On how many parts it works at a time.
    fn workers(&self) -> usize;

    /// Has its [`Desk`] begin an answer of so many numbers, and returns at once.
    ///
    /// # Panics
    /// If it is gone; so does the answer.
    fn ask(&self, request: &str, numbers: Vec<Tensor<1>>, length: usize) -> Answer;
}

/// An answer that is on its way: waits until it is here.
pub type Answer = Box<dyn FnOnce() -> Tensor<1>>;

/// Makes sure that a server takes errands as this program writes them; on how many parts it works at a time.
///
/// # Errors
/// If it is of another version.
pub fn greet(server: &dyn Server) -> Result<usize> {
    let request = Request::Greet { version: VERSION.to_owned() };
    ask(server, &request, Vec::new(), 0)().map(|(_, words)| words.workers)
}

/// Asks for so many numbers, and some words about them.
fn ask(
    server: &dyn Server,
    request: &Request,
    numbers: Vec<Tensor<1>>,
    count: usize,
) -> impl FnOnce() -> Result<(Reader, Words)> + use<> {
    let request = serde_json::to_string(request).expect("an errand has no maps");
    let answer = server.ask(&request, numbers, answer::length(count));
    || answer::read(answer()).map(|(numbers, words)| (Reader::of(numbers), words))
}

/// The servers of a run.
#[derive(Clone, Debug)]
pub struct Away {
    run: Run,
    servers: Vec<Arc<dyn Server>>,
    /// How many sums the parts of a batch must know of each other.
    sums: usize,
}

/// The parts of a batch that a server works on, with their places.
struct Share {
    number: usize,
    parts: Vec<(usize, Part)>,
}

/// Terms, gradients, and chains of one part.
type Contribution = (Vec<(&'static str, Tensor<1>)>, GradientsParams, Option<Tensor<2>>);

impl Away {
    /// Tells the servers what a run will ask for.
    ///
    /// # Errors
    /// If a server cannot have such a model.
    ///
    /// # Panics
    /// If one is gone.
    pub fn open(run: Run, task: &Task, servers: Vec<Arc<dyn Server>>) -> Result<Self> {
        let mut sums = 0;
        for server in &servers {
            let request = Request::Open { run, task: Box::new(task.clone()) };
            (_, Words { sums, .. }) = ask(&**server, &request, Vec::new(), 0)()?;
        }
        Ok(Self { run, servers, sums })
    }

    /// What the parts contribute, in their order. They go to the servers in turn.
    ///
    /// # Errors
    /// If a server refuses them.
    ///
    /// # Panics
    /// If one is gone.
    pub(super) fn worked_on<M: Module>(
        &self,
        model: &M,
        parts: Vec<Part>,
        elapsed: Elapsed,
        noise: &Noise,
    ) -> Result<Contributions> {
        let parameters = Parameters::of(model);
        let shares = self.shared_out(parts);
        // All are at work before the first is waited for.
        let begin = |share| self.begin(share, &parameters, elapsed, noise);
        let begun: Vec<_> = shares.iter().map(begin).collect();
        let sums =
            shares.iter().zip(begun).map(|(share, answer)| Ok(share.sums(answer()?, self.sums)));
        let sums = in_order(sums.collect::<Result<_>>()?).reduce(|a, b| a + b);
        let finish = |share| self.finish(share, sums.clone(), parameters.length());
        let finished: Vec<_> = shares.iter().map(finish).collect();
        let done = shares.into_iter().zip(finished);
        let done = done.map(|(share, answer)| Ok(share.contributions(model, answer()?)));
        let mut contributions = Contributions::default();
        for (terms, gradients, chains) in in_order(done.collect::<Result<_>>()?) {
            contributions.terms.push(terms);
            contributions.gradients.push(gradients);
            contributions.chains.extend(chains);
        }
        Ok(contributions)
    }

    fn shared_out(&self, parts: Vec<Part>) -> Vec<Share> {
        let servers = self.servers.len();
        let share = |number| Share { number, parts: Vec::new() };
        let mut shares: Vec<_> = (0..servers.min(parts.len())).map(share).collect();
        for (index, part) in parts.into_iter().enumerate() {
            shares[index % servers].parts.push((index, part));
        }
        shares
    }

    /// Has a server begin with its parts, which answers with their shares of the sums.
    fn begin(
        &self,
        share: &Share,
        parameters: &Parameters,
        elapsed: Elapsed,
        noise: &Noise,
    ) -> impl FnOnce() -> Result<(Reader, Words)> + use<> {
        let (portions, tensors): (Vec<_>, Vec<_>) =
            share.parts.iter().map(|(_, part)| Portion::of(part)).unzip();
        let request = Request::Begin {
            run: self.run,
            share: share.number,
            portions,
            elapsed: elapsed.0.to_bits(),
            noise: noise.clone(),
        };
        let numbers = parameters.0.iter().cloned().chain(tensors.into_iter().flatten()).collect();
        let count = self.sums * share.parts.len();
        ask(&*self.servers[share.number], &request, numbers, count)
    }

    /// Has a server go on to the end of its parts, which answers with what they contribute.
    fn finish(
        &self,
        share: &Share,
        sums: Option<Tensor<1>>,
        parameters: usize,
    ) -> impl FnOnce() -> Result<(Reader, Words)> + use<> {
        let request = Request::Finish { run: self.run, share: share.number };
        let of_part = |(_, part): &(usize, Part)| {
            let chains = chains(part).map_or(0, |[rows, dimensions]| rows * dimensions);
            parameters + MOST_TERMS + chains
        };
        let count = share.parts.iter().map(of_part).sum();
        ask(&*self.servers[share.number], &request, sums.into_iter().collect(), count)
    }
}

impl Share {
    /// Each part's share of the sums, `[count]`, with its place.
    fn sums(&self, (mut answer, _): (Reader, Words), count: usize) -> Vec<(usize, Tensor<1>)> {
        let parts = self.parts.iter().filter(|_| count > 0);
        parts.map(|(index, _)| (*index, answer.next(count))).collect()
    }

    /// What each part contributes, with its place.
    fn contributions<M: Module>(
        self,
        model: &M,
        (mut answer, words): (Reader, Words),
    ) -> Vec<(usize, Contribution)> {
        let names: Vec<_> = words.terms.iter().map(|name| interned(name)).collect();
        let contribution = |(index, part): (usize, Part)| {
            let gradients = returned(model, &mut answer, &words.learnt);
            let mut terms = Reader::of(answer.next(MOST_TERMS));
            let terms = names.iter().map(|name| (*name, terms.next(1))).collect();
            let chains = chains(&part).map(|[rows, dimensions]| {
                answer.next(rows * dimensions).reshape([rows, dimensions])
            });
            (index, (terms, gradients, chains))
        };
        self.parts.into_iter().map(contribution).collect()
    }
}

/// Shape of a part's chains, if it has some.
fn chains(part: &Part) -> Option<[usize; 2]> {
    part.chains.as_ref().map(Tensor::dims)
}

/// What belongs to the parts of all shares, in the order of the parts.
fn in_order<T>(shares: Vec<Vec<(usize, T)>>) -> impl Iterator<Item = T> {
    let mut all: Vec<_> = shares.into_iter().flatten().collect();
    all.sort_by_key(|(index, _)| *index);
    all.into_iter().map(|(_, of_part)| of_part)
}

/// All parameters of a model in the order of a visitor, without shapes and autodiff.
struct Parameters(Vec<Tensor<1>>);

impl Parameters {
    fn of<M: Module>(model: &M) -> Self {
        let mut parameters = Self(Vec::new());
        model.visit(&mut parameters);
        parameters
    }

    fn length(&self) -> usize {
        self.0.iter().map(|tensor| tensor.dims()[0]).sum()
    }
}

impl ModuleVisitor for Parameters {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.push(flat(param.val().inner()));
    }
}

/// The gradients of a model that come next, of those parameters that have one.
fn returned<M: Module>(model: &M, numbers: &mut Reader, learnt: &str) -> GradientsParams {
    struct Returned<'a> {
        numbers: &'a mut Reader,
        learnt: std::str::Chars<'a>,
        gradients: GradientsParams,
    }
    impl ModuleVisitor for Returned<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let shape = param.val().shape();
            let gradient = self.numbers.next(shape.num_elements());
            if self.learnt.next() == Some('1') {
                self.gradients.register(param.id, gradient.reshape::<D, _>(shape));
            }
        }
    }
    let gradients = GradientsParams::new();
    let mut returned = Returned { numbers, learnt: learnt.chars(), gradients };
    model.visit(&mut returned);
    returned.gradients
}

/// The name of a term, as the terms of this process have theirs. There are a few dozen.
fn interned(name: &str) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name) {
        return known;
    }
    let name: &'static str = Box::leak(name.to_owned().into_boxed_str());
    names.insert(name);
    name
}
