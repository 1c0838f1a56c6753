//! `samples.txt`: the words of each class and of samples, for texts.

use std::fmt::Write as _;

use anyhow::{Result, ensure};
use gleaner_core::infer;
use gleaner_core::models::{Architecture as _, ModelConfig};
use gleaner_core::noise::Noise;
use gleaner_core::sample;
use gleaner_core::workers::InTurn;

use super::Subject;

/// Samples of each class that its words are averaged over.
const DRAWN: usize = 50;

/// Samples of each class that are shown.
const SHOWN: usize = 5;

/// Words in a line.
const WORDS: usize = 15;

/// Of each class the words that are most probable and those that tell it from the others, and some samples: the
/// most probable words at one draw of the latent variables. For a model that knows no classes, the samples alone.
///
/// # Errors
/// If there is not a word for every column, or the device fails.
pub fn samples(
    subject: &Subject<'_>,
    words: &[String],
    classes: &[String],
    seed: u64,
) -> Result<String> {
    let Subject { config, model, device } = *subject;
    ensure!(
        words.len() == config.features(),
        "vocabulary.txt has {} words, but the model has {}; copy the run again",
        words.len(),
        config.features()
    );
    let mut noise = Noise::new(seed).split("pictures");
    let samples = sample::class_conditional(model, DRAWN, &mut noise, device, &InTurn);
    pollster::block_on(infer::drawn(model, samples.z))?;
    let counts = pollster::block_on(infer::finite("the drawn texts", samples.x))?;
    let by_class: Vec<&[f32]> = counts.chunks_exact(DRAWN * words.len()).collect();
    if matches!(config, ModelConfig::M1(_)) {
        return Ok(shown(&counts, words));
    }
    let profiles: Vec<Vec<f64>> =
        by_class.iter().map(|counts| frequencies(counts, words.len())).collect();
    let mut text = String::new();
    for ((class, profile), counts) in classes.iter().zip(&profiles).zip(by_class) {
        let _ = writeln!(text, "{class}");
        let _ = writeln!(text, "  most probable: {}", top(profile, words));
        let _ = writeln!(text, "  distinctive:   {}", top(&telling(profile, &profiles), words));
        text += &shown(counts, words);
    }
    Ok(text)
}

/// A line of words for each of the first samples.
fn shown(counts: &[f32], words: &[String]) -> String {
    let mut text = String::new();
    for (number, row) in counts.chunks_exact(words.len()).take(SHOWN).enumerate() {
        let _ = writeln!(text, "  sample {}:      {}", number + 1, top(row, words));
    }
    text
}

/// Share of each word in all counts.
fn frequencies(counts: &[f32], words: usize) -> Vec<f64> {
    let mut sums = vec![0.0; words];
    for row in counts.chunks_exact(words) {
        sums.iter_mut().zip(row).for_each(|(sum, &count)| *sum += f64::from(count));
    }
    let total: f64 = sums.iter().sum();
    sums.into_iter().map(|sum| sum / total).collect()
}

/// What each word adds to the divergence of one class from the mean of all.
fn telling(profile: &[f64], profiles: &[Vec<f64>]) -> Vec<f64> {
    let mean = |word: usize| {
        profiles.iter().map(|profile| profile[word]).sum::<f64>() / profiles.len() as f64
    };
    let gain = |(word, &share): (usize, &f64)| {
        if share > 0.0 { share * (share / mean(word)).ln() } else { 0.0 }
    };
    profile.iter().enumerate().map(gain).collect()
}

/// The words with the largest values, largest first.
fn top<T: PartialOrd + Copy>(values: &[T], words: &[String]) -> String {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| {
        values[b].partial_cmp(&values[a]).unwrap_or(std::cmp::Ordering::Equal).then(a.cmp(&b))
    });
    let names: Vec<&str> = order.iter().take(WORDS).map(|&word| words[word].as_str()).collect();
    names.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telling_words_are_those_that_others_lack() {
        let words: Vec<String> = ["said", "goal", "bank"].map(str::to_owned).to_vec();
        let profiles = [
            frequencies(&[5.0, 4.0, 1.0, 5.0, 4.0, 1.0], 3),
            frequencies(&[50.0, 10.0, 40.0, 50.0, 10.0, 40.0], 3),
        ];
        assert!((profiles[0].iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert_eq!(top(&profiles[0], &words), "said goal bank");
        assert_eq!(top(&telling(&profiles[0], &profiles), &words), "goal said bank");
        assert_eq!(top(&telling(&profiles[1], &profiles), &words), "bank said goal");
    }
}
