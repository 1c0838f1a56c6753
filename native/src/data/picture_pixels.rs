//! Many picture files to pixels of one shape, on several threads.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use gleaner_core::data::formats::picture::{PictureHead, decode_picture, picture_head};
use gleaner_core::data::profile::LeftOut;
use rayon::prelude::*;

use super::picture_files::{counted, find};
use super::picture_findings::{Findings, Seen};
use crate::system::memory;
use crate::system::threads::resolved;

/// Pictures whose longer side has more pixels than this are reduced to it, unless a size is asked for.
const LONGEST_SIDE: usize = 64;
/// The largest side that can be asked for.
const MAX_SIDE: usize = 16_384;
/// Pictures that take more bytes than this are large.
const LARGE: u64 = 32 << 20;
/// No file of a picture is larger.
const MAX_FILE: u64 = 1 << 30;
/// Headers are looked for in as many bytes first. The small copies that cameras put in front take up to 64 KiB.
const HEAD: u64 = 128 << 10;

/// Pictures, all of the same shape.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pictures {
    /// Where each comes from.
    pub files: Vec<PathBuf>,
    /// Their pixels one after another, each `[height, width, channels]`.
    pub pixels: Vec<u8>,
    /// The class of each; -1 without a label.
    pub labels: Vec<i64>,
}

/// Any pictures below a path, a file or a folder, brought to `[height, width, channels]`, where channels are 1 or 3, by
/// `workers` threads (0: one for each core): for prediction with a trained model. They come in sorted order, without
/// labels. Beside them stand what is left out and what was noticed, a sentence each.
///
/// # Errors
/// If there is no picture, none can be decoded, they have 16 bits a channel and would be nearly black, or the shape is
/// not that of a picture.
pub fn read_pictures(
    path: &Path,
    shape: [usize; 3],
    workers: usize,
) -> Result<(Pictures, Vec<LeftOut>, Vec<String>)> {
    let source = path.display();
    if !matches!(shape[2], 1 | 3) {
        bail!("{source}: pictures have 1 or 3 channels, but {} are wanted; give an .npz", shape[2]);
    }
    let (files, mut left_out) = below(path)?;
    if files.is_empty() {
        bail!(
            "{source}: no pictures found{}; give a folder with png, jpg, bmp, webp, gif, pnm or tif files in it",
            found(&left_out)
        );
    }
    let files = files.into_iter().map(|file| (file, -1)).collect();
    let (pictures, findings) = load(files, shape, &pool(workers)?)?;
    if pictures.files.is_empty() {
        bail!("none of the pictures can be decoded: {}", findings.failures.join("; "));
    }
    findings.refuse_black(&source.to_string())?;
    left_out.extend(findings.left_out());
    Ok((pictures, left_out, findings.notes()))
}

/// The pictures below a path, or the one that it is.
pub(super) fn below(path: &Path) -> Result<(Vec<PathBuf>, Vec<LeftOut>)> {
    if path.is_file() {
        return Ok((vec![path.to_owned()], Vec::new()));
    }
    let (folder, left_out) = find(path, None)?;
    Ok((folder.pictures(), left_out))
}

/// What was found instead of pictures, for a message.
pub(super) fn found(left_out: &[LeftOut]) -> String {
    match left_out {
        [] => ", the folder is empty".to_owned(),
        all => {
            let what: Vec<&str> = all.iter().map(|left_out| left_out.what.as_str()).collect();
            format!(" (found: {})", what.join(", "))
        }
    }
}

/// Threads of their own: `workers`, or one for each core.
pub(super) fn pool(workers: usize) -> Result<rayon::ThreadPool> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(resolved(workers))
        .thread_name(|index| format!("pictures {index}"))
        .build()
        .context("the system refuses more threads; try --threads 1")
}

/// The header of every file, or why there is none.
pub(super) fn heads(files: &[&Path], pool: &rayon::ThreadPool) -> Vec<Result<PictureHead, String>> {
    pool.install(|| files.par_iter().map_init(Vec::new, |bytes, file| head(file, bytes)).collect())
}

