//! JSON as programs write it.

use super::*;
use crate::data::table;

fn read(text: &str) -> Table {
    read_json(text.as_bytes(), "t.jsonl").unwrap()
}

fn message(text: &str) -> String {
    read_json(text.as_bytes(), "t.jsonl").unwrap_err().to_string()
}

/// Names and cells as text, `-` where one is missing, `#` before numbers.
fn shown(table: &Table) -> Vec<String> {
    let column = |column: &table::Column| {
        let kind = if matches!(column.cells, table::Cells::Numbers(_)) { "#" } else { "" };
        let cells = (0..table.rows).map(|row| column.cells.text(row).unwrap_or("-".into()));
        format!("{}: {kind}{}", column.name, cells.collect::<Vec<_>>().join(" "))
    };
    table.columns.iter().map(column).collect()
}

#[test]
fn the_three_forms_give_the_same_table() {
    let expected = ["z: #1 -2.5", "a: x -", "ok: true false"];
    let lines = read("{\"z\":1,\"a\":\"x\",\"ok\":true}\n\n{\"z\":-2.5,\"a\":null,\"ok\":false}\n");
    assert_eq!(
        (shown(&lines), &*lines.format),
        (expected.map(str::to_owned).to_vec(), "JSON lines")
    );
    let records = read("[{\"z\":1,\"a\":\"x\",\"ok\":true},{\"z\":-2.5,\"ok\":false,\"a\":\"\"}]");
    assert_eq!(shown(&records), expected);
    let columns = read(
        "{\"z\":{\"0\":1,\"1\":-2.5},\"a\":{\"0\":\"x\",\"1\":null},\"ok\":{\"0\":true,\"1\":false}}",
    );
    assert_eq!((shown(&columns), columns.rows), (expected.map(str::to_owned).to_vec(), 2));
    assert_eq!(shown(&read("{\"z\":[1,-2.5],\"a\":[\"x\",\"NA\"],\"ok\":[true,false]}")), expected);
}

#[test]
fn keys_may_be_missing_and_kinds_mixed() {
    let table = read("{\"a\":1}\n{\"b\":\"x\"}\n{\"a\":\"y\",\"b\":2}\n{\"c\":null}\n");
    assert_eq!(shown(&table), ["a: 1 - y -", "b: - x 2 -", "c: #- - - -"]);
    let escaped = read("{\"\\u0061\":1}\n{\"a\":2}\n");
    assert_eq!(shown(&escaped), ["a: #1 2"]);
    // More than nine rows stay in their order.
    let cells: Vec<String> = (0..12).map(|row| format!("\"{row}\":{row}")).collect();
    let table = read(&format!("{{\"a\":{{{}}}}}", cells.join(",")));
    assert_eq!(shown(&table), ["a: #0 1 2 3 4 5 6 7 8 9 10 11"]);
}

#[test]
fn lists_become_columns() {
    let table = read("{\"y\":null,\"x\":null}\n{\"x\":[1,2],\"y\":0}\n{\"x\":[3,null]}\n");
    assert_eq!(shown(&table), ["y: #- 0 -", "x.0: #- 1 3", "x.1: #- 2 -"]);
    assert!(
        message("{\"a\":0,\"x\":[1,2]}\n{\"x\":[1]}\n")
            .contains("line 2: the list \"x\" has 1 values")
    );
    assert!(message("{\"a\":0,\"x\":[1,[2]]}\n").contains("other values than numbers"));
    assert!(message("{\"a\":0,\"x\":[]}\n").contains("has 0 values"));
    assert!(message("{\"x\":1}\n{\"x\":[1]}\n").contains("a list here and none above"));
    assert!(message("{\"a\":0,\"x\":[1]}\n{\"x\":1}\n").contains("a number here and a list above"));
}

#[test]
fn what_is_no_table_is_refused() {
    assert!(message("").contains("empty"));
    assert!(message(" \n").contains("no row"));
    assert!(message("[]").contains("no row"));
    assert!(message("{}").contains("no row"));
    assert!(message("[1,2]").contains("object 1: this is no object"));
    assert!(message("3\n").contains("line 1: this is no object"));
    assert!(message("{\"a\":1}\n\n\n[1]\n").contains("line 4: this is no object"));
    assert!(message("{\"a\":1}\n{\"a\":{\"b\":1}}\n").contains("line 2: \"a\" is an object"));
    assert!(message("{\"a\":1,\"a\":2}\n").contains("\"a\" stands there twice"));
    assert!(
        message("{\"a\":1}\n{\"a\":").contains("not JSON (EOF while parsing a value at line 2")
    );
    assert!(message("{\"a\":1}\n{\"a\":1e999}\n").contains("out of range at line 2"));
    assert!(message("{\"a\":[1],\"b\":[1,2]}").contains("\"b\" has 2 cells"));
    assert!(
        message("{\"a\":{\"0\":1},\"b\":{\"1\":1}}").contains("\"b\" names its rows otherwise")
    );
    assert!(message("{\"columns\":[\"a\"],\"data\":[0,1]}").contains("has 2 cells"));
    let ragged = "{\"columns\":[\"a\",\"b\"],\"data\":[[1,2],[3]]}";
    assert!(message(ragged).contains("list 2: it has 1 values where 2 are expected"));
    assert!(message("[[1,2],[3]]").contains("list 2: it has 1 values"));
    assert!(message(&"[".repeat(100_000)).contains("recursion"));
}

