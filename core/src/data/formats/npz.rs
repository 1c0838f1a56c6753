//! NPZ: a ZIP archive of NPY arrays, the format of sample files and of the user's own data.

use std::io::{Cursor, Read, Seek, SeekFrom, Write};

use zip::read::ZipFile;
use zip::result::{ZipError, ZipResult};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZIP64_BYTES_THR, ZipArchive, ZipWriter};

use super::npy::{NpyArray, NpyReader, NpyValues, header};
use super::npy_values::width;
use crate::data::{Dataset, Examples, Values};
use crate::error::{Error, Result};

/// Labels above this are not class indices.
const MAX_CLASSES: i64 = 10_000;

/// What to do about an archive that cannot be read at all.
const WRITE_ANEW: &str = "write it again with numpy.savez or with the program that made it";

/// What to do about a file of another kind.
const GIVE_ONE: &str = "give one that numpy.savez or gleaner sample wrote";

/// The first bytes of every archive.
const SIGNATURE: &[u8] = b"PK";

pub(super) const REMEDY: &str =
    "save it with numpy.savez(path, x=..., y=...), y = -1 where unlabelled";

/// An open archive: arrays are read one by one, on request.
pub struct Npz<'a, R = Cursor<&'a [u8]>> {
    pub(super) archive: ZipArchive<R>,
    pub(super) source_name: &'a str,
    /// Bytes of the archive.
    pub(super) length: u64,
    /// Bytes that an array may take in memory.
    pub(super) room: u64,
}

impl<'a> Npz<'a> {
    /// Reads the directory of an archive in memory.
    ///
    /// # Errors
    /// Empty, truncated, or not a ZIP archive.
    pub fn open(bytes: &'a [u8], source_name: &'a str) -> Result<Self> {
        Self::from_reader(Cursor::new(bytes), source_name)
    }
}

impl<'a, R: Read + Seek> Npz<'a, R> {
    /// Reads the directory of an archive that need not fit into memory.
    ///
    /// # Errors
    /// Empty, truncated, or not a ZIP archive.
    pub fn from_reader(mut reader: R, source_name: &'a str) -> Result<Self> {
        let unreadable = |problem: String| Error::data(source_name, problem, WRITE_ANEW);
        let failed = |error| unreadable(format!("the archive cannot be read ({error})"));
        let mut start = Vec::new();
        reader.by_ref().take(SIGNATURE.len() as u64).read_to_end(&mut start).map_err(failed)?;
        let length = reader.seek(SeekFrom::End(0)).map_err(failed)?;
        if length == 0 {
            return Err(Error::data(source_name, "the file is empty", WRITE_ANEW));
        }
        let archive = ZipArchive::new(reader).map_err(|_| match start == SIGNATURE {
            // The reader would say which of its own records it misses.
            true => unreadable("truncated or damaged .npz archive".to_owned()),
            false => Error::data(source_name, "this is no .npz archive", GIVE_ONE),
        })?;
        Ok(Self { archive, source_name, length, room: u64::MAX })
    }

    /// The same where an array may take so many bytes of memory, of which the caller knows how many are free.
    #[must_use]
    pub fn within(self, room: u64) -> Self {
        Self { room, ..self }
    }

