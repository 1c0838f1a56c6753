//! Tables: which column is the label, which rows have one, what is no feature, how numbers are scaled.

use super::{HEADER, Home, KINDS, SOME_STEPS, flowers, kind};

#[test]
fn numbers_are_standardised_and_learnt() {
    let home = Home::new();
    home.write("iris.csv", flowers(90, "a,b,c,d,label", |row| (row % 3).to_string()));
    let seen = home.show("iris.csv", &[]);
    assert_eq!((seen.likelihood(), seen.scaling()), ("mixed", "4 standardised"));
    assert_eq!(seen.classes(), "0 30, 1 30, 2 30");
    assert_eq!(seen.features(), "a measurement, b measurement, c measurement, d measurement");
    let more = [&SOME_STEPS, &["--test-share=0.3"][..]].concat();
    let summary = home.train_longer("iris.csv", "run", &more).done().json();
    for accuracy in ["test_accuracy", "baseline_accuracy"] {
        // Chance is a third.
        assert!(summary[accuracy].as_f64().unwrap() > 0.9, "{summary}");
    }
}

#[test]
fn words_for_a_missing_label_are_no_class() {
    let home = Home::new();
    let words = [
        "",
        "NA",
        "nan",
        "NaN",
        "None",
        "NULL",
        "null",
        "?",
        "<NA>",
        "unlabeled",
        "Unlabelled",
        "-1",
    ];
    for word in words {
        let label = |row: usize| if row % 5 < 3 { word.to_owned() } else { kind(row) };
        home.write("some.csv", flowers(150, HEADER, label));
        let seen = home.show("some.csv", &[]);
        assert_eq!(seen.classes(), "setosa 20, versicolor 20, virginica 20", "{word:?}");
        assert_eq!(seen.unlabelled(), 90, "{word:?}");
        assert!(seen.notes("90 "), "{word:?}: {seen:?}");
    }
}

#[test]
fn all_labels_are_used_and_their_rows_are_said_before_training() {
    let home = Home::new();
    let label = |row: usize| if row % 5 < 3 { "NA".to_owned() } else { kind(row) };
    home.write("some.csv", flowers(150, HEADER, label));
    let said = home.train("some.csv", "run", &["--folds=2"]).done();
    assert_eq!((&said.json()["labels"], &said.json()["unlabelled"]), (&60.into(), &150.into()));
    assert!(said.stderr.contains("150: 60 labelled, 90 unlabelled"), "{}", said.stderr);
    assert!(said.stderr.contains("species, the last column"), "{}", said.stderr);
    let place = |words: &str| said.stderr.find(words).unwrap();
    assert!(place("note       90 rows have no label") < place("epoch 1"), "{}", said.stderr);
}

#[test]
fn minus_one_is_said_and_can_be_a_class() {
    let home = Home::new();
    home.write("mood.csv", flowers(60, "a,b,c,d,label", |row| (row as i64 % 3 - 1).to_string()));
    let seen = home.show("mood.csv", &[]);
    assert_eq!((seen.classes(), seen.unlabelled()), ("0 20, 1 20".into(), 20));
    assert!(seen.notes("20 rows have the label -1") && seen.notes("--set data.minus-one=class"));
    let class = home.show("mood.csv", &["--set=data.minus-one=class"]);
    assert_eq!((class.classes(), class.unlabelled()), ("-1 20, 0 20, 1 20".into(), 0));
    // The advised way trains to the end.
    let way = ["--folds=2", "--set=data.minus-one=class"];
    assert_eq!(home.train("mood.csv", "run", &way).done().json()["labels"], 60);
    home.write("signs.csv", flowers(60, "a,b,c,d,label", |row| ["-1", "1"][row % 2].into()));
    assert_eq!(home.show("signs.csv", &[]).classes(), "-1 30, 1 30");
}

#[test]
fn an_index_is_no_feature_and_a_column_that_counts_is_pointed_out() {
    let home = Home::new();
    // Sorted by class, as such files are: the number of a row says its class.
    let row = |row: usize| format!("{row},{},{},{}\n", row * 7 % 13, row * 5 % 11, row / 30);
    let rows: String = (0..90).map(row).collect();
    home.write("noise.csv", format!(",a,b,label\n{rows}"));
    let seen = home.show("noise.csv", &[]);
    assert_eq!(seen.features(), "a whole number, b whole number");
    assert!(seen.left_out().contains("an index: it counts 0, 1, 2"), "{seen:?}");
    let said = home.train("noise.csv", "run", &["--folds=2"]).done();
    assert!(said.stderr.contains("an index: it counts 0, 1, 2"), "{}", said.stderr);
    home.write("named.csv", format!("id,a,b,label\n{rows}"));
    let seen = home.show("named.csv", &[]);
    assert!(
        seen.features().starts_with("id whole number") && seen.notes("--leave-out id"),
        "{seen:?}"
    );
    let without = home.show("named.csv", &["--leave-out", "id"]);
    assert_eq!(without.features(), "a whole number, b whole number");
    assert_eq!(without.left_out(), "id: as requested");
}

