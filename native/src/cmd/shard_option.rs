//! `--shard K/N`: the part of a draw that is asked for, and what is said of draws that are too large.

use anyhow::{Result, bail, ensure};
use gleaner_core::models::Shard;

use super::option_error::of_option;

/// Most values of x in one file: 2 GiB, and a few times that in memory while they are drawn.
const MOST_VALUES: usize = 1 << 29;

/// Most samples that shards share out: a shard draws the noise of those before it, too.
const MOST_SAMPLES: usize = 1 << 40;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its samples.
    pub shard: Shard,
    /// `[K, N]`; none where all of the draw is.
    pub numbers: Option<[usize; 2]>,
}

impl Asked {
    /// Of a draw of `per_class` samples of each class.
    ///
    /// # Errors
    /// No samples, no `K/N`, or no such shard.
    pub fn new(per_class: usize, text: Option<&str>) -> Result<Self> {
        ensure!(per_class > 0, "--per-class 0 is not valid: it must be at least 1");
        let Some(text) = text else {
            return Ok(Self { shard: Shard::whole(per_class), numbers: None });
        };
        let number =
            |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse());
        let numbers = text.split_once('/').and_then(|(k, n)| number(k).zip(number(n)));
        let Some((Ok(k), Ok(n))) = numbers else {
            let text = if text.is_empty() { "\"\"" } else { text };
            bail!("--shard {text} is not valid: write which shard of how many, as in --shard 1/4");
        };
        let shard = Shard::of(per_class, k, n).map_err(of_option)?;
        Ok(Self { shard, numbers: Some([k, n]) })
    }

    /// Refuses more values, of `values` for each class and sample, than one file can hold.
    ///
    /// # Errors
    /// As said.
    pub fn ensure_fits(&self, classes: usize, features: usize) -> Result<()> {
        let (per_class, of_row) = (self.shard.per_class(), classes.saturating_mul(features));
        let values = self.shard.each().saturating_mul(of_row);
        if values > MOST_VALUES {
            let most = (MOST_VALUES / of_row).max(1);
            bail!(
                "{} gives {values} values, more than the limit of {MOST_VALUES}; {}",
                self.named(),
                self.remedy(per_class.div_ceil(most))
            );
        }
        ensure!(
            per_class.saturating_mul(classes) <= MOST_SAMPLES,
            "--per-class {per_class} is not valid: all shards together have at most {MOST_SAMPLES} samples; draw several times \
             with different --seed"
        );
        Ok(())
    }

    /// The options that asked for it.
    pub fn named(&self) -> String {
        let per_class = format!("--per-class {}", self.shard.per_class());
        match self.numbers {
            Some([k, n]) => format!("{per_class} --shard {k}/{n}"),
            None => per_class,
        }
    }

    /// What to do where there is no room for so much.
    pub fn in_smaller(&self) -> String {
        let [_, count] = self.numbers.unwrap_or([1, 1]);
        self.remedy(count.saturating_mul(2))
    }

    fn remedy(&self, count: usize) -> String {
        match self.shard.each() {
            1 => "a shard has no fewer samples".to_owned(),
            _ => {
                let count = count.min(self.shard.per_class());
                format!("draw it in {count} shards, the first with --shard 1/{count}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_shard_is_refused_by_what_to_type() {
        for text in ["3", "/", "1/", "/4", "1/4/2", "-1/4", "+1/4", "1 /4", "a/b", "0.5/2"] {
            let error = Asked::new(10, Some(text)).unwrap_err().to_string();
            let start = format!("--shard {text} is not valid: ");
            assert!(
                error.starts_with(&start) && error.ends_with("as in --shard 1/4"),
                "{text:?}: {error}"
            );
        }
        let huge = format!("1/{}0", usize::MAX);
        assert!(Asked::new(10, Some(&huge)).is_err());
        assert_eq!(Asked::new(10, Some("2/4")).unwrap().numbers, Some([2, 4]));
    }

    #[test]
    fn the_advice_is_enough() {
        let asked = Asked::new(1_000_000, None).unwrap();
        let error = asked.ensure_fits(10, 784).unwrap_err().to_string();
        let advised = error.rsplit_once("--shard ").unwrap().1;
        Asked::new(1_000_000, Some(advised)).unwrap().ensure_fits(10, 784).unwrap();
        let error = Asked::new(1 << 50, Some("1/1125899906842624")).unwrap();
        assert!(error.ensure_fits(10, 784).unwrap_err().to_string().contains("different --seed"));
    }
}
