//! What can be trained on but is hardly meant: it is said, or left out, never silently learnt.

use gleaner_core::data::formats::npy::NpyArray;

use super::{HEADER, Home, bytes, digits, flower, flowers, kind};

/// Flowers with a first column more, under a header.
fn with_first(header: &str, first: impl Fn(usize) -> String) -> String {
    let line = |row: usize| {
        let [a, b, c, d] = flower(row);
        format!("{},{a},{b},{c},{d},{}\n", first(row), kind(row))
    };
    format!("{header},{HEADER}\n") + &(0..60).map(line).collect::<String>()
}

fn is_four_measurements(home: &Home, name: &str) {
    let seen = home.show(name, &[]);
    assert_eq!(
        seen.features(),
        "sl measurement, sw measurement, pl measurement, pw measurement",
        "{name}: {seen:?}"
    );
}

#[test]
fn an_index_is_left_out_shuffled_or_written_twice() {
    let home = Home::new();
    // 37 and 60 have no divisor in common, so every number occurs once.
    home.write("shuffled.csv", with_first("", |row| (row * 37 % 60).to_string()));
    is_four_measurements(&home, "shuffled.csv");
    home.write("twice.csv", with_first(",Unnamed: 0", |row| format!("{row},{row}")));
    is_four_measurements(&home, "twice.csv");
    let table = with_first("", |row| row.to_string());
    home.write(
        "comma.csv",
        table.replace(",species\n", ",species,\n").replace("a\n", "a,\n").replace("r\n", "r,\n"),
    );
    let seen = home.show("comma.csv", &[]);
    assert_eq!(
        (seen.label(), seen.classes()),
        ("species", "setosa 20, versicolor 20, virginica 20".into())
    );
}

#[test]
fn a_column_that_says_the_label_is_pointed_out() {
    let home = Home::new();
    home.write(
        "coded.csv",
        flowers(60, "sl,sw,pl,pw,species,target", |row| format!("{},{}", kind(row), row % 3)),
    );
    let seen = home.show("coded.csv", &[]);
    assert_eq!(seen.label(), "target");
    assert!(
        seen.notes("species says the same as the label") && seen.notes("--leave-out species"),
        "{seen:?}"
    );
    home.write(
        "fair.csv",
        flowers(60, "sl,sw,pl,pw,soil,target", |row| {
            format!("{},{}", ["wet", "dry"][row / 3 % 2], row % 3)
        }),
    );
    assert!(!home.show("fair.csv", &[]).notes("says the same"));
}

#[test]
fn a_column_of_splits_makes_splits() {
    let home = Home::new();
    home.write(
        "parted.csv",
        with_first("split", |row| if row % 4 == 3 { "test" } else { "train" }.into()),
    );
    is_four_measurements(&home, "parted.csv");
    let seen = home.show("parted.csv", &[]);
    assert_eq!(
        (seen.classes(), &seen.0["splits"]["test"]),
        ("setosa 15, versicolor 15, virginica 15".into(), &15.into())
    );
    let summary = home.train("parted.csv", "run", &[]).done().json();
    assert_eq!(
        (&summary["labels"], &summary["tested"], summary.get("folds")),
        (&45.into(), &15.into(), None)
    );
    // Left and right are no splits.
    home.write(
        "sides.csv",
        with_first("split", |row| if row % 4 == 3 { "left" } else { "right" }.into()),
    );
    assert!(home.show("sides.csv", &[]).features().starts_with("split yes/no"));
}

#[test]
fn a_class_of_one_row_is_pointed_out_with_its_row() {
    let home = Home::new();
    home.write("total.csv", flowers(60, HEADER, kind) + "Total,,,,60\n");
    let seen = home.show("total.csv", &[]);
    assert!(seen.notes("\"60\" (row 61) has one example alone"), "{seen:?}");
    assert!(seen.notes("sl: \"Total\" is not a number"), "{seen:?}");
    let case =
        |row: usize| if row.is_multiple_of(2) { kind(row).to_uppercase() } else { kind(row) };
    home.write("case.csv", flowers(60, HEADER, case));
    assert!(home.show("case.csv", &[]).notes("differ in capitals alone"));
    home.write(
        "unknown.csv",
        flowers(60, HEADER, |row| if row % 4 == 0 { "unknown".into() } else { kind(row) }),
    );
    assert!(home.show("unknown.csv", &[]).notes("15 rows are of the class \"unknown\""));
    home.write(
        "marked.csv",
        flowers(
            60,
            HEADER,
            |row| if row % 4 == 0 { "unlabelled".into() } else { (row % 3).to_string() },
        ),
    );
    let seen = home.show("marked.csv", &[]);
    assert!(
        seen.unlabelled() == 15 && seen.notes("15 rows have the label \"unlabelled\""),
        "{seen:?}"
    );
}

#[test]
fn numbers_with_units_and_codes_for_missing_are_pointed_out() {
    let home = Home::new();
    let price = |row: usize| format!("${}.50", 5 + row % 9);
    home.write("prices.csv", with_first("price", price));
    assert!(home.show("prices.csv", &[]).notes("price: every cell is a number with \"$\""));
    home.write(
        "codes.csv",
        with_first("age", |row| {
            if row % 20 == 0 { -999 } else { 20 + row as i64 % 13 }.to_string()
        }),
    );
    assert!(home.show("codes.csv", &[]).notes("age is -999 in 3 rows, far from all other values"));
}

#[test]
fn examples_that_are_all_the_same_are_refused() {
    let home = Home::new();
    let (_, y) = digits(60);
    home.write_npz(
        "dark.npz",
        &[("x", bytes(&[60, 8, 8], vec![0; 3840])), ("y", NpyArray::i64(&[60], y))],
    );
    assert!(home.refused("dark.npz", &[]).contains("every example is the same"));
}

#[test]
fn texts_alone_are_answered_with_the_option_for_texts() {
    let home = Home::new();
    let line =
        |row: usize| format!("a {} film number {row},{}\n", ["good", "bad"][row % 2], row % 2);
    home.write("films.csv", "text,label\n".to_owned() + &(0..60).map(line).collect::<String>());
    let said = home.refused("films.csv", &[]);
    assert!(said.contains("--text COLUMN") && said.len() < 400, "{said}");
    let seen = home.show("films.csv", &["--text", "text"]);
    assert_eq!((seen.likelihood(), seen.classes()), ("multinomial", "0 30, 1 30".into()));
    home.train("films.csv", "run", &["--folds=2", "--text=text"]).done();
    let [run, new, out] = ["run", "new.csv", "p.csv"].map(|name| home.path(name));
    home.write("new.csv", "text\nsuch a good film\nbad\n");
    let said = home.call(&["predict", &run, &new, "--out", &out, "--json"]).done().json();
    assert_eq!(said["rows"], 2);
    let many: String = (0..300).map(|column| format!("c{column},")).collect();
    let line = |row: usize| {
        (0..300).map(|column| format!("t{row}x{column},")).collect::<String>()
            + ["a\n", "b\n"][row % 2]
    };
    home.write("wide.csv", format!("{many}label\n") + &(0..40).map(line).collect::<String>());
    assert!(home.refused("wide.csv", &[]).len() < 600);
}
