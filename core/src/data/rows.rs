//! Examples in the units of the user's data, as the rows of a table: what a table of samples is made of.

use super::features::Feature;
use super::schema::{Input, Schema};

/// Words of a text that are written, the most frequent first.
const WORDS: usize = 20;

/// Columns that are no label must not be called like one.
const LABEL: &str = "label";

impl Schema {
    /// Names of the columns of such a table: features, then the label. `None` where examples are no rows of a table.
    #[must_use]
    pub fn header(&self) -> Option<Vec<String>> {
        let mut names: Vec<String> = match &self.input {
            Input::Table(features) => features.iter().map(|feature| feature.name.clone()).collect(),
            Input::Texts { columns, .. } => {
                vec![columns.first().cloned().unwrap_or_else(|| "text".to_owned())]
            }
            Input::Array(shape) if shape.len() == 1 => {
                (0..shape[0]).map(|place| format!("x{place}")).collect()
            }
            Input::Pictures(_) | Input::Array(_) => return None,
        };
        names.push(self.label.clone().unwrap_or_else(|| LABEL.to_owned()));
        Some(names)
    }

    /// The cells of one example under these names. `values` are in the units of the data, `[features]`; `label` is -1 where
    /// there is none.
    #[must_use]
    pub fn cells(&self, values: &[f32], label: i64) -> Vec<String> {
        let mut cells = match &self.input {
            Input::Table(features) => table_cells(features, values),
            Input::Texts { words, .. } => vec![text(words, values)],
            Input::Pictures(_) | Input::Array(_) => {
                values.iter().map(|value| format!("{value}")).collect()
            }
        };
        let name = usize::try_from(label).ok().and_then(|label| self.classes.get(label));
        cells.push(name.cloned().unwrap_or_default());
        cells
    }

    /// A name for each number of an example: a column, and its word where it has one number for each.
    #[must_use]
    pub fn number_names(&self) -> Option<Vec<String>> {
        let Input::Table(features) = &self.input else { return None };
        let names = features.iter().flat_map(|Feature { name, kind, .. }| match kind {
            super::features::Kind::Words { words } => {
                words.iter().map(|word| format!("{name}={word}")).collect()
            }
            _ => vec![name.clone()],
        });
        Some(names.collect())
    }
}

fn table_cells(features: &[Feature], values: &[f32]) -> Vec<String> {
    let mut rest = values;
    let cell = |feature: &Feature| {
        let (mine, others) = rest.split_at(feature.kind.width());
        rest = others;
        feature.cell(mine)
    };
    features.iter().map(cell).collect()
}

/// The words that are expected most often.
fn text(words: &[String], counts: &[f32]) -> String {
    let mut order: Vec<usize> = (0..words.len()).filter(|&word| counts[word] > 0.0).collect();
    order.sort_by(|&a, &b| counts[b].total_cmp(&counts[a]).then(a.cmp(&b)));
    order.into_iter().take(WORDS).map(|word| words[word].as_str()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::features::Kind;
    use crate::data::schema::Scaling;

    fn schema(input: Input) -> Schema {
        let classes = vec!["cat".into(), "dog".into()];
        Schema { classes, label: None, input, scaling: Scaling::None }
    }

    #[test]
    fn rows_have_the_names_and_units_of_the_table() {
        let words = Kind::Words { words: ["a", "b", "c"].map(String::from).to_vec() };
        let of = |name: &str, kind: Kind| Feature::plain(name, kind);
        let table = schema(Input::Table(vec![of("mass", Kind::WholeNumber), of("site", words)]));
        let table = Schema { label: Some("species".into()), ..table };
        assert_eq!(table.header().unwrap(), ["mass", "site", "species"]);
        assert_eq!(table.cells(&[3.6, 0.1, 0.7, 0.2], 1), ["4", "b", "dog"]);
        assert_eq!(table.cells(&[3.6, 0.1, 0.7, 0.2], -1)[2], "");
        assert_eq!(table.number_names().unwrap(), ["mass", "site=a", "site=b", "site=c"]);
    }

    #[test]
    fn a_text_is_its_most_frequent_words() {
        let words = ["one", "two", "three"].map(String::from).to_vec();
        let texts = schema(Input::Texts { columns: vec!["title".into()], words });
        assert_eq!(texts.header().unwrap(), ["title", "label"]);
        assert_eq!(texts.cells(&[0.1, 0.0, 0.9], 0), ["three one", "cat"]);
        assert_eq!(schema(Input::Pictures([2, 2, 1])).header(), None);
    }
}
