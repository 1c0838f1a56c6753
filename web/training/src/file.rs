//! A file of data, with its name, and what is in it: what the command line would read from the same file.

use std::io::Cursor;

use gleaner_core::data::features::encode;
use gleaner_core::data::formats::arrays::{ArrayFile, read_arrays};
use gleaner_core::data::formats::csv::read_csv;
use gleaner_core::data::formats::csv_out::write_csv;
use gleaner_core::data::formats::json_lines::read_json;
use gleaner_core::data::formats::npy::NpyArray;
use gleaner_core::data::formats::npz::{Npz, write_npz};
use gleaner_core::data::own::{Columns, EveryRow, OwnData, every_row, of_arrays, of_table};
use gleaner_core::data::schema::{Input, Schema};
use gleaner_core::data::table::Table;
use gleaner_core::data::{Examples, Values};
use gleaner_core::error::{Error, Result};
use gleaner_core::recipe::DataSettings;

/// Bytes that an array may have when it is unpacked: what a page has room for.
const ROOM: u64 = 1 << 30;

/// A file of data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name, with its ending.
    pub name: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// Examples as a page has them.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// `[rows, features]`, row-major.
    pub x: Values,
    /// A class for each row, or -1.
    pub y: Vec<i64>,
}

impl Default for Rows {
    fn default() -> Self {
        Self { x: Values::F32(Vec::new()), y: Vec::new() }
    }
}

impl File {
    /// Points in the plane as a table: `x`, `y`, `label` and `split`, which says `test` of those that are held out.
    ///
    /// # Errors
    /// If there are not two numbers for each label.
    pub fn of_points(name: &str, train: &Rows, test: &Rows) -> Result<Self> {
        let header = ["x", "y", "label", "split"].map(str::to_owned);
        let (train, test) = (train.points(name)?, test.points(name)?);
        let rows = [(train, "train"), (test, "test")].into_iter().flat_map(|((x, y), split)| {
            let points = x.chunks_exact(2).zip(y);
            points.map(move |(point, &label)| {
                let label = if label < 0 { String::new() } else { label.to_string() };
                vec![point[0].to_string(), point[1].to_string(), label, split.to_owned()]
            })
        });
        Ok(Self { name: name.to_owned(), bytes: write_csv(&header, rows)? })
    }

    /// Pictures as arrays: `x` and `y`, `x_test` and `y_test`.
    ///
    /// # Errors
    /// If the numbers of values and labels do not match the shape of a picture.
    pub fn of_pictures(name: &str, shape: &[usize], train: &Rows, test: &Rows) -> Result<Self> {
        let features = shape.iter().product();
        let mut arrays = Vec::new();
        for (rows, x, y) in [(train, "x", "y"), (test, "x_test", "y_test")] {
            rows.check(name, features)?;
            if rows.y.is_empty() {
                continue;
            }
            let shape: Vec<usize> = [rows.y.len()].iter().chain(shape).copied().collect();
            arrays.push((
                x,
                match &rows.x {
                    Values::U8(bytes) => NpyArray::u8(&shape, bytes.clone()),
                    Values::F32(numbers) => NpyArray::f32(&shape, numbers.clone()),
                    Values::Counts(_) => {
                        return Err(unfit(
                            name,
                            "counts of words are for the command line: train with gleaner train",
                        ));
                    }
                },
            ));
            arrays.push((y, NpyArray::i64(&[rows.y.len()], rows.y.clone())));
        }
        Ok(Self { name: name.to_owned(), bytes: write_npz(&arrays)? })
    }

    /// The name without its endings.
    pub fn stem(&self) -> &str {
        self.name.split_once('.').map_or(&self.name, |(stem, _)| stem)
    }