fn head(path: &Path, bytes: &mut Vec<u8>) -> Result<PictureHead, String> {
    let source = path.display().to_string();
    read(path, HEAD, bytes)?;
    let found = picture_head(bytes, &source);
    if found.is_ok() || (bytes.len() as u64) < HEAD {
        return found.map_err(|error| error.to_string());
    }
    read(path, MAX_FILE, bytes)?;
    picture_head(bytes, &source).map_err(|error| error.to_string())
}

/// Reads a file into `bytes`, but not more than `limit` of it.
fn read(path: &Path, limit: u64, bytes: &mut Vec<u8>) -> Result<(), String> {
    bytes.clear();
    let file = File::open(path).and_then(|file| file.take(limit).read_to_end(bytes));
    file.map(drop).map_err(|error| format!("{}: cannot be read ({error})", path.display()))
}

/// Decodes files and brings them to one shape; those that cannot be decoded are missing in the result.
///
/// # Errors
/// If the pixels are more than can be held.
pub(super) fn load(
    files: Vec<(PathBuf, i64)>,
    shape: [usize; 3],
    pool: &rayon::ThreadPool,
) -> Result<(Pictures, Findings)> {
    let size: usize = shape.iter().product();
    let [height, width, _] = shape;
    let what = format!("{} pictures of {height} x {width}", files.len());
    let bytes = (files.len() as u64).saturating_mul(size as u64);
    memory::ensure_free(bytes, &what, "give a smaller --size")?;
    let mut pixels: Vec<u8> = Vec::new();
    // What is free is an estimate, and may be taken by somebody else by now.
    let reserved = pixels.try_reserve_exact(files.len() * size);
    reserved.with_context(|| format!("{what} do not fit the memory; give a smaller --size"))?;
    pixels.resize(files.len() * size, 0);
    let decoded: Vec<Result<Seen, String>> = pool.install(|| {
        let slots = pixels.par_chunks_exact_mut(size).zip(&files);
        slots
            .map_init(Vec::new, |bytes, (slot, (file, _))| decode(file, slot, shape, bytes))
            .collect()
    });
    let (mut pictures, mut findings) = (Pictures::default(), Findings::default());
    for (at, ((file, label), outcome)) in files.into_iter().zip(decoded).enumerate() {
        match outcome {
            Ok(seen) => {
                findings.add(&seen);
                // The pictures after one that failed move up.
                let kept = pictures.files.len();
                if kept != at {
                    pixels.copy_within(at * size..(at + 1) * size, kept * size);
                }
                pictures.files.push(file);
                pictures.labels.push(label);
            }
            Err(failure) => findings.failures.push(failure),
        }
    }
    pixels.truncate(pictures.files.len() * size);
    pictures.pixels = pixels;
    Ok((pictures, findings))
}

/// The headers of pictures that lie in a table, one in each row. `called` is what a row is called in a message.
///
/// # Errors
/// One cannot be read.
pub(super) fn heads_of_rows(
    files: &[Vec<u8>],
    called: impl Fn(usize) -> String + Sync,
) -> Result<Vec<PictureHead>> {
    pool(0)?.install(|| {
        let rows = files.par_iter().enumerate();
        rows.map(|(row, bytes)| Ok(picture_head(bytes, &called(row))?)).collect()
    })
}

/// These pictures brought to one shape, and what was seen in them.
///
/// # Errors
/// One cannot be decoded.
pub(super) fn decode_rows(
    files: &[Vec<u8>],
    shape: [usize; 3],
    called: impl Fn(usize) -> String + Sync,
) -> Result<(Vec<u8>, Findings)> {
    let decoded: Vec<(Vec<u8>, Seen)> = pool(0)?.install(|| {
        let rows = files.par_iter().enumerate().map(|(row, bytes)| {
            let picture = decode_picture(bytes, &called(row))?;
            let seen = Seen::of(&picture);
            Ok((picture.fitted(shape).pixels, seen))
        });
        rows.collect::<Result<_>>()
    })?;
    let mut findings = Findings::default();
    decoded.iter().for_each(|(_, seen)| findings.add(seen));
    let pixels = decoded.into_iter().flat_map(|(pixels, _)| pixels).collect();
    Ok((pixels, findings))
}

