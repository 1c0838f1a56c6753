//! The frame of every SVG picture, and how text goes into it.
//!
//! These pictures are written as SVG text by hand: a chart library without a font engine cannot place text
//! better, and this way labels stay text that can be selected and searched.

/// The head of a picture on white paper, with what a screen reader calls it. `</svg>` is the caller's.
pub fn open(title: &str, [width, height]: [f64; 2]) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\" font-family=\"system-ui, 'Helvetica Neue', Arial, sans-serif\" \
         font-size=\"12\" fill=\"#4b5563\">\n<title>{}</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
        escaped(title)
    )
}

/// A number with a real minus sign and no negative zero.
pub fn number(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(digits) if digits.chars().all(|c| matches!(c, '0' | '.')) => digits.to_owned(),
        Some(digits) => format!("\u{2212}{digits}"),
        None => text,
    }
}

/// Text that is not taken for markup, inside an element or an attribute. Control characters, which XML cannot have, are shown as
/// U+FFFD.
pub fn escaped(text: &str) -> String {
    let is_control = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    let is_text = |c: char| !(is_control(c) || matches!(c, '\u{fffe}' | '\u{ffff}'));
    let text: String = text.chars().map(|c| if is_text(c) { c } else { '\u{fffd}' }).collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_typeset() {
        assert_eq!(number(-2.5, 1), "\u{2212}2.5");
        assert_eq!(number(-0.001, 1), "0.0");
    }

    #[test]
    fn markup_is_written_as_text() {
        let svg = open("a<b & \"c\"", [10.0, 20.0]);
        assert!(svg.contains("<title>a&lt;b &amp; &quot;c&quot;</title>"), "{svg}");
    }

    #[test]
    fn characters_that_xml_cannot_have_are_shown_as_such() {
        assert_eq!(
            escaped("r\u{1b}ed\0\u{ffff}\tand\u{e9}"),
            "r\u{fffd}ed\u{fffd}\u{fffd}\tand\u{e9}"
        );
    }
}
