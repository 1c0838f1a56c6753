//! Rows under named columns, written as CSV: what pandas and R read without being told anything.

use ::csv::WriterBuilder;

use crate::error::{Error, Result};

/// Writes a header and rows of cells; cells with commas, quotes or line ends are quoted (RFC 4180, lines end in `\n`).
///
/// # Errors
/// A row has another number of cells than the header.
pub fn write_csv(
    header: &[String],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> Result<Vec<u8>> {
    let failed = |error: &dyn std::fmt::Display| {
        Error::data(
            "the table",
            format!("cannot be written ({error})"),
            "give every row as many cells as the header",
        )
    };
    let mut writer = WriterBuilder::new().from_writer(Vec::new());
    writer.write_record(header).map_err(|error| failed(&error))?;
    for row in rows {
        writer.write_record(&row).map_err(|error| failed(&error))?;
    }
    writer.into_inner().map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_quotes_gets_them() {
        let header = ["a, b".to_owned(), "c".to_owned()];
        let rows =
            [vec!["1".to_owned(), "two \"2\"".to_owned()], vec![String::new(), "3\n4".to_owned()]];
        let text = String::from_utf8(write_csv(&header, rows).unwrap()).unwrap();
        assert_eq!(text, "\"a, b\",c\n1,\"two \"\"2\"\"\"\n,\"3\n4\"\n");
        assert!(write_csv(&header, [vec!["1".to_owned()]]).is_err());
    }
}
