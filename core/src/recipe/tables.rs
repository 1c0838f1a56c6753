//! Settings as TOML tables: read from a file or a pair, laid over each other.

use toml::{Table, Value};

use crate::error::{Result, unfit};

/// Reads the text of a recipe file, `source`, as a table.
///
/// # Errors
/// If it is not valid TOML; the line is named.
pub fn parse_table(text: &str, source: &str) -> Result<Table> {
    text.parse().map_err(|e: toml::de::Error| {
        let start = e.span().map_or(0, |span| span.start);
        let line = 1 + text.bytes().take(start).filter(|&byte| byte == b'\n').count();
        unfit!("{source}, line {line}: not valid TOML: {}; correct that line", one_line(&e))
    })
}

/// `a.b=value` as nested tables. A value that is no TOML is taken as text.
///
/// # Errors
/// If it is no such pair.
pub fn parse_pair(pair: &str) -> Result<Table> {
    let (path, text) =
        pair.split_once('=').filter(|(path, _)| !path.trim().is_empty()).ok_or_else(|| {
            unfit!("--set {pair}: write --set key.path=value, such as --set train.lr=1e-3")
        })?;
    let value = format!("v = {text}")
        .parse::<Table>()
        .ok()
        .and_then(|mut table| table.remove("v"))
        .unwrap_or_else(|| Value::String(text.to_owned()));
    Ok(nested(path.trim(), value))
}

/// `a.b.c` and a value as `{a: {b: {c: value}}}`.
pub fn nested(path: &str, value: Value) -> Table {
    let (head, rest) = path.split_once('.').unwrap_or((path, ""));
    let inner = if rest.is_empty() { value } else { Value::Table(nested(rest, value)) };
    Table::from_iter([(head.to_owned(), inner)])
}

/// Lays `over` over `base`: tables are merged, anything else is replaced.
pub fn merge(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(inner)), Value::Table(value)) => merge(inner, value),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// Every value by its path, `a.b.c`.
pub fn flat(table: &Table) -> Vec<(String, Value)> {
    let setting = |(key, value): (&String, &Value)| match value {
        Value::Table(inner) => {
            flat(inner).into_iter().map(|(path, value)| (format!("{key}.{path}"), value)).collect()
        }
        value => vec![(key.clone(), value.clone())],
    };
    table.iter().flat_map(setting).collect()
}

pub(super) fn one_line(error: &toml::de::Error) -> String {
    let mut message = error.message().replace('\n', " ");
    if let Some(place) = error.to_string().lines().find(|line| line.starts_with("in `")) {
        message = format!("{message}, {place}");
    }
    message
}
