//! The tables that a recipe is laid together from: built in, read, or one pair.

use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use toml::{Table, Value};

use super::no_such_model;

/// What every data set starts from.
pub(super) const GENERAL: &str = include_str!("../../../recipes/general.toml");

/// Built-in recipes by model.
const MODELS: [(&str, &str); 8] = [
    ("m1", include_str!("../../../recipes/models/m1.toml")),
    ("m2", include_str!("../../../recipes/models/m2.toml")),
    ("m1m2", include_str!("../../../recipes/models/m1m2.toml")),
    ("adgm", include_str!("../../../recipes/models/adgm.toml")),
    ("sdgm", include_str!("../../../recipes/models/sdgm.toml")),
    ("latent-ebm", include_str!("../../../recipes/models/latent-ebm.toml")),
    ("ladder", include_str!("../../../recipes/models/ladder.toml")),
    ("untapped", include_str!("../../../recipes/models/untapped.toml")),
];

/// Built-in recipes by data set, each for one model.
pub(super) const DATA_SETS: [(&str, &str); 7] = [
    ("ag-news", include_str!("../../../recipes/ag-news-200.toml")),
    ("digits", include_str!("../../../recipes/digits.toml")),
    ("fashion-mnist", include_str!("../../../recipes/fashion-mnist-1000.toml")),
    ("hepmass", include_str!("../../../recipes/hepmass-20.toml")),
    ("miniboone", include_str!("../../../recipes/miniboone-20.toml")),
    ("mnist", include_str!("../../../recipes/mnist-100.toml")),
    ("protein", include_str!("../../../recipes/protein-100.toml")),
];

/// The model that settings name.
pub(super) fn model_kind(settings: &Table) -> Option<&str> {
    settings.get("model")?.get("kind")?.as_str()
}

/// The built-in recipes of a model and of a data set; the later one has the last word. Without a model, the data set
/// decides.
pub(super) fn built_in(data: &str, kind: Option<&str>) -> Result<Vec<Table>> {
    let of_data = DATA_SETS.iter().find(|(known, _)| *known == data);
    let of_data: Option<Table> =
        of_data.map(|(_, text)| text.parse().context("a built-in recipe")).transpose()?;
    let kind = kind.or_else(|| model_kind(of_data.as_ref()?)).unwrap_or("m2").to_owned();
    let Some((_, text)) = MODELS.iter().find(|(known, _)| *known == kind) else {
        return Err(no_such_model(&kind));
    };
    let of_model: Table = text.parse().context("a model's built-in recipe")?;
    Ok(match of_data {
        None => vec![of_model],
        Some(both) if model_kind(&both) == Some(&kind) => vec![of_model, both],
        // Meant for another model, it still knows what these data take, sizes aside.
        Some(of_data) => {
            // What the data are like, a model must say whichever it is; one that cannot does not know the setting.
            let likelihood = |table: &Table| table.get("model")?.get("likelihood").cloned();
            let of_these = likelihood(&of_data).filter(|_| likelihood(&of_model).is_some());
            let rest = of_data.into_iter().filter(|(section, _)| section != "model").collect();
            let of_these = of_these.map(|value| nested("model.likelihood", value));
            [rest, of_model].into_iter().chain(of_these).collect()
        }
    })
}

/// Reads a recipe file as a table.
pub(super) fn read_table(path: &Path) -> Result<Table> {
    let text = std::fs::read_to_string(path).with_context(|| {
        format!(
            "cannot read the recipe {}; name a .toml file or a run's config.toml",
            path.display()
        )
    })?;
    text.parse().map_err(|e: toml::de::Error| {
        let start = e.span().map_or(0, |span| span.start);
        let line = 1 + text.bytes().take(start).filter(|&byte| byte == b'\n').count();
        anyhow!("{}, line {line}: not valid TOML: {}; mend that line", path.display(), one_line(&e))
    })
}

/// `a.b=value` as nested tables. A value that is no TOML is taken as text.
pub fn parse_pair(pair: &str) -> Result<Table> {
    let (path, text) =
        pair.split_once('=').filter(|(path, _)| !path.trim().is_empty()).ok_or_else(|| {
            anyhow!("--set {pair}: write --set key.path=value, such as --set train.lr=1e-3")
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

pub(super) fn one_line(error: &toml::de::Error) -> String {
    let mut message = error.message().replace('\n', " ");
    if let Some(place) = error.to_string().lines().find(|line| line.starts_with("in `")) {
        message = format!("{message}, {place}");
    }
    message
}
