//! Tables as other programs write them: pandas, polars, R, NumPy, spreadsheets, collections of data sets.

use super::{HEADER, Home, KINDS, flower, flowers, kind};

const ALL: &str = "setosa 20, versicolor 20, virginica 20";

/// Checks that a table is read as the flowers: four measurements, every label.
fn is_flowers(home: &Home, name: &str, table: impl AsRef<[u8]>) {
    home.write(name, table);
    let seen = home.show(name, &[]);
    assert_eq!((seen.classes(), seen.unlabelled()), (ALL.into(), 0), "{name}: {seen:?}");
    let features = seen.0["features"].as_array().unwrap();
    assert_eq!(features.len(), 4, "{name}: {seen:?}");
    for (at, [low, high]) in
        [[4.9, 6.7], [2.7, 3.5], [1.4, 5.6], [0.1, 2.2]].into_iter().enumerate()
    {
        let [from, to] = [0, 1].map(|end| features[at]["range"][end].as_f64().unwrap());
        assert!(
            features[at]["kind"] == "measurement" && low <= from && to <= high,
            "{name}: {seen:?}"
        );
    }
    assert_eq!(seen.scaling(), "4 standardised", "{name}");
}

fn table(separator: &str, number: impl Fn(f64) -> String, quote: &str, end: &str) -> String {
    let header = HEADER
        .split(',')
        .map(|name| format!("{quote}{name}{quote}"))
        .collect::<Vec<_>>()
        .join(separator);
    let row = |row: usize| {
        let numbers: Vec<String> = flower(row).into_iter().map(&number).collect();
        format!("{}{separator}{quote}{}{quote}{end}", numbers.join(separator), kind(row))
    };
    header + end + &(0..60).map(row).collect::<String>()
}

fn plain(value: f64) -> String {
    value.to_string()
}

#[test]
fn marks_between_cells_and_in_numbers_are_found_out() {
    let home = Home::new();
    let comma = |value: f64| value.to_string().replace('.', ",");
    is_flowers(&home, "plain.csv", table(",", plain, "", "\n"));
    is_flowers(&home, "windows.csv", table(",", plain, "\"", "\r\n"));
    is_flowers(&home, "tabs.tsv", table("\t", plain, "", "\n"));
    is_flowers(&home, "tabs.csv", table("\t", plain, "", "\n"));
    is_flowers(&home, "bars.txt", table("|", plain, "", "\n"));
    is_flowers(&home, "german.csv", table(";", comma, "", "\n"));
    is_flowers(&home, "excel.csv", "sep=;\r\n".to_owned() + &table(";", comma, "", "\r\n"));
    is_flowers(
        &home,
        "quoted.csv",
        table(",", |value| format!("\"{}\"", comma(value)), "\"", "\n"),
    );
    is_flowers(&home, "science.csv", table(",", |value| format!("{value:.4e}"), "", "\n"));
    is_flowers(
        &home,
        "comments.csv",
        "# flowers\n# of three kinds\n".to_owned() + &table(",", plain, "", "\n"),
    );
}

#[test]
fn encodings_are_found_out() {
    let home = Home::new();
    let text = table(",", plain, "", "\n");
    is_flowers(&home, "bom.csv", [b"\xef\xbb\xbf", text.as_bytes()].concat());
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    is_flowers(&home, "utf16.csv", [b"\xff\xfe", &wide[..]].concat());
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut gz, text.as_bytes()).unwrap();
    is_flowers(&home, "packed.csv.gz", gz.finish().unwrap());
}

#[test]
fn names_of_rows_of_r_and_of_pandas_are_no_feature() {
    let home = Home::new();
    let line = |row: usize| {
        let [a, b, c, d] = flower(row);
        format!("\"{}\",{a},{b},{c},{d},\"{}\"\n", row + 1, kind(row))
    };
    let header =
        "\"\",\"Sepal.Length\",\"Sepal.Width\",\"Petal.Length\",\"Petal.Width\",\"Species\"\n";
    is_flowers(&home, "write-csv.csv", header.to_owned() + &(0..60).map(line).collect::<String>());
    // `write.table` writes no name for the names of the rows.
    let line = |row: usize| {
        let [a, b, c, d] = flower(row);
        format!("\"{}\" {a} {b} {c} {d} \"{}\"\n", row + 1, kind(row))
    };
    let header = "\"Sepal.Length\" \"Sepal.Width\" \"Petal.Length\" \"Petal.Width\" \"Species\"\n";
    is_flowers(
        &home,
        "write-table.txt",
        header.to_owned() + &(0..60).map(line).collect::<String>(),
    );
    let named = |row: usize| {
        let [a, b, c, d] = flower(row);
        format!("plant {row},{a},{b},{c},{d},{}\n", kind(row))
    };
    is_flowers(
        &home,
        "names.csv",
        format!(",{HEADER}\n") + &(0..60).map(named).collect::<String>(),
    );
}