#[test]
fn a_header_of_numbers_is_a_header() {
    let home = Home::new();
    home.write("numbers.csv", flowers(60, "0,1,2,3,label", kind));
    let seen = home.show("numbers.csv", &[]);
    assert_eq!(
        (seen.label(), seen.classes()),
        ("label", "setosa 20, versicolor 20, virginica 20".into())
    );
    assert_eq!(seen.0["rows"], 60);
    // As pandas writes an array: no column has a name that says anything.
    home.write("array.csv", flowers(60, "0,1,2,3,4", |row| (row % 3).to_string()));
    let seen = home.show("array.csv", &[]);
    assert_eq!((seen.label(), seen.classes()), ("4", "0 20, 1 20, 2 20".into()));
}

#[test]
fn the_label_column_its_rule_and_another_choice_are_said() {
    let home = Home::new();
    let row =
        |row: usize| format!("{},{},{},{}\n", row % 2, 1 + row % 3, 20 + row * 7 % 50, row % 4);
    home.write(
        "ship.csv",
        "Survived,Class_,Age,Parch\n".to_owned() + &(0..80).map(row).collect::<String>(),
    );
    let seen = home.show("ship.csv", &[]);
    assert_eq!((seen.label(), seen.classes()), ("Parch", "0 20, 1 20, 2 20, 3 20".into()));
    let rule = seen.0["label"]["rule"].as_str().unwrap();
    assert!(rule.contains("the last column") && rule.contains("--label NAME"), "{rule}");
    let seen = home.show("ship.csv", &["--label", "survived"]);
    assert_eq!((seen.label(), seen.classes()), ("Survived", "0 40, 1 40".into()));
    let no_such = home.refused("ship.csv", &["--label", "Sex"]);
    assert_eq!(
        no_such,
        "error: ship.csv: there is no column \"Sex\"; the columns are \"Survived\", \"Class_\", \"Age\", \"Parch\""
    );
}

#[test]
fn a_label_that_cannot_be_one_is_answered_with_columns_that_could() {
    let home = Home::new();
    let label_first: String =
        (0..60).map(|row| format!("{},{}.5\n", KINDS[row % 3], row)).collect();
    home.write("first.csv", format!("kind,size\n{label_first}"));
    assert!(
        home.refused("first.csv", &[]).ends_with("name it with --label; these could be: \"kind\"")
    );
    // A last column that is empty is not passed over for another one.
    let empty: String = (0..60).map(|row| format!("{}.5,{},\n", row, KINDS[row % 3])).collect();
    home.write("empty.csv", format!("size,site,kind\n{empty}"));
    let said = home.refused("empty.csv", &[]);
    assert!(said.contains("the last column, \"kind\", is empty, so no row has a label"), "{said}");
    home.write("commas.csv", format!("size,site,\n{empty}"));
    assert_eq!(home.show("commas.csv", &[]).classes(), "setosa 20, versicolor 20, virginica 20");
    // Without a header, columns have numbers, and the message says how to name one.
    home.write("headless.csv", &label_first);
    assert!(home.refused("headless.csv", &[]).ends_with("these could be: \"column 1\""));
    for name in ["1", "column 1"] {
        let seen = home.show("headless.csv", &["--label", name]);
        assert_eq!(seen.classes(), "setosa 20, versicolor 20, virginica 20");
    }
    assert!(
        home.refused("headless.csv", &["--label", "3"]).contains("the number of a column, 1 to 2")
    );
}

#[test]
fn no_error_prints_a_row_of_many_cells() {
    let home = Home::new();
    let row = |row: usize| format!("{}{}\n", "7,".repeat(784), KINDS[row % 3]);
    let short = format!("{}\n", "7,".repeat(700));
    home.write("wide.csv", (0..30).map(row).collect::<String>() + &short);
    let said = home.refused("wide.csv", &[]);
    assert!(
        said.contains("line 31 has 701 cells where 785 are expected") && said.len() < 300,
        "{said}"
    );
    let header: String = (0..784).map(|at| format!("c{at},")).collect();
    home.write("named.csv", format!("{header}label\n{}", (0..30).map(row).collect::<String>()));
    let said = home.refused("named.csv", &["--label", "kind"]);
    assert!(said.contains("and 775 more") && said.len() < 300, "{said}");
}

