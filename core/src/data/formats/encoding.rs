//! The text of a file: UTF-8, UTF-16 with its mark, or Windows-1252.

use std::borrow::Cow;

use crate::error::{Error, Result};

/// Text, and the name of its encoding where it was another one than UTF-8.
pub(super) struct Text<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) encoding: Option<&'static str>,
}

impl Text<'_> {
    /// What a profile says of the encoding, to follow the name of the format.
    pub(super) fn remark(&self) -> String {
        self.encoding.map_or_else(String::new, |name| format!(", in the encoding {name}"))
    }
}

const REMEDY: &str = "save it as UTF-8";

/// Bytes that Windows-1252 does not define.
const UNDEFINED: [u8; 5] = [0x81, 0x8d, 0x8f, 0x90, 0x9d];

/// What Windows-1252 has where Latin-1 has control characters: the bytes 0x80 to 0x9f. A space stands for what is not defined.
const OF_1252: &str = "€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ";

/// A name, the mark that a text begins with, and how two bytes make a number.
type Order = (&'static str, [u8; 2], fn([u8; 2]) -> u16);

/// UTF-16 in both orders of bytes. A crate that knows every encoding would bring its tables into the page.
const UTF_16: [Order; 2] = [
    ("UTF-16LE", [0xff, 0xfe], u16::from_le_bytes),
    ("UTF-16BE", [0xfe, 0xff], u16::from_be_bytes),
];

/// Decodes text, without the mark at its beginning.
///
/// # Errors
/// Bytes that are no text, or text whose encoding cannot be told.
pub(super) fn decode<'a>(bytes: &'a [u8], source_name: &str) -> Result<Text<'a>> {
    let fail = |problem: String| Err(Error::data(source_name, problem, REMEDY));
    for (name, mark, unit) in UTF_16 {
        let Some(rest) = bytes.strip_prefix(&mark) else { continue };
        let (units, odd) = rest.as_chunks();
        let text: std::result::Result<String, _> =
            char::decode_utf16(units.iter().map(|&bytes| unit(bytes))).collect();
        return match text {
            Ok(text) if odd.is_empty() && !text.contains('\0') => {
                Ok(Text { text: Cow::Owned(text), encoding: Some(name) })
            }
            _ => fail(format!("it begins like {name} and goes on otherwise")),
        };
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.contains(&0) {
        return Err(Error::data(
            source_name,
            "this is no text: it holds bytes of value 0, as an archive or a spreadsheet does",
            "save it as text (CSV, TSV or JSON lines) in UTF-8",
        ));
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok(Text { text: Cow::Borrowed(text), encoding: None });
    }
    if let Some(line) = nearly_utf8(bytes) {
        return fail(format!("line {line} holds bytes that are not UTF-8, amid text that is"));
    }
    if bytes.iter().any(|byte| UNDEFINED.contains(byte)) {
        return fail("the text is not in UTF-8, UTF-16 or Windows-1252".to_owned());
    }
    let special: Vec<char> = OF_1252.chars().collect();
    let letter = |&byte: &u8| match byte {
        0x80..=0x9f => special[usize::from(byte - 0x80)],
        byte => char::from(byte),
    };
    let text = bytes.iter().map(letter).collect();
    Ok(Text { text: Cow::Owned(text), encoding: Some("windows-1252") })
}

/// The line of the first bytes that are not UTF-8, when more of the letters outside ASCII are UTF-8 than not: text in
/// another encoding hardly ever has two bytes that are.
fn nearly_utf8(bytes: &[u8]) -> Option<usize> {
    let (mut good, mut bad, mut line, mut first) = (0_usize, 0_usize, 1, None);
    for chunk in bytes.utf8_chunks() {
        good += chunk.valid().chars().filter(|letter| !letter.is_ascii()).count();
        line += chunk.valid().matches('\n').count();
        bad += chunk.invalid().len();
        if !chunk.invalid().is_empty() {
            first.get_or_insert(line);
        }
    }
    first.filter(|_| good > bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> (String, Option<&'static str>) {
        let text = decode(bytes, "f").unwrap();
        (text.text.into_owned(), text.encoding)
    }

    #[test]
    fn the_encoding_is_recognised() {
        assert_eq!(read("\u{feff}Größe".as_bytes()), ("Größe".into(), None));
        assert_eq!(read(b"Gr\xf6\xdfe \x80"), ("Größe €".into(), Some("windows-1252")));
        // Both ends of what is not Latin-1, and what lies beside a gap.
        let special = b"\x80\x82\x8c\x8e\x91\x9c\x9e\x9f\xa0\xff";
        assert_eq!(read(special), ("€‚ŒŽ‘œžŸ\u{a0}ÿ".into(), Some("windows-1252")));
        let little: Vec<u8> = "\u{feff}Größe".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(read(&little), ("Größe".into(), Some("UTF-16LE")));
        let big: Vec<u8> = "\u{feff}Größe".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(read(&big), ("Größe".into(), Some("UTF-16BE")));
        assert_eq!(decode(&big, "f").unwrap().remark(), ", in the encoding UTF-16BE");
    }

    #[test]
    fn what_cannot_be_told_is_refused() {
        let message = |bytes: &[u8]| decode(bytes, "f").err().unwrap().to_string();
        assert!(message(b"a,b\0").contains("bytes of value 0"));
        assert!(message(b"PAR1\0").contains("bytes of value 0"));
        assert!(
            message(
                "a\nGröße, Maß \u{fc}\n"
                    .replace('a', "ä")
                    .as_bytes()
                    .split_last()
                    .unwrap()
                    .1
                    .strip_suffix(b"\xbc")
                    .unwrap()
            )
            .contains("line 2")
        );
        assert!(message(b"\x82\xb1\x81\x40").contains("not in UTF-8"));
        assert!(message(b"\xff\xfea").contains("begins like UTF-16LE"));
    }
}