    /// What is in it, read as the settings say.
    ///
    /// # Errors
    /// If it is of a kind that is not read here, or not what its ending says.
    pub fn read(&self, settings: &DataSettings) -> Result<OwnData> {
        let columns = Columns {
            label: settings.label.clone(),
            leave_out: DataSettings::names(settings.leave_out.as_deref()),
            minus_one: settings.minus_one.unwrap_or_default(),
            ..Columns::default()
        };
        let own = match self.content()? {
            Content::Table(table) => of_table(&table, &columns, self.stem(), &self.name, |_| {
                Err(Error::Settings(format!("{}: texts are for the command line", self.name)))
            })?,
            Content::Arrays(arrays) => {
                of_arrays(arrays, None, columns.minus_one, self.stem(), &self.name)?
            }
        };
        Ok(own.with_copies())
    }

    /// By its ending, as the command line decides it.
    fn content(&self) -> Result<Content> {
        let lower = self.name.to_lowercase();
        let lower = lower.strip_suffix(".gz").unwrap_or(&lower);
        match lower.rsplit_once('.').map_or("", |(_, ending)| ending) {
            "npz" => {
                let mut npz =
                    Npz::from_reader(Cursor::new(&self.bytes[..]), &self.name)?.within(ROOM);
                Ok(Content::Arrays(read_arrays(&mut npz)?))
            }
            "csv" | "tsv" | "tab" | "txt" | "data" | "dat" => {
                Ok(Content::Table(read_csv(&self.bytes, &self.name)?))
            }
            "json" | "jsonl" | "ndjson" => Ok(Content::Table(read_json(&self.bytes, &self.name)?)),
            _ => Err(Error::Settings(format!(
                "{}: the page reads tables (.csv, .tsv, .txt, .jsonl) and arrays (.npz); the command line reads more kinds of files",
                self.name
            ))),
        }
    }

    /// Examples of the kind that `schema` describes, in the units of the data it is of.
    ///
    /// # Errors
    /// If it holds another kind of data, lacks a column, or has examples of another shape.
    pub fn more_of(&self, schema: &Schema) -> Result<Examples> {
        let unlabelled =
            |values, rows| Examples { values, shape: schema.shape(), labels: vec![-1; rows] };
        match (&schema.input, self.content()?) {
            (Input::Table(features), Content::Table(table)) => {
                let (numbers, _) = encode(features, &table, &self.name)?;
                Ok(unlabelled(Values::F32(numbers), table.rows))
            }
            (Input::Array(shape), Content::Arrays(arrays)) => {
                let EveryRow { values, shape: found, rows, .. } = every_row(arrays, &self.name)?;
                match found == *shape {
                    true => Ok(unlabelled(schema.in_training_units(values, &self.name)?, rows)),
                    false => Err(Error::Settings(format!(
                        "{}: the examples have the shape {found:?}, and the model was trained on {shape:?}",
                        self.name
                    ))),
                }
            }
            _ => Err(Error::Settings(format!(
                "{} is another kind of file than the model was trained on; give {}",
                self.name,
                match schema.input {
                    Input::Table(_) => "a table (.csv, .tsv, .txt, .jsonl)",
                    _ => "arrays (.npz)",
                }
            ))),
        }
    }
}

/// What a file holds.
enum Content {
    Table(Table),
    Arrays(ArrayFile),
}

fn unfit(name: &str, problem: &str) -> Error {
    Error::Settings(format!("{name}: {problem}"))
}

impl Rows {
    /// Numbers and classes of points in the plane.
    fn points(&self, name: &str) -> Result<(&[f32], &[i64])> {
        self.check(name, 2)?;
        match &self.x {
            Values::F32(numbers) => Ok((numbers, &self.y)),
            _ => Err(unfit(name, "the coordinates of points are numbers, not bytes")),
        }
    }

    fn check(&self, name: &str, features: usize) -> Result<()> {
        if self.x.len() == features * self.y.len() {
            return Ok(());
        }
        let (values, labels) = (self.x.len(), self.y.len());
        let problem = format!(
            "there are {values} values and {labels} labels; give {features} values for each label"
        );
        Err(unfit(name, &problem))
    }
}