    /// What messages call the archive.
    pub(super) fn source_name(&self) -> &'a str {
        self.source_name
    }

    /// Names of the arrays.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let names = (0..self.archive.len()).filter_map(|index| self.archive.name_for_index(index));
        names.filter_map(|name| Some(name.ok()?.strip_suffix(".npy")?.to_owned())).collect()
    }

    /// The array `name`, or `None` when the archive has none of that name.
    ///
    /// # Errors
    /// The member is damaged, too large, or not a readable array.
    pub fn find(&mut self, name: &str) -> Result<Option<NpyArray>> {
        let (length, room) = (self.length, self.room);
        let Some((member, source_name)) = self.member(name)? else { return Ok(None) };
        let size = member.size();
        NpyReader::new(member, size, &source_name)?.within(room)?.trusting(length).all().map(Some)
    }

    /// The array `name`, of which no two numbers become one: float64 keeps its digits.
    ///
    /// # Errors
    /// As [`Npz::require`].
    pub fn labels(&mut self, name: &str) -> Result<NpyArray> {
        let (length, room) = (self.length, self.room);
        let Some((member, source_name)) = self.member(name)? else {
            return self.require(name);
        };
        let size = member.size();
        NpyReader::new(member, size, &source_name)?.within(room)?.trusting(length).in_double().all()
    }

    /// The least and the largest number of the array `name`, of which nothing stays in memory; `None` when the archive has
    /// none of that name. Words and NaN count for nothing: without a number, the least is above the largest.
    ///
    /// # Errors
    /// As [`Npz::find`].
    pub fn range(&mut self, name: &str) -> Result<Option<(f32, f32)>> {
        let Some((member, source_name)) = self.member(name)? else { return Ok(None) };
        let size = member.size();
        let (mut least, mut largest) = (f32::INFINITY, f32::NEG_INFINITY);
        let mut take = |value: f32| {
            least = least.min(value);
            largest = largest.max(value);
        };
        NpyReader::new(member, size, &source_name)?.pieces(|values| match values {
            NpyValues::U8(values) => values.into_iter().for_each(|value| take(value.into())),
            NpyValues::F32(values) => values.into_iter().for_each(&mut take),
            NpyValues::F64(values) => values.into_iter().for_each(|value| take(value as f32)),
            NpyValues::I64(values) => values.into_iter().for_each(|value| take(value as f32)),
            NpyValues::Text(_) => (),
        })?;
        Ok(Some((least, largest)))
    }

    /// The shape of the array `name`, whose values are not read; `None` when the archive has none of that name.
    ///
    /// # Errors
    /// As [`Npz::find`].
    pub fn shape(&mut self, name: &str) -> Result<Option<Vec<usize>>> {
        let Some((member, source_name)) = self.member(name)? else { return Ok(None) };
        let size = member.size();
        NpyReader::new(member, size, &source_name).map(|array| Some(array.header.shape))
    }

    /// The member of the array `name`, and what to call it.
    pub(super) fn member(&mut self, name: &str) -> Result<Option<(ZipFile<'_, R>, String)>> {
        let Some(index) = self.archive.index_for_name(&format!("{name}.npy")) else {
            return Ok(None);
        };
        let source_name = format!("{} ({name})", self.source_name);
        match self.member_at(index) {
            Ok(member) => Ok(Some((member, source_name))),
            Err(error) => Err(unopened(&source_name, &error)),
        }
    }

    /// The member at a place, packed as NumPy packs or not at all.
    pub(super) fn member_at(&mut self, index: usize) -> ZipResult<ZipFile<'_, R>> {
        let member = self.archive.by_index(index)?;
        match member.compression() {
            CompressionMethod::Stored | CompressionMethod::Deflated => Ok(member),
            _ => Err(ZipError::UnsupportedArchive("packed in a way that NumPy does not use")),
        }
    }

    /// The array `name`.
    ///
    /// # Errors
    /// As [`Npz::find`]; also no array of that name (the message lists those that are there).
    pub fn require(&mut self, name: &str) -> Result<NpyArray> {
        match self.find(name)? {
            Some(array) => Ok(array),
            None => Err(self.lacking(name)),
        }
    }

    /// That there is no array `name`, and which there are.
    pub(super) fn lacking(&self, name: &str) -> Error {
        let problem = format!("no array {name:?} (found {:?})", self.names());
        Error::data(self.source_name, problem, REMEDY)
    }
}

/// Why a member cannot be opened.
pub(super) fn unopened(source_name: &str, error: &ZipError) -> Error {
    if is_foreign(error) {
        let remedy = "save it with numpy.savez or numpy.savez_compressed";
        return Error::data(source_name, format!("cannot be unpacked ({error})"), remedy);
    }
    Error::data(source_name, format!("the archive is damaged ({error})"), REMEDY)
}

/// Whether a member is packed in a way that NumPy does not use, or has a password.
pub(super) fn is_foreign(error: &ZipError) -> bool {
    use ZipError::{CompressionMethodNotSupported, UnsupportedArchive};
    matches!(error, UnsupportedArchive(_) | CompressionMethodNotSupported(_))
}

