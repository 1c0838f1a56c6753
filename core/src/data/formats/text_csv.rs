//! The user's own texts: a table with a header, columns of text and a column of labels.

use ::csv::{ReaderBuilder, StringRecord};

use super::bytes::content;
use super::csv::{classes, label_column};
use crate::data::texts::Texts;
use crate::error::{Error, Result};

/// Reads texts and class names. `columns` names the columns of text, parted by commas; several are read one after the
/// other. The label column is `label`, else the one called label, class, target or y, else the last one; an empty
/// label means unlabelled.
///
/// # Errors
/// No header with such columns, rows of different lengths, text that is not UTF-8, no row, or labels as in
/// [`parse_csv`](super::csv::parse_csv).
pub fn parse_text_csv(
    bytes: &[u8],
    columns: &str,
    label: Option<&str>,
    source_name: &str,
) -> Result<(Texts, Vec<String>)> {
    let bytes = content(bytes, source_name)?;
    let mut reader = ReaderBuilder::new().has_headers(false).from_reader(&*bytes);
    let mut next = |record: &mut StringRecord| {
        reader.read_record(record).map_err(|error| {
            let remedy = "every row needs the same number of comma-separated cells, in UTF-8";
            Error::data(source_name, format!("not a table of texts ({error})"), remedy)
        })
    };
    let mut record = StringRecord::new();
    next(&mut record)?;
    let header: Vec<String> = record.iter().map(|cell| cell.trim().to_owned()).collect();
    let label = label_column(&header, true, label, source_name)?;
    let columns = columns
        .split(',')
        .map(|name| label_column(&header, true, Some(name.trim()), source_name))
        .collect::<Result<Vec<usize>>>()?;
    if columns.contains(&label) {
        let problem = format!("{:?} is both text and label", header[label]);
        return Err(Error::data(source_name, problem, "name the label column with data.label"));
    }
    let (mut texts, mut labels) = (Vec::new(), Vec::new());
    while next(&mut record)? {
        let cells = columns.iter().filter_map(|&column| record.get(column));
        texts.push(cells.collect::<Vec<_>>().join("\n"));
        labels.push(record.get(label).unwrap_or_default().trim().to_owned());
    }
    let mut distinct = labels.clone();
    distinct.sort_unstable();
    distinct.dedup();
    let (of_text, names) = classes(&distinct, source_name)?;
    let class = |text: &String| distinct.binary_search(text).map_or(-1, |place| of_text[place]);
    let labels = labels.iter().map(class).collect();
    Ok((Texts { texts, labels }, names))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "title,topic,body\nGoal,sport,\"one, two\"\nBank,money,rates\nNews,,none\n";

    fn message(file: &str, columns: &str, label: Option<&str>) -> String {
        parse_text_csv(file.as_bytes(), columns, label, "f.csv").unwrap_err().to_string()
    }

    #[test]
    fn columns_are_found_by_name() {
        let (texts, names) =
            parse_text_csv(FILE.as_bytes(), "title, body", Some("topic"), "f").unwrap();
        assert_eq!(texts.texts, ["Goal\none, two", "Bank\nrates", "News\nnone"]);
        assert_eq!((texts.labels, names), (vec![1, 0, -1], vec!["money".into(), "sport".into()]));
        let usual = "label,text\n0,a\n1,b\n-1,c\n";
        let (texts, _) = parse_text_csv(usual.as_bytes(), "text", None, "f").unwrap();
        assert_eq!(texts.labels, [0, 1, -1]);
    }

    #[test]
    fn columns_that_are_not_there_are_named() {
        assert!(message(FILE, "words", Some("topic")).contains("there is no column \"words\""));
        assert!(message(FILE, "body", Some("class")).contains("there is no column \"class\""));
        // Without a name of its own the last column is the label.
        assert!(message(FILE, "body", None).contains("both text and label"));
        assert!(message("", "body", None).contains("empty"));
        assert!(message("a,b\n1\n", "a", None).contains("not a table of texts"));
        assert!(message("a,b\n", "a", None).contains("label"));
    }
}