#[test]
fn many_keys_in_few_bytes_are_refused() {
    let rows: String = (0..8000).map(|row| format!("{{\"{row}\":0}}\n")).collect();
    assert!(message(&rows).contains("8000 different keys"));
}

/// What is said of names of rows.
const REMARK: &str = ", without the names of the rows";

/// `df.to_json(orient=...)` of pandas 3.0.6, with and without names of rows, and as numbers alone.
#[test]
fn forms_of_pandas() {
    let expected = ["a: #7 0 5", "b: #5 0 8", "w: x y x"];
    let cells =
        [("a", ["7", "0", "5"]), ("b", ["5", "0", "8"]), ("w", ["\"x\"", "\"y\"", "\"x\""])];
    let object = |members: Vec<String>| format!("{{{}}}", members.join(","));
    for (names, remark) in
        [(["0", "1", "2"], ""), (["7", "9", "8"], REMARK), (["k", "l", "m"], REMARK)]
    {
        let row = |row: usize| {
            object(cells.iter().map(|(name, cells)| format!("\"{name}\":{}", cells[row])).collect())
        };
        let rows = (0..3).map(|at| format!("\"{}\":{}", names[at], row(at))).collect();
        let by_rows = read(&object(rows));
        assert_eq!(shown(&by_rows), expected);
        assert_eq!(by_rows.format, format!("JSON, an object of rows{remark}"));
        let column = |(name, cells): &(&str, [&str; 3])| {
            let cells = names.iter().zip(cells).map(|(name, cell)| format!("\"{name}\":{cell}"));
            format!("\"{name}\":{}", object(cells.collect()))
        };
        let by_columns = read(&object(cells.iter().map(column).collect()));
        assert_eq!(shown(&by_columns), expected);
        assert_eq!(by_columns.format, format!("JSON, an object of columns{remark}"));
        let list = |row: usize| cells.map(|(_, cells)| cells[row]).join(",");
        let data = format!("[[{}],[{}],[{}]]", list(0), list(1), list(2));
        let index = names.map(|name| format!("\"{name}\"")).join(",");
        let split = read(&format!(
            "{{\"columns\":[\"a\",\"b\",\"w\"],\"index\":[{index}],\"data\":{data}}}"
        ));
        assert_eq!((shown(&split), split.named), (expected.map(str::to_owned).to_vec(), true));
        assert_eq!(split.format, format!("JSON, a list for each row{remark}"));
        let values = read(&data);
        assert_eq!(shown(&values)[2], "column 3: x y x");
        assert_eq!((values.rows, values.named), (3, false));
    }
    let schema =
        "\"schema\":{\"fields\":[],\"primaryKey\":[\"index\"],\"pandas_version\":\"1.4.0\"}";
    let table =
        read(&format!("{{{schema},\"data\":[{{\"index\":0,\"a\":1}},{{\"index\":1,\"a\":2}}]}}"));
    assert_eq!((shown(&table), table.format.contains("names")), (vec!["a: #1 2".into()], false));
}

#[test]
fn an_object_of_objects_of_numbers_is_told_by_its_keys_or_refused() {
    let rows =
        "{\"0\":{\"a\":7,\"label\":1},\"1\":{\"a\":0,\"label\":0},\"2\":{\"a\":5,\"label\":1}}";
    assert_eq!(shown(&read(rows)), ["a: #7 0 5", "label: #1 0 1"]);
    let columns = "{\"a\":{\"5\":7,\"3\":0},\"label\":{\"5\":1,\"3\":0}}";
    assert_eq!(shown(&read(columns)), ["a: #7 0", "label: #1 0"]);
    // The kind of the cells says more than the keys: years as columns, countries as rows.
    let years = "{\"2015\":{\"x\":1,\"y\":2},\"7\":{\"x\":\"u\",\"y\":\"v\"}}";
    assert_eq!(shown(&read(years)), ["2015: #1 2", "7: u v"]);
    for unclear in [
        "{\"0\":{\"0\":1,\"1\":2},\"1\":{\"0\":3,\"1\":4}}",
        "{\"a\":{\"x\":1,\"y\":2},\"b\":{\"x\":3,\"y\":4}}",
    ] {
        let message = message(unclear);
        assert!(
            message.contains("by rows and by columns") && message.contains("records"),
            "{message}"
        );
    }
    // Rows may lack cells; columns may not.
    let some = "{\"u\":{\"a\":1,\"b\":2},\"v\":{\"b\":3}}";
    assert_eq!(shown(&read(some)), ["a: #1 -", "b: #2 3"]);
}

#[test]
fn the_first_of_lists_may_name_the_columns() {
    let table = read("[[\"a\",\"b\"],[1,\"x\"],[null,\"y\"]]");
    assert_eq!((shown(&table), table.named), (vec!["a: #1 -".into(), "b: x y".into()], true));
    let table = read("[[\"a\",\"b\"],[\"c\",\"x\"]]");
    assert_eq!((table.rows, table.named), (2, false));
    assert_eq!(
        shown(&read("[[1,[2,3]],[4,[5,6]]]"))[1..],
        ["column 2.0: #2 5", "column 2.1: #3 6"]
    );
}
