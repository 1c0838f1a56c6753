//! AG News: topics of news articles (Gulli; Zhang, Zhao and LeCun 2015).

use ::csv::{ReaderBuilder, StringRecord};

use super::bytes::content;
use crate::data::texts::Texts;
use crate::error::{Error, Result};

/// Class names in label order; the files count them from 1.
pub const AG_NEWS_CLASSES: [&str; 4] = ["World", "Sports", "Business", "Sci/Tech"];

/// Reads `train.csv` or `test.csv`, gzip or not: no header, `"class","title","description"`, classes 1 to 4. A text
/// is its title and its description.
///
/// # Errors
/// Rows of other than three cells, a class out of range, text that is not UTF-8, or no row.
pub fn parse_ag_news(bytes: &[u8], source_name: &str) -> Result<Texts> {
    const REMEDY: &str =
        "expected rows \"class\",\"title\",\"description\" without a header: fetch the file again";
    let bytes = content(bytes, source_name)?;
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(&*bytes);
    let mut record = StringRecord::new();
    let mut texts = Texts { texts: Vec::new(), labels: Vec::new() };
    loop {
        let more = reader.read_record(&mut record).map_err(|error| {
            Error::data(source_name, format!("not a table of texts ({error})"), REMEDY)
        })?;
        if !more {
            break;
        }
        let line = record.position().map_or(0, ::csv::Position::line);
        let [class, title, description] = [0, 1, 2].map(|cell| record.get(cell));
        let (Some(class), Some(title), Some(description), 3) =
            (class, title, description, record.len())
        else {
            let problem = format!("line {line} has {} cells, not 3", record.len());
            return Err(Error::data(source_name, problem, REMEDY));
        };
        let classes = 1..=AG_NEWS_CLASSES.len() as i64;
        match class.trim().parse::<i64>() {
            Ok(number) if classes.contains(&number) => texts.labels.push(number - 1),
            _ => {
                let start: String = class.chars().take(30).collect();
                let problem = format!("line {line}: {start:?} is not a class from 1 to 4");
                return Err(Error::data(source_name, problem, REMEDY));
            }
        }
        texts.texts.push(format!("{title}\n{description}"));
    }
    match texts.texts.is_empty() {
        true => Err(Error::data(source_name, "no rows", REMEDY)),
        false => Ok(texts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_a_class_a_title_and_a_description() {
        let file = "\"3\",\"Wall St. \"\"bears\"\"\",\"back, again\\in black\"\n\"1\",\"T\",\"\"\n";
        let texts = parse_ag_news(file.as_bytes(), "f").unwrap();
        assert_eq!(texts.labels, [2, 0]);
        assert_eq!(texts.texts, ["Wall St. \"bears\"\nback, again\\in black", "T\n"]);
    }

    #[test]
    fn broken_files_are_refused() {
        let message = |text: &[u8]| parse_ag_news(text, "f").unwrap_err().to_string();
        assert!(message(b"").contains("empty"));
        assert!(message(b"\n").contains("no row"));
        assert!(message(b"\"1\",\"a\",\"b\"\n\"2\",\"a\"\n").contains("line 2 has 2 cells"));
        assert!(message(b"1,a,b,c\n").contains("4 cells"));
        assert!(message(b"5,a,b\n").contains("\"5\" is not a class"));
        assert!(message(b"class,title,description\n").contains("is not a class"));
        assert!(message(b"1,a,\xff\xfe\n").contains("not a table of texts"));
    }
}
