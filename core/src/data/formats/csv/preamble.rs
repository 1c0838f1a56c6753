//! What stands above a table: the line by which Excel names the delimiter, and comments.

use super::delimiter::{dialect, find};
use super::rows::{Delimiter, Dialect, Row, Rows};

/// A table without what stands above it.
pub(super) struct Body<'a> {
    pub(super) text: &'a str,
    pub(super) dialect: Dialect,
    /// Lines of the file above the text.
    pub(super) lines_above: usize,
    /// How many of them are comments.
    pub(super) comments: usize,
}

/// Finds where the table begins and how it is taken apart.
pub(super) fn body(file: &str) -> Body<'_> {
    if let Some((delimiter, text)) = declared(file) {
        let dialect = dialect(text, Delimiter::Byte(delimiter));
        return Body { text, dialect, lines_above: 1, comments: 0 };
    }
    let mut below = file;
    let (mut lines, mut last) = (0, None);
    while let Some((comment, rest)) = comment(below) {
        (below, last) = (rest, Some(comment));
        lines += 1;
    }
    let dialect = find(below);
    match last {
        // NumPy's `savetxt` writes the header as a comment.
        Some(header) if below.trim().is_empty() || fits(header, below, dialect) => {
            let text = &file[file.len() - below.len() - header.len()..];
            let dialect = if below.trim().is_empty() { find(text) } else { dialect };
            Body { text, dialect, lines_above: lines - 1, comments: lines - 1 }
        }
        _ => Body { text: below, dialect, lines_above: lines, comments: lines },
    }
}

/// The delimiter that the first line `sep=;` declares, and the text below.
fn declared(text: &str) -> Option<(u8, &str)> {
    let rest = text.strip_prefix("sep=")?;
    let (delimiter, rest) = rest.split_at_checked(1)?;
    let rest = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n'))?;
    Some((delimiter.as_bytes()[0], rest))
}

/// The first line behind its `# `, with its end, and the text below. A column can be called `#`, and a word begin with
/// it, so that only a blank makes it a comment.
fn comment(text: &str) -> Option<(&str, &str)> {
    let after = text.strip_prefix("# ")?;
    let end = after.find('\n').map_or(after.len(), |at| at + 1);
    Some(after.split_at(end))
}

/// Whether a comment has as many cells as the first row of the table, and more than one.
fn fits(comment: &str, table: &str, dialect: Dialect) -> bool {
    let width = |text: &str| {
        let mut row = Row::default();
        let more = Rows::new(text, dialect).read(&mut row);
        if more == Ok(true) { row.cells.len() } else { 0 }
    };
    width(comment) > 1 && width(comment) == width(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(file: &str) -> (&str, usize, usize) {
        let body = body(file);
        (body.text, body.lines_above, body.comments)
    }

    #[test]
    fn what_stands_above_is_told_from_the_table() {
        assert_eq!(text("a,b\n1,2\n"), ("a,b\n1,2\n", 0, 0));
        assert_eq!(text("# a,b\n1,2\n"), ("a,b\n1,2\n", 0, 0));
        assert_eq!(text("# my data\na,b\n1,2\n"), ("a,b\n1,2\n", 1, 1));
        assert_eq!(text("# 2024\n# a b\n1 2\n"), ("a b\n1 2\n", 1, 1));
        assert_eq!(text("#,Name\n1,x\n"), ("#,Name\n1,x\n", 0, 0));
        assert_eq!(text("# only"), ("only", 0, 0));
        assert_eq!(text("sep=;\r\na;b\n"), ("a;b\n", 1, 0));
        assert_eq!(body("sep=;\r\na;b\n").dialect.delimiter, Delimiter::Byte(b';'));
        assert_eq!(text("sep=;"), ("sep=;", 0, 0));
    }
}
