//! Rows of cells out of text: quotes as in RFC 4180, cells separated by one character or by blanks.

use std::borrow::Cow;

/// What stands between the cells of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delimiter {
    /// One character.
    Byte(u8),
    /// Blanks, any number of them.
    Blanks,
    /// Nothing: each line is one cell.
    Nothing,
}

/// How text is taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) delimiter: Delimiter,
    /// Whether a quotation mark at the beginning of a cell encloses it. Tables separated by tabs often have none that do.
    pub(super) quotes: bool,
    /// Whether a backslash makes the quotation mark behind it a part of the cell, as R's `write.table` writes it.
    pub(super) escapes: bool,
}

/// A row and the line it begins in, counted from 1. Cells are trimmed.
#[derive(Debug, Default)]
pub(super) struct Row<'a> {
    pub(super) cells: Vec<Cow<'a, [u8]>>,
    pub(super) line: usize,
}

/// A cell whose quotation marks do not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BadQuote {
    /// The line in which the cell begins.
    pub(super) line: usize,
}

/// Text that is taken apart row by row.
#[derive(Clone)]
pub(super) struct Rows<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
    dialect: Dialect,
    /// Whether what follows a closing quotation mark was anything but the end of a cell.
    pub(super) loose: bool,
}

impl<'a> Rows<'a> {
    pub(super) fn new(text: &'a str, dialect: Dialect) -> Self {
        Self { bytes: text.as_bytes(), at: 0, line: 1, dialect, loose: false }
    }

    /// Reads the next row that is not blank; false at the end.
    ///
    /// # Errors
    /// A quotation mark that is not closed, or that is closed lines below in the middle of a cell.
    pub(super) fn read(&mut self, row: &mut Row<'a>) -> Result<bool, BadQuote> {
        row.cells.clear();
        self.skip_blank_lines();
        row.line = self.line;
        if self.at == self.bytes.len() {
            return Ok(false);
        }
        loop {
            self.skip_blanks();
            let cell = self.cell()?;
            row.cells.push(cell);
            if self.dialect.delimiter == Delimiter::Blanks {
                self.skip_blanks();
            }
            match self.bytes.get(self.at) {
                None => return Ok(true),
                Some(b'\n' | b'\r') => {
                    self.end_line();
                    return Ok(true);
                }
                Some(_) if self.dialect.delimiter == Delimiter::Blanks => {}
                Some(_) => self.at += 1,
            }
        }
    }

    fn is_blank(&self, byte: u8) -> bool {
        byte == b' ' || (byte == b'\t' && self.dialect.delimiter != Delimiter::Byte(b'\t'))
    }

    fn skip_blanks(&mut self) {
        while self.bytes.get(self.at).is_some_and(|&byte| self.is_blank(byte)) {
            self.at += 1;
        }
    }

    fn end_line(&mut self) {
        self.at += if self.bytes[self.at..].starts_with(b"\r\n") { 2 } else { 1 };
        self.line += 1;
    }

    fn skip_blank_lines(&mut self) {
        loop {
            let before = self.at;
            self.skip_blanks();
            match self.bytes.get(self.at) {
                None => return,
                Some(b'\n' | b'\r') => self.end_line(),
                Some(_) => {
                    self.at = before;
                    return;
                }
            }
        }
    }