/// The same data set with other examples: rows `x` for its training split and `x_test` for its test split, in
/// its order. What a network trained elsewhere makes of them, mostly.
///
/// # Errors
/// As [`Npz::require`]; also a number of rows that is not the data set's.
pub fn with_features(data: &Dataset, bytes: &[u8], source_name: &str) -> Result<Dataset> {
    let mut npz = Npz::open(bytes, source_name)?;
    let mut split = |name: &str, of: &Examples| {
        let y = NpyArray::i64(&[of.len()], of.labels.clone());
        examples(npz.require(name)?, &y, &format!("{source_name} ({name})"))
    };
    let (train, test) = (split("x", &data.train)?, split("x_test", &data.test)?);
    Dataset::new(&data.name, data.classes.clone(), train, test, source_name)
}

/// Puts `x` and `y` together.
///
/// # Errors
/// `x` is not `[n, features]`, `[n, height, width]` or `[n, height, width, channels]`, the numbers of rows differ, labels are
/// not whole numbers or out of range, or a value is NaN or infinite.
pub fn examples(x: NpyArray, y: &NpyArray, source_name: &str) -> Result<Examples> {
    let shape = match x.shape[..] {
        [_, height, width] => vec![height, width, 1],
        [_, ref rest @ ..] if !rest.is_empty() => rest.to_vec(),
        _ => {
            let problem = format!("x has shape {:?}", x.shape);
            return Err(Error::data(source_name, problem, "x needs one row per example: [n, ...]"));
        }
    };
    let labels = labels(y, source_name)?;
    if labels.len() != x.shape[0] {
        let problem = format!("{} labels in y for {} examples in x", labels.len(), x.shape[0]);
        return Err(Error::data(source_name, problem, "x and y need the same length"));
    }
    let values = match x.values {
        NpyValues::U8(values) => Values::U8(values),
        NpyValues::F32(values) => Values::F32(values),
        NpyValues::F64(values) => {
            Values::F32(values.into_iter().map(|value| value as f32).collect())
        }
        NpyValues::I64(values) => {
            Values::F32(values.into_iter().map(|value| value as f32).collect())
        }
        NpyValues::Text(_) => {
            return Err(Error::data(source_name, "x holds words", "give x as numbers"));
        }
    };
    Examples::new(values, shape, labels, source_name)
}

fn labels(y: &NpyArray, source_name: &str) -> Result<Vec<i64>> {
    let labels = match (&y.values, y.shape.len()) {
        (NpyValues::U8(values), 1) => values.iter().map(|&value| i64::from(value)).collect(),
        (NpyValues::I64(values), 1) => values.clone(),
        _ => {
            let problem = format!("y has shape {:?} or is not an integer array", y.shape);
            return Err(Error::data(
                source_name,
                problem,
                "y needs one integer per example: y.astype(int)",
            ));
        }
    };
    match labels.iter().position(|label| !(-1..MAX_CLASSES).contains(label)) {
        None => Ok(labels),
        Some(index) => {
            let problem = format!("label {} of example {index} is out of range", labels[index]);
            let remedy = "labels are 0, 1, 2, ... and -1 for an unlabelled example";
            Err(Error::data(source_name, problem, remedy))
        }
    }
}

/// Writes arrays as an archive that `numpy.load` reads; the same arrays give the same bytes.
///
/// # Errors
/// Two arrays have the same name, or an array is too large for a ZIP archive.
pub fn write_npz(arrays: &[(&str, NpyArray)]) -> Result<Vec<u8>> {
    let mut writer = NpzWriter::new(Cursor::new(Vec::new()));
    for (name, array) in arrays {
        writer.add(name, array)?;
    }
    writer.finish().map(Cursor::into_inner)
}

/// Writes an archive one array at a time, as [`write_npz`] does.
pub struct NpzWriter<W: Write + Seek> {
    writer: ZipWriter<W>,
}

impl<W: Write + Seek> NpzWriter<W> {
    /// An archive without arrays.
    pub fn new(out: W) -> Self {
        Self { writer: ZipWriter::new(out) }
    }

    /// Appends an array.
    ///
    /// # Errors
    /// Another array has that name, the array is too large for a ZIP archive, or `out` takes no more.
    pub fn add(&mut self, name: &str, array: &NpyArray) -> Result<()> {
        let header = header(array);
        let values = array.values.len() as u64 * width(&array.values.descr()) as u64;
        self.begin(&format!("{name}.npy"), header.len() as u64 + values)?;
        self.put(name, &header)?;
        array.values.write(&mut self.writer).map_err(|error| not_stored(name, &error))
    }

