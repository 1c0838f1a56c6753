//! What was seen in pictures while they were decoded: what is to say about them, and which are refused.

use anyhow::{Result, bail};
use gleaner_core::data::formats::picture::Picture;
use gleaner_core::data::profile::LeftOut;

use super::picture_files::counted;

/// Pictures to learn from with 16 bits a channel that use less than half of their range are of 10, 12 or 14 bits: the
/// upper 8 would be nearly black, and how they were meant differs from camera to camera.
const HALF_OF_16_BITS: u16 = 1 << 15;
/// Of few new pictures, all can be dark. The upper 8 bits of values below this one are 0 to 15.
const BLACK_OF_16_BITS: u16 = 1 << 12;

/// Files that could not be decoded, and what was seen in the others.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// Why, in the order of the files.
    pub failures: Vec<String>,
    /// Pictures of which pixels are not opaque.
    transparent: usize,
    /// Pictures that are the first of several in their file.
    first_of_several: usize,
    /// How many have 16 bits a channel, and the largest value of them.
    of_16_bits: (usize, u16),
}

impl Findings {
    /// Adds what was seen later.
    pub fn append(&mut self, other: Self) {
        self.failures.extend(other.failures);
        self.transparent += other.transparent;
        self.first_of_several += other.first_of_several;
        self.of_16_bits.0 += other.of_16_bits.0;
        self.of_16_bits.1 = self.of_16_bits.1.max(other.of_16_bits.1);
    }

    /// Adds what was seen in a picture.
    pub fn add(&mut self, seen: &Seen) {
        self.transparent += usize::from(seen.transparent);
        self.first_of_several += usize::from(seen.first_of_several);
        if let Some(highest) = seen.highest_of_16_bits {
            self.of_16_bits.0 += 1;
            self.of_16_bits.1 = self.of_16_bits.1.max(highest);
        }
    }

    /// An error if pictures to learn from have 16 bits a channel and would be nearly black.
    pub fn refuse_dark(&self, source: &str) -> Result<()> {
        // The least divisor by which all values have 8 bits.
        let divisor = usize::from(self.of_16_bits.1) / 256 + 1;
        let remedy = format!("save all with 8 bits: (pixels // {divisor}).astype(\"uint8\")");
        self.refuse_below(HALF_OF_16_BITS, source, &remedy)
    }

    /// An error if new pictures have 16 bits a channel and would be nearly black.
    pub fn refuse_black(&self, source: &str) -> Result<()> {
        let remedy = "save all with 8 bits, the same way as those that the model was trained on";
        self.refuse_below(BLACK_OF_16_BITS, source, remedy)
    }

    fn refuse_below(&self, least: u16, source: &str, remedy: &str) -> Result<()> {
        let (count, highest) = self.of_16_bits;
        if count == 0 || highest >= least {
            return Ok(());
        }
        let have = counted(count, "picture has", "pictures have");
        bail!(
            "{source}: {have} 16 bits a channel and values up to {highest} of 65535, whose upper 8 bits are nearly \
             black; {remedy}"
        );
    }

    /// What is to say about the pictures that were decoded.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.transparent > 0 {
            let have = counted(self.transparent, "picture has", "pictures have");
            notes.push(format!("{have} transparent pixels, which are laid over white"));
        }
        if self.first_of_several > 0 {
            let hold = counted(self.first_of_several, "file holds", "files hold");
            notes
                .push(format!("{hold} several pictures, an animation or pages: the first is used"));
        }
        let (deep, highest) = self.of_16_bits;
        if deep > 0 {
            let have = counted(deep, "picture has", "pictures have");
            notes.push(format!(
                "{have} 16 bits a channel: the upper 8 are used, values up to {} of 255",
                highest >> 8
            ));
        }
        notes
    }

    /// Says it.
    pub fn left_out(&self) -> Option<LeftOut> {
        let first = self.failures.first()?;
        let count = counted(self.failures.len(), "picture", "pictures");
        Some(LeftOut::new(count, format!("cannot be decoded; the first is {first}")))
    }
}

/// What was seen in one picture.
pub(super) struct Seen {
    transparent: bool,
    first_of_several: bool,
    highest_of_16_bits: Option<u16>,
}

impl Seen {
    /// What is known of a decoded picture.
    pub fn of(picture: &Picture) -> Self {
        let Picture { transparent, first_of_several, highest_of_16_bits, .. } = *picture;
        Self { transparent, first_of_several, highest_of_16_bits }
    }
}

/// An error if there are several pictures and all are the same, of `size` values each.
pub(super) fn refuse_alike<'a>(
    pixels: impl IntoIterator<Item = &'a [u8]>,
    size: usize,
    findings: &Findings,
    source: &str,
) -> Result<()> {
    let mut pictures = pixels.into_iter().flat_map(|pixels| pixels.chunks_exact(size.max(1)));
    let Some(first) = pictures.next() else { return Ok(()) };
    let mut count = 1;
    for picture in pictures {
        if picture != first {
            return Ok(());
        }
        count += 1;
    }
    if count == 1 {
        return Ok(());
    }
    let notes = findings.notes();
    let said = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join("; ")) };
    bail!("{source}: all {count} pictures are the same{said}; give pictures that differ");
}