    fn cell(&mut self) -> Result<Cow<'a, [u8]>, BadQuote> {
        match self.bytes.get(self.at) {
            Some(b'"') if self.dialect.quotes => self.quoted(),
            _ => Ok(Cow::Borrowed(self.unquoted().trim_ascii())),
        }
    }

    /// Everything up to the end of the cell.
    fn unquoted(&mut self) -> &'a [u8] {
        let rest = &self.bytes[self.at..];
        let ends_line = |byte: u8| byte == b'\n' || byte == b'\r';
        // One loop for each case: this is where the time goes.
        let length = match self.dialect.delimiter {
            Delimiter::Byte(mark) => rest.iter().position(|&byte| byte == mark || ends_line(byte)),
            Delimiter::Blanks => {
                rest.iter().position(|&byte| byte == b' ' || byte == b'\t' || ends_line(byte))
            }
            Delimiter::Nothing => rest.iter().position(|&byte| ends_line(byte)),
        };
        let length = length.unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn quoted(&mut self) -> Result<Cow<'a, [u8]>, BadQuote> {
        let bad = BadQuote { line: self.line };
        self.at += 1;
        let start = self.at;
        // Filled only where the cell is not a piece of the text as it stands.
        let mut own: Option<Vec<u8>> = None;
        let mut from = start;
        loop {
            let Some(&byte) = self.bytes.get(self.at) else { return Err(bad) };
            let next = self.bytes.get(self.at + 1);
            if byte == b'"' && next != Some(&b'"') {
                break;
            }
            if byte == b'"' || (byte == b'\\' && self.dialect.escapes && next == Some(&b'"')) {
                own.get_or_insert_default().extend_from_slice(&self.bytes[from..self.at]);
                from = self.at + 1;
                self.at += 2;
                continue;
            }
            let lone_return = byte == b'\r' && next != Some(&b'\n');
            self.line += usize::from(byte == b'\n' || lone_return);
            self.at += 1;
        }
        let piece = &self.bytes[from..self.at];
        self.at += 1;
        let tail = self.unquoted();
        if !tail.trim_ascii().is_empty() {
            self.loose = true;
            if self.line > bad.line {
                return Err(bad);
            }
            own.get_or_insert_default();
        }
        Ok(match own {
            None => Cow::Borrowed(piece.trim_ascii()),
            Some(own) => Cow::Owned([&own[..], piece, tail].concat().trim_ascii().to_vec()),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dialect(delimiter: Delimiter) -> Dialect {
        Dialect { delimiter, quotes: true, escapes: false }
    }

    fn rows(text: &str, dialect: Dialect) -> Result<Vec<(usize, Vec<String>)>, BadQuote> {
        let (mut rows, mut row, mut all) = (Rows::new(text, dialect), Row::default(), Vec::new());
        while rows.read(&mut row)? {
            let cells = row.cells.iter().map(|cell| String::from_utf8(cell.to_vec()).unwrap());
            all.push((row.line, cells.collect()));
        }
        Ok(all)
    }

    #[test]
    fn quotes_blank_lines_and_line_numbers() {
        let comma = dialect(Delimiter::Byte(b','));
        let read = rows("a,\"b \"\"c\"\"\r\nd\",\r\n\r\n \n1, \"x, y\" ,2", comma).unwrap();
        let row = |line: usize, cells: [&str; 3]| (line, cells.map(str::to_owned).to_vec());
        assert_eq!(read, [row(1, ["a", "b \"c\"\r\nd", ""]), row(5, ["1", "x, y", "2"])]);
        assert_eq!(rows("\ra,\"b\" c,d", comma).unwrap(), [row(2, ["a", "b c", "d"])]);
        assert_eq!(rows("a\n\"b,c\n", comma), Err(BadQuote { line: 2 }));
        assert_eq!(rows("a\n\"b\nc\"d,e\n", comma), Err(BadQuote { line: 2 }));
    }

    #[test]
    fn blanks_tabs_and_escapes() {
        let row = |line: usize, cells: [&str; 3]| (line, cells.map(str::to_owned).to_vec());
        let blanks = Dialect { escapes: true, ..dialect(Delimiter::Blanks) };
        let read = rows("  1.5\t 2   x \n\"a b\" \"say \\\"no\\\"\" 3\n", blanks).unwrap();
        assert_eq!(read, [row(1, ["1.5", "2", "x"]), row(2, ["a b", "say \"no\"", "3"])]);
        let tabs = Dialect { quotes: false, ..dialect(Delimiter::Byte(b'\t')) };
        assert_eq!(
            rows("\t \t\n\"a\tb\tc", tabs).unwrap(),
            [row(1, ["", "", ""]), row(2, ["\"a", "b", "c"])]
        );
        assert_eq!(rows("a b, c\n", dialect(Delimiter::Nothing)).unwrap()[0].1, ["a b, c"]);
    }

    proptest! {
        /// Against the crate `csv`: what it writes is read as what was written.
        #[test]
        fn what_another_writer_quotes_is_read(
            table in prop::collection::vec(prop::collection::vec("[a-c\",;\n\r é]{0,6}", 3), 1..6),
            delimiter in prop::sample::select(vec![b',', b';', b'|']),
        ) {
            let mut writer = ::csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
            table.iter().for_each(|row| writer.write_record(row).unwrap());
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let read = rows(&text, dialect(Delimiter::Byte(delimiter))).unwrap();
            let ascii = |cell: &String| String::from_utf8(cell.as_bytes().trim_ascii().to_vec()).unwrap();
            let written: Vec<Vec<String>> =
                table.iter().map(|row| row.iter().map(ascii).collect()).collect();
            prop_assert_eq!(read.into_iter().map(|row| row.1).collect::<Vec<_>>(), written);
        }
    }
}