    /// Begins a member, of which so many bytes will be [`put`](Self::put).
    pub(super) fn begin(&mut self, member: &str, size: u64) -> Result<()> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .large_file(size >= ZIP64_BYTES_THR);
        self.writer.start_file(member, options).map_err(|error| not_stored(member, &error))
    }

    /// Appends bytes to the member that was begun last.
    pub(super) fn put(&mut self, member: &str, bytes: &[u8]) -> Result<()> {
        self.writer.write_all(bytes).map_err(|error| not_stored(member, &error))
    }

    /// Ends the archive and hands `out` back.
    ///
    /// # Errors
    /// `out` takes no more.
    pub fn finish(self) -> Result<W> {
        self.writer.finish().map_err(|error| {
            Error::data("archive", format!("cannot be closed ({error})"), "write fewer samples")
        })
    }
}

fn not_stored(name: &str, error: &dyn std::fmt::Display) -> Error {
    let remedy = "give every array its own name, and use a disk with enough space";
    Error::data(name, format!("cannot be stored ({error})"), remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &[u8]) -> Result<Examples> {
        let mut npz = Npz::open(bytes, "f.npz")?;
        examples(npz.require("x")?, &npz.require("y")?, "f.npz")
    }

    fn message(arrays: &[(&str, NpyArray)]) -> String {
        let bytes = write_npz(arrays).unwrap();
        parse(&bytes).unwrap_err().to_string()
    }

    fn x(rows: usize) -> NpyArray {
        NpyArray::f32(&[rows, 2], (0..2 * rows).map(|at| at as f32).collect())
    }

    fn y(labels: &[i64]) -> NpyArray {
        NpyArray::i64(&[labels.len()], labels.to_vec())
    }

    #[test]
    fn pixels_stay_bytes() {
        let pixels =
            NpyArray { shape: vec![2, 1, 2], values: NpyValues::U8(vec![0, 255, 51, 102]) };
        let set = examples(pixels, &y(&[0, 1]), "f").unwrap();
        assert_eq!(set.shape, [1, 2, 1]);
        assert_eq!(set.gather(&[1]), [0.2, 0.4]);
    }

    #[test]
    fn writing_is_deterministic_and_refuses_twins() {
        let arrays = [("x", x(2)), ("y", y(&[0, 1]))];
        assert_eq!(write_npz(&arrays).unwrap(), write_npz(&arrays).unwrap());
        assert!(write_npz(&[("x", x(1)), ("x", x(1))]).is_err());
    }

    #[test]
    fn an_array_beyond_the_room_there_is_is_refused_before_it_is_read() {
        let bytes = write_npz(&[("x", NpyArray::f32(&[10], vec![0.5; 10]))]).unwrap();
        let open = |room| Npz::open(&bytes, "f").unwrap().within(room);
        assert_eq!(open(40).require("x").unwrap().values.len(), 10);
        let error = open(39).require("x").unwrap_err().to_string();
        assert!(
            error.contains("f (x): it needs about 0.0 GB of memory, and 0.0 GB are free"),
            "{error}"
        );
    }

    #[test]
    fn broken_archives_are_refused() {
        let good = write_npz(&[("x", x(20)), ("y", y(&[0; 20]))]).unwrap();
        let refused = |bytes: &[u8]| parse(bytes).unwrap_err().to_string();
        assert!(refused(&[]).contains("empty"));
        assert!(refused(b"hello").contains("no .npz archive"));
        assert!(refused(&good[..good.len() / 2]).contains("truncated"));
        let mut flipped = good;
        flipped[200] ^= 1;
        assert!(refused(&flipped).contains("damaged"));
        assert!(message(&[("x", x(2))]).contains("no array \"y\" (found [\"x\"])"));
        assert!(message(&[("x", x(2)), ("y", y(&[0]))]).contains("1 labels in y for 2 examples"));
        assert!(message(&[("x", x(2)), ("y", y(&[0, -2]))]).contains("label -2 of example 1"));
        assert!(message(&[("x", x(2)), ("y", y(&[0, i64::MAX]))]).contains("out of range"));
        assert!(message(&[("x", x(2)), ("y", x(1))]).contains("integer"));
        assert!(message(&[("x", y(&[0, 1])), ("y", y(&[0, 1]))]).contains("x has shape [2]"));
        let nan = NpyArray::f32(&[2, 1], vec![0.0, f32::NAN]);
        assert!(message(&[("x", nan), ("y", y(&[0, 1]))]).contains("NaN"));
    }
}