#[test]
fn labels_that_do_not_begin_at_zero_are_divided_as_they_are() {
    let home = Home::new();
    let row = |row: usize| format!("{},{},{}\n", row * 7 % 13, row * 5 % 11, 1 + row % 26);
    home.write("letters.csv", "a,b,label\n".to_owned() + &(0..260).map(row).collect::<String>());
    let summary = home.trained("letters.csv", "run");
    assert_eq!((&summary["labels"], &summary["tested"]), (&260.into(), &260.into()));
    let said = home.train("letters.csv", "odd", &["--labels=27"]);
    assert!(said.error().contains("a multiple of 26"), "{}", said.stderr);
    home.train("letters.csv", "even", &["--labels=26"]).done();
}

#[test]
fn a_column_of_splits_at_the_end_is_no_label() {
    let home = Home::new();
    let split = |row: usize| if row % 4 == 3 { "test" } else { "train" };
    let row = |row: usize| format!("{}.5,{},{}\n", row % 7, ["ant", "bee"][row % 2], split(row));
    home.write("split.csv", format!("size,kind,split\n{}", (0..40).map(row).collect::<String>()));
    let seen = home.show("split.csv", &[]);
    assert_eq!(seen.classes(), "ant 20, bee 10");
}

#[test]
fn what_a_name_would_do_to_the_terminal_is_shown_and_kept() {
    let home = Home::new();
    let name = |row: usize| ["\u{1b}[31mred", "\"two\nlines\""][row % 2].to_owned();
    home.write("odd.csv", flowers(40, "a\u{7},b,c,d,label", name));
    let said = home.call(&["data", "show", &home.path("odd.csv")]).done().stdout;
    assert!(said.contains(r"\x1b[31mred 20, two\nlines 20"), "{said}");
    assert!(said.contains(r"a\x07 ") && !said.contains(['\u{1b}', '\u{7}']), "{said}");
    assert_eq!(home.show("odd.csv", &[]).classes(), "\u{1b}[31mred 20, two\nlines 20");
}

#[test]
fn seconds_since_1970_are_learnt_from_and_come_back() {
    let home = Home::new();
    let row = |row: usize| {
        let t = 1.7e9 + 0.25 * ((row * 7) % 40) as f64 + 9.0 * (row % 2) as f64;
        format!("{t},{},{}\n", (row * 5) % 11, ["a", "b"][row % 2])
    };
    home.write("t.csv", "t,other,label\n".to_owned() + &(0..80).map(row).collect::<String>());
    let said = home.train("t.csv", "run", &["--model=m2", "--test-share=0.25"]).done();
    assert!(said.stderr.contains("they are counted from 1700000000"), "{}", said.stderr);
    assert!(!said.stderr.contains("the same features"), "{}", said.stderr);
    assert!(said.json()["baseline_accuracy"].as_f64() > Some(0.7), "{}", said.stdout);
    let [run, table, arrays] = ["run", "drawn.csv", "drawn.npz"].map(|name| home.path(name));
    home.call(&["sample", &run, "--per-class=5", "--out", &table]).done();
    for line in home.text("drawn.csv").lines().skip(1) {
        let t: f64 = line.split(',').next().unwrap().parse().unwrap();
        assert!((1.69999e9..1.70001e9).contains(&t), "{line}");
    }
    let said = home.call(&["sample", &run, "--per-class=5", "--out", &arrays]).done();
    assert!(said.stderr.contains("in x, t is counted from 1700000000"), "{}", said.stderr);
    let predicted = home.call(&["predict", &run, &home.path("t.csv"), "--out", &table, "--json"]);
    assert!(predicted.done().json()["accuracy"].as_f64() > Some(0.7));
}

#[test]
fn pixels_with_zeros_before_them_are_pixels() {
    let home = Home::new();
    let cell = |row: usize, at: usize| format!("{:03}", (row * 31 + at * 17) % 5 * 63);
    let row = |row: usize| {
        let cells: Vec<String> = (0..16).map(|at| cell(row, at)).collect();
        format!("{},{}\n", cells.join(","), row % 2)
    };
    let header = (0..16).map(|at| format!("pixel{at},")).collect::<String>() + "label\n";
    home.write("pixels.csv", header + &(0..20).map(row).collect::<String>());
    let seen = home.call(&["data", "show", &home.path("pixels.csv"), "--json"]).done().json();
    assert_eq!(seen["features"][0]["kind"], "pixel", "{seen}");
}
