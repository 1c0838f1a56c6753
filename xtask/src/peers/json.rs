//! The JSON that the timed programs write: one flat object on a line.

use std::collections::BTreeMap;

/// A value in such an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    Numbers(Vec<f64>),
}

/// The fields of a flat object: strings without escapes, numbers, arrays of numbers, `true`, `false`, `null`.
/// `None` if `line` is anything else.
pub fn object(line: &str) -> Option<BTreeMap<String, Value>> {
    let mut rest = line.trim().strip_prefix('{')?.strip_suffix('}')?.trim_start();
    let mut fields = BTreeMap::new();
    while !rest.is_empty() {
        let (name, after) = text(rest)?;
        let (value, after) = value(after.trim_start().strip_prefix(':')?.trim_start())?;
        fields.insert(name.to_owned(), value);
        rest = match after.trim_start() {
            "" => "",
            more => more.strip_prefix(',')?.trim_start(),
        };
    }
    Some(fields)
}

/// The string that `rest` starts with, and what follows it.
fn text(rest: &str) -> Option<(&str, &str)> {
    let (text, after) = rest.strip_prefix('"')?.split_once('"')?;
    (!text.contains('\\')).then_some((text, after))
}

/// The value that `rest` starts with, and what follows it.
fn value(rest: &str) -> Option<(Value, &str)> {
    if rest.starts_with('"') {
        return text(rest).map(|(text, after)| (Value::Text(text.to_owned()), after));
    }
    if let Some(array) = rest.strip_prefix('[') {
        let (inside, after) = array.split_once(']')?;
        let numbers = match inside.trim() {
            "" => Vec::new(),
            inside => inside.split(',').map(number).collect::<Option<_>>()?,
        };
        return Some((Value::Numbers(numbers), after));
    }
    let (word, after) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
    let value = match word.trim() {
        "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        word => Value::Number(number(word)?),
    };
    Some((value, after))
}

/// Python writes NaN and Infinity where JSON has no word; Rust reads them.
fn number(word: &str) -> Option<f64> {
    word.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_both_sides_are_read() {
        let python =
            r#"{"ready": true, "objective": -1.5e2, "torch": "2.9.1+cu128", "threads": 2}"#;
        let fields = object(python).unwrap();
        assert_eq!(fields["ready"], Value::Bool(true));
        assert_eq!(fields["objective"], Value::Number(-150.0));
        assert_eq!(fields["torch"], Value::Text("2.9.1+cu128".to_owned()));
        assert_eq!(fields["threads"], Value::Number(2.0));
        let rust = "{\"objective\":null,\"ready\":true,\"milliseconds\":[1.5, 2],\"none\":[]}\n";
        let fields = object(rust).unwrap();
        assert_eq!(fields["objective"], Value::Null);
        assert_eq!(fields["milliseconds"], Value::Numbers(vec![1.5, 2.0]));
        assert_eq!(fields["none"], Value::Numbers(Vec::new()));
    }

    #[test]
    fn an_objective_that_is_no_number_is_read_as_one() {
        let fields = object(r#"{"objective": NaN}"#).unwrap();
        assert!(matches!(fields["objective"], Value::Number(value) if value.is_nan()));
    }

    #[test]
    fn other_lines_are_refused() {
        for line in
            ["", "ready", "{", r#"{"a": }"#, r#"{"a" 1}"#, r#"{"a": [1}"#, r#"{"a": 1 "b": 2}"#]
        {
            assert_eq!(object(line), None, "{line}");
        }
        assert_eq!(object("{}"), Some(BTreeMap::new()));
    }
}
