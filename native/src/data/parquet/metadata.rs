//! What programs write beside the columns of a Parquet file: pandas its index, `datasets` the names of classes.

use gleaner_core::data::table::Column;
use parquet::file::metadata::FileMetaData;
use serde_json::Value;

/// The name of an index that has none.
const UNNAMED_INDEX: &str = "__index_level_";

fn value(about: &FileMetaData, key: &str) -> Option<Value> {
    let found = about.key_value_metadata()?.iter().find(|entry| entry.key == key)?;
    serde_json::from_str(found.value.as_ref()?).ok()
}

/// Columns that were the index of a data frame: those that pandas names, and those that are called so.
pub(super) fn index_columns(about: &FileMetaData) -> Vec<String> {
    let pandas = value(about, "pandas");
    let listed = pandas.as_ref().and_then(|pandas| pandas["index_columns"].as_array());
    // An index that only counts is no column; an object describes it.
    let listed = listed.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
    let fields = about.schema_descr().root_schema().get_fields();
    let called = fields.iter().map(|field| field.name().to_owned());
    listed.chain(called.filter(|name| name.starts_with(UNNAMED_INDEX))).collect()
}

/// Names of classes (`ClassLabel` of `datasets`) of the columns that have them.
pub(super) fn class_names(about: &FileMetaData, columns: &[Column]) -> Vec<(String, Vec<String>)> {
    let Some(said) = value(about, "huggingface") else { return Vec::new() };
    let names = |column: &Column| {
        let feature = &said["info"]["features"][&*column.name];
        let names = feature["names"].as_array().filter(|_| feature["_type"] == "ClassLabel")?;
        let names = names.iter().map(|name| name.as_str().map(str::to_owned));
        Some((column.name.clone(), names.collect::<Option<_>>()?))
    };
    columns.iter().filter_map(names).collect()
}