#[test]
fn files_without_a_header_have_all_their_rows() {
    let home = Home::new();
    let headless = |label: &dyn Fn(usize) -> String| flowers(60, "", label).trim_start().to_owned();
    is_flowers(&home, "uci.data", headless(&kind) + "\n\n");
    // `numpy.savetxt` writes every number in this way, the label too.
    let line = |row: usize| {
        let cells = flower(row).into_iter().chain([(row % 3) as f64]);
        cells.map(|value| format!("{value:.18e}")).collect::<Vec<_>>().join(" ") + "\n"
    };
    home.write("savetxt.txt", (0..60).map(line).collect::<String>());
    let seen = home.show("savetxt.txt", &[]);
    assert_eq!((seen.classes(), &seen.0["rows"]), ("0 20, 1 20, 2 20".into(), &60.into()));
}

#[test]
fn json_of_pandas_and_polars_is_read_in_every_orientation() {
    let home = Home::new();
    let object = |row: usize| {
        let [a, b, c, d] = flower(row);
        format!("{{\"sl\":{a},\"sw\":{b},\"pl\":{c},\"pw\":{d},\"species\":\"{}\"}}", kind(row))
    };
    let objects: Vec<String> = (0..60).map(object).collect();
    is_flowers(&home, "lines.jsonl", objects.join("\n"));
    is_flowers(&home, "records.json", format!("[{}]", objects.join(",")));
    let column = |name: &str, cell: &dyn Fn(usize) -> String| {
        let cells: Vec<String> = (0..60).map(|row| format!("\"{row}\":{}", cell(row))).collect();
        format!("\"{name}\":{{{}}}", cells.join(","))
    };
    let columns: Vec<String> = ["sl", "sw", "pl", "pw"]
        .iter()
        .enumerate()
        .map(|(at, name)| column(name, &|row| flower(row)[at].to_string()))
        .collect();
    let species = column("species", &|row| format!("\"{}\"", kind(row)));
    is_flowers(&home, "columns.json", format!("{{{},{species}}}", columns.join(",")));
    let cells = |row: usize| format!("[{},\"{}\"]", flower(row).map(plain).join(","), kind(row));
    let rows = (0..60).map(cells).collect::<Vec<_>>().join(",");
    let names = "\"columns\":[\"sl\",\"sw\",\"pl\",\"pw\",\"species\"]";
    let index: Vec<String> = (0..60).map(|row| row.to_string()).collect();
    is_flowers(
        &home,
        "split.json",
        format!("{{{names},\"index\":[{}],\"data\":[{rows}]}}", index.join(",")),
    );
    is_flowers(&home, "values.json", format!("[{rows}]"));
    let indexed: Vec<String> = (0..60).map(|row| format!("\"{row}\":{}", objects[row])).collect();
    is_flowers(&home, "index.json", format!("{{{}}}", indexed.join(",")));
    home.write("nested.jsonl", "{\"x\":{\"a\":1},\"label\":\"b\"}\n");
    assert!(home.refused("nested.jsonl", &[]).contains("\"x\" is an object"));
}

#[test]
fn columns_that_say_nothing_are_left_out_with_the_reason() {
    let home = Home::new();
    let line = |row: usize| {
        let [a, b, ..] = flower(row);
        format!(
            "{a},{b},1,,{},2024-01-{:02} 10:{row:02},{},{}\n",
            1000 + row,
            row % 28 + 1,
            row.is_multiple_of(2),
            KINDS[row % 3]
        )
    };
    home.write(
        "more.csv",
        "sl,sw,same,empty,id,when,flag,label\n".to_owned() + &(0..60).map(line).collect::<String>(),
    );
    let seen = home.show("more.csv", &[]);
    let left_out = seen.left_out();
    for part in ["same: always 1", "empty: empty", "when: 60 different texts"] {
        assert!(left_out.contains(part), "{part}: {left_out}");
    }
    assert!(seen.features().contains("flag yes/no"), "{seen:?}");
    assert_eq!(seen.classes(), ALL);
}

#[test]
fn numbers_with_cells_missing_are_filled_and_said() {
    let home = Home::new();
    let line = |row: usize| {
        let [a, b, c, d] = flower(row);
        let b = if row.is_multiple_of(10) { "NA".to_owned() } else { b.to_string() };
        let c = if row == 7 { "broken".to_owned() } else { c.to_string() };
        format!("{a},{b},{c},{d},{}\n", kind(row))
    };
    home.write("holes.csv", format!("{HEADER}\n") + &(0..60).map(line).collect::<String>());
    let seen = home.show("holes.csv", &[]);
    assert_eq!(seen.classes(), ALL);
    assert_eq!(seen.0["features"][1]["missing"], 6);
    assert!(seen.notes("pl: \"broken\" is not a number"), "{seen:?}");
    let summary = home.trained("holes.csv", "run");
    assert!(summary["elbo"].is_number(), "{summary}");
}

#[test]
fn headers_that_are_written_twice_or_in_two_rows_are_no_examples() {
    let home = Home::new();
    let whole = table(",", plain, "", "\n");
    let at = whole.match_indices('\n').nth(30).unwrap().0 + 1;
    is_flowers(&home, "joined.csv", format!("{}{HEADER}\n{}", &whole[..at], &whole[at..]));
    // As pandas writes columns of two levels, with its index.
    let line = |row: usize| {
        let [a, b, c, d] = flower(row);
        format!("{row},{a},{b},{c},{d},{}\n", kind(row))
    };
    let header = ",sepal,sepal,petal,petal,y\n,l,w,l,w,species\n";
    is_flowers(&home, "levels.csv", header.to_owned() + &(0..60).map(line).collect::<String>());
}