/// Whether there is memory for a large picture before it is decoded, with 4 bytes a pixel.
fn ensure_room(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let source = path.display().to_string();
    let head = picture_head(bytes, &source).map_err(|error| error.to_string())?;
    let needed = head.size.iter().fold(4, |all: u64, &side| all.saturating_mul(side as u64));
    // Looking takes longer than decoding a small one.
    if needed < LARGE {
        return Ok(());
    }
    let [height, width] = head.size;
    let what = format!("{source}: a picture of {height} x {width}");
    memory::ensure_free(needed, &what, "make it smaller").map_err(|error| error.to_string())
}

/// Decodes one file into its slot.
fn decode(
    path: &Path,
    slot: &mut [u8],
    shape: [usize; 3],
    bytes: &mut Vec<u8>,
) -> Result<Seen, String> {
    read(path, MAX_FILE, bytes)?;
    ensure_room(path, bytes)?;
    let picture =
        decode_picture(bytes, &path.display().to_string()).map_err(|error| error.to_string())?;
    let seen = Seen::of(&picture);
    slot.copy_from_slice(&picture.fitted(shape).pixels);
    Ok(seen)
}

/// The shape that all pictures are brought to, and what is to say about it.
///
/// # Errors
/// If the size asked for is none.
pub(super) fn common_shape(
    heads: &[PictureHead],
    asked: Option<[usize; 2]>,
) -> Result<([usize; 3], Vec<String>)> {
    let mut notes = Vec::new();
    let grey = heads.iter().filter(|head| head.grey).count();
    let colour = heads.len() - grey;
    if grey > 0 && colour > 0 {
        notes.push(format!(
            "{} and {colour} in colour: the grey ones are used as colour, their value repeated in red, green and blue",
            counted(grey, "picture is grey", "pictures are grey")
        ));
    }
    let size = match asked {
        Some([height, width]) => {
            if [height, width].iter().any(|side| !(1..=MAX_SIDE).contains(side)) {
                bail!(
                    "--size {height}x{width}: a side has 1 to {MAX_SIDE} pixels; give height and width, as in 32x32"
                );
            }
            [height, width]
        }
        None => common_size(heads, &mut notes),
    };
    notes.extend(resizing(heads, size, asked.is_some()));
    Ok(([size[0], size[1], if colour > 0 { 3 } else { 1 }], notes))
}

/// The most common size, reduced if it is large. Among those that are as common as each other, the middle one by area:
/// in a folder of photographs no two of which have the same size, it is like most of them.
fn common_size(heads: &[PictureHead], notes: &mut Vec<String>) -> [usize; 2] {
    let mut counts = BTreeMap::new();
    for head in heads {
        *counts.entry(head.size).or_insert(0usize) += 1;
    }
    let most = counts.values().copied().max().unwrap_or_default();
    let mut best: Vec<[usize; 2]> =
        counts.iter().filter(|&(_, &count)| count == most).map(|(&size, _)| size).collect();
    best.sort_by_key(|size| (size[0] * size[1], *size));
    let common = best.get(best.len() / 2).copied().unwrap_or([1, 1]);
    let longest = common[0].max(common[1]);
    let size = if longest > LONGEST_SIDE {
        common.map(|side| ((side * LONGEST_SIDE + longest / 2) / longest).max(1))
    } else {
        common
    };
    if size != common {
        notes.push(format!(
            "the pictures are reduced from {} to {} (height x width); --size HxW chooses another size",
            written(common),
            written(size)
        ));
    }
    size
}

