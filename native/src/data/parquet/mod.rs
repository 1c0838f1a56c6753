//! Tables in Parquet files, as pandas, polars and the library `datasets` write them; with encoded pictures or without.

mod dates;
mod leaf;
mod metadata;

use std::fs::File;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use gleaner_core::data::table::{Column, Table};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use self::leaf::{Content, Leaf};
use self::metadata::{class_names, index_columns};
use crate::system::memory;
use crate::system::panics::caught;

/// What a Parquet file holds.
pub struct ParquetFile {
    /// Its columns but for pictures and the index that pandas adds.
    pub table: Table,
    /// Its column of pictures.
    pub images: Option<Images>,
    /// Columns of class numbers and the names of their classes, as the library `datasets` stores them.
    pub class_names: Vec<(String, Vec<String>)>,
}

/// A column of pictures.
pub struct Images {
    /// Its name.
    pub column: String,
    /// The file of each row (PNG, JPEG, ...), not decoded.
    pub files: Vec<Vec<u8>>,
}

/// Reads a Parquet file. Numbers, decimals and unsigned numbers become numbers; strings, booleans (`true`, `false`),
/// dates and times (in ISO form) become words; null is missing. Lists of numbers of one length become the columns
/// `x.0`, `x.1`, ..., members of a structure `x.a`, `x.b`. A structure of `bytes` and `path`, or a column of bytes
/// that all begin like pictures, is a column of pictures.
///
/// # Errors
/// The file cannot be read, is damaged, or has columns that are no cells of a table, infinite numbers, several columns
/// of pictures, or no row.
pub fn read_parquet(path: &Path) -> Result<ParquetFile> {
    let name = path.display();
    let file = File::open(path).with_context(|| format!("cannot read {name}"))?;
    let reader = SerializedFileReader::new(file).with_context(|| {
        format!("{name}: this is no whole Parquet file; fetch it or write it again")
    })?;
    read(&reader).map_err(|cause| anyhow!("{name}: {cause:#}"))
}

fn read(reader: &SerializedFileReader<File>) -> Result<ParquetFile> {
    let about = reader.metadata().file_metadata();
    let index = index_columns(about);
    // The least that a cell takes: the number of a word.
    let cells =
        (about.num_rows().max(0) as u64).saturating_mul(about.schema_descr().num_columns() as u64);
    let what = format!("a table of {} rows", about.num_rows());
    memory::ensure_free(cells.saturating_mul(4), &what, "give fewer rows or columns")?;
    let mut format = "Parquet".to_owned();
    let (mut columns, mut images) = (Vec::new(), None);
    for (place, column) in about.schema_descr().columns().iter().enumerate() {
        let root = &column.path().parts()[0];
        if index.contains(root) {
            format.push_str(&format!(", without the index {root:?}"));
            continue;
        }
        if is_name_of_picture(column, about.schema_descr().columns()) {
            continue;
        }
        let content = leaf(reader, place).and_then(Leaf::content).map_err(|cause| {
            anyhow!("column {root:?}: {cause:#}; leave it out: df.drop(columns=[{root:?}])")
        })?;
        match content {
            Content::Columns(more) => columns.extend(more),
            Content::Pictures(files) => {
                let found = Images { column: root.clone(), files };
                if let Some(Images { column, .. }) = images.replace(found) {
                    bail!(
                        "{column:?} and {root:?} are both columns of pictures; leave one out: df.drop(columns=[{root:?}])"
                    );
                }
            }
        }
    }
    let rows = rows(&columns, images.as_ref(), about.num_rows())?;
    if let Some(Images { column, .. }) = &images {
        format.push_str(&format!(", with pictures in {column:?}"));
    }
    let class_names = class_names(about, &columns);
    let table = Table { columns, rows, named: true, format };
    Ok(ParquetFile { table, images, class_names })
}

/// Reads a column. The crate trusts some of what a damaged file says, and panics.
fn leaf(reader: &SerializedFileReader<File>, place: usize) -> Result<Leaf> {
    for group in reader.metadata().row_groups() {
        let column = group.column(place);
        let offsets = [Some(column.data_page_offset()), column.dictionary_page_offset()];
        let negative = offsets.into_iter().flatten().any(|offset| offset < 0);
        ensure!(!negative && column.compressed_size() >= 0, "the file is damaged");
    }
    caught(|| Leaf::read(reader, place)).unwrap_or_else(|_| bail!("the file is damaged"))
}

/// Whether this is the `path` beside the `bytes` of a picture.
fn is_name_of_picture(
    column: &ColumnDescriptor,
    all: &[parquet::schema::types::ColumnDescPtr],
) -> bool {
    let [root, member] = column.path().parts() else { return false };
    member == "path" && all.iter().any(|other| other.path().parts() == [root.as_str(), "bytes"])
}

/// The number of rows, which every column and the file itself must agree on.
fn rows(columns: &[Column], images: Option<&Images>, said: i64) -> Result<usize> {
    let lengths = columns.iter().map(|column| column.cells.len());
    let mut lengths = lengths.chain(images.map(|images| images.files.len()));
    let rows = lengths.next().context("there is no column in it; give a file with columns")?;
    ensure!(
        lengths.all(|other| other == rows) && i64::try_from(rows).is_ok_and(|rows| rows == said),
        "its columns do not have the {said} rows that it promises; write it again"
    );
    ensure!(rows > 0, "there is no row in it; give a file with rows");
    Ok(rows)
}

#[cfg(test)]
mod tests;
