//! What a server answers: numbers, how many is known beforehand, and after them some words about them.

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::error::{Result, refuse, unfit};

/// Named terms that a part may have.
pub(super) const MOST_TERMS: usize = 64;

/// Numbers for the words: each stands for a byte of JSON.
const WORDS: usize = 4096;

/// The words.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Words {
    /// Why nothing was done.
    pub refusal: Option<String>,
    /// On how many parts a server works at a time.
    pub workers: usize,
    /// How many sums the parts of a batch must know of each other.
    pub sums: usize,
    /// Names of the terms.
    pub terms: Vec<String>,
    /// Which parameters have a gradient: `1` for each that has one, `0` for the others. A list would fill the room of the words for
    /// networks of some hundred layers.
    pub learnt: String,
}

/// Length of an answer with so many numbers.
pub(super) fn length(numbers: usize) -> usize {
    numbers + WORDS
}

/// An answer of that length. One that does not fit says so.
pub(super) fn written(
    mut numbers: Vec<Tensor<1>>,
    words: &Words,
    length: usize,
    device: &Device,
) -> Tensor<1> {
    let count: usize = numbers.iter().map(|tensor| tensor.dims()[0]).sum();
    let room = length.saturating_sub(WORDS);
    let mut text = serde_json::to_vec(words).unwrap_or_default();
    if words.refusal.is_some() || count != room || text.len() > WORDS {
        let unfit = "an answer has another length than was asked for; build both programs from the same source";
        let refusal = words.refusal.clone().unwrap_or_else(|| unfit.to_owned());
        // Escaped, a character takes six bytes at most.
        let refusal = refusal.chars().take(WORDS / 8).collect();
        let words = Words { refusal: Some(refusal), ..Words::default() };
        text = serde_json::to_vec(&words).unwrap_or_default();
        numbers = (room > 0).then(|| Tensor::zeros([room], device)).into_iter().collect();
    }
    text.resize(WORDS, b' ');
    let text: Vec<f32> = text.into_iter().map(f32::from).collect();
    numbers.push(Tensor::from_floats(&text[..], device));
    Tensor::cat(numbers, 0)
}

/// The numbers of an answer, and its words.
///
/// # Errors
/// If it says why nothing was done, or is none.
#[allow(clippy::disallowed_methods, reason = "no browser has servers")]
pub(super) fn read(answer: Tensor<1>) -> Result<(Tensor<1>, Words)> {
    let [length] = answer.dims();
    let room = length.saturating_sub(WORDS);
    let text = answer.clone().slice_dim(0, room..length).into_data().try_to_vec::<f32>();
    let text = text.map_err(|error| unfit!("an answer is none: {error:?}"))?;
    let text: Vec<u8> = text.into_iter().map(|number| number as u8).collect();
    let words: Words = serde_json::from_slice(&text).map_err(|_| {
        unfit!(
            "a server gives an answer that says nothing; build both programs from the same source"
        )
    })?;
    match words.refusal {
        Some(refusal) => refuse!("{refusal}"),
        None => Ok((answer, words)),
    }
}

/// Numbers of an answer, one after another.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    numbers: Tensor<1>,
    at: usize,
}

impl Reader {
    pub fn of(numbers: Tensor<1>) -> Self {
        Self { numbers, at: 0 }
    }

    /// The next ones, `[count]`.
    ///
    /// # Panics
    /// If there are fewer: their length is that which was asked for.
    pub fn next(&mut self, count: usize) -> Tensor<1> {
        self.at += count;
        self.numbers.clone().slice_dim(0, self.at - count..self.at)
    }
}