/// What is to say about pictures of other sizes than the one of all.
fn resizing(heads: &[PictureHead], size: [usize; 2], asked: bool) -> Option<String> {
    let by_area = |head: &&PictureHead| (head.size[0] * head.size[1], head.size);
    let (smallest, largest) =
        (heads.iter().min_by_key(by_area)?, heads.iter().max_by_key(by_area)?);
    let other = heads.iter().filter(|head| head.size != size).count();
    let mixed = heads.iter().any(|head| head.size != smallest.size);
    if other == 0 || !(mixed || asked) {
        return None;
    }
    let have = if mixed {
        format!(
            "the pictures have different sizes, {} to {} (height x width): ",
            written(smallest.size),
            written(largest.size)
        )
    } else {
        format!("the pictures are {} (height x width): ", written(smallest.size))
    };
    let stretched = heads.iter().filter(|head| is_stretched(head.size, size)).count();
    let stretched = match stretched {
        0 => String::new(),
        count => format!(", {}", counted(count, "is stretched for it", "are stretched for it")),
    };
    let resized = counted(other, "is resized", "are resized");
    let way = if asked { "; the size was asked for" } else { "; --size HxW chooses another size" };
    Some(format!("{have}{resized} to {}{stretched}{way}", written(size)))
}

/// Whether proportions change by more than a twentieth. Rounding a small size to whole pixels changes them by less.
fn is_stretched(old: [usize; 2], new: [usize; 2]) -> bool {
    let ratio = (old[0] * new[1]) as f64 / (old[1] * new[0]).max(1) as f64;
    !(1.0 / 1.05..=1.05).contains(&ratio)
}

fn written([height, width]: [usize; 2]) -> String {
    format!("{height} x {width}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(height: usize, width: usize, grey: bool) -> PictureHead {
        PictureHead { size: [height, width], grey }
    }

    #[test]
    fn the_most_common_size_is_taken_and_large_ones_are_reduced() {
        let (shape, notes) =
            common_shape(&[head(8, 9, true), head(20, 10, true), head(8, 9, true)], None).unwrap();
        assert_eq!(shape, [8, 9, 1]);
        assert_eq!(notes.len(), 1);
        assert!(notes[0].contains("8 x 9 to 20 x 10"), "{notes:?}");
        assert!(notes[0].contains("1 is resized to 8 x 9, 1 is stretched"), "{notes:?}");
        let (shape, notes) = common_shape(&[head(480, 640, false); 3], None).unwrap();
        assert_eq!(shape, [48, 64, 3]);
        assert_eq!(notes.len(), 1);
        assert!(notes[0].contains("reduced from 480 x 640 to 48 x 64"), "{notes:?}");
        assert_eq!(common_shape(&[head(3000, 2, true)], None).unwrap().0, [64, 1, 1]);
        assert_eq!(common_shape(&[head(64, 64, true)], None).unwrap(), ([64, 64, 1], vec![]));
        // No two alike: the middle one.
        let photographs = [head(40, 50, true), head(60, 60, true), head(10, 10, true)];
        assert_eq!(common_shape(&photographs, None).unwrap().0, [40, 50, 1]);
    }

    #[test]
    fn a_size_that_is_asked_for_is_taken_as_it_is() {
        let (shape, notes) = common_shape(&[head(480, 640, false)], Some([96, 128])).unwrap();
        assert_eq!(shape, [96, 128, 3]);
        assert!(notes[0].contains("are 480 x 640") && notes[0].contains("asked for"), "{notes:?}");
        assert_eq!(common_shape(&[head(9, 8, true)], Some([9, 8])).unwrap(), ([9, 8, 1], vec![]));
        for wrong in [[0, 5], [5, 20_000]] {
            let error = common_shape(&[head(9, 8, true)], Some(wrong)).unwrap_err().to_string();
            assert!(error.contains("--size"), "{error}");
        }
    }

    #[test]
    fn headers_beyond_the_first_bytes_are_found() {
        // An application segment of 65,533 bytes, three times: more than is read at first.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jpg");
        image::GrayImage::new(30, 20).save(&path).unwrap();
        let mut jpeg = std::fs::read(&path).unwrap();
        let segment = [&[0xFF, 0xEF, 0xFF, 0xFF][..], &[0; 65_533]].concat();
        jpeg.splice(2..2, segment.repeat(3));
        assert!(jpeg.len() as u64 > HEAD);
        std::io::Write::write_all(&mut File::create(&path).unwrap(), &jpeg).unwrap();
        let found = heads(&[&path], &pool(1).unwrap());
        assert_eq!(found, [Ok(head(20, 30, true))]);
    }
}
