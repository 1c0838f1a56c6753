//! Text from files as a terminal may have it: what would colour it, move in it or end a line is shown instead.

use std::borrow::Cow;

/// The text with every control character written out: `\n`, `\t`, `\x1b`.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for char in text.chars() {
        match char {
            '\n' => shown += "\\n",
            '\r' => shown += "\\r",
            '\t' => shown += "\\t",
            char if char.is_control() => shown += &format!("\\x{:02x}", char as u32),
            char => shown.push(char),
        }
    }
    shown.into()
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn control_characters_are_shown_and_nothing_else_changes() {
        assert_eq!(visible("a\u{1b}[31mb\nc\td\r\u{7f}\u{9b}"), r"a\x1b[31mb\nc\td\r\x7f\x9b");
        for plain in ["größe 1.5, 日本", r"a\nb", "  class  n", ""] {
            assert_eq!(visible(plain), plain);
        }
    }
}
