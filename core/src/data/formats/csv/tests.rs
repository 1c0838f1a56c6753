//! Tables as programs write them.

use super::super::bytes::tests::gzip;
use super::*;
use crate::data::table::Cells;

fn read(text: &str) -> Table {
    read_csv(text.as_bytes(), "t.csv").unwrap()
}

fn message(text: &str) -> String {
    read_csv(text.as_bytes(), "t.csv").unwrap_err().to_string()
}

/// Names and cells as text, `-` where one is missing, `#` before numbers.
fn shown(table: &Table) -> Vec<String> {
    let column = |column: &table::Column| {
        let kind = if matches!(column.cells, Cells::Numbers(_)) { "#" } else { "" };
        let cells = (0..table.rows).map(|row| column.cells.text(row).unwrap_or("-".into()));
        format!("{}: {kind}{}", column.name, cells.collect::<Vec<_>>().join(" "))
    };
    table.columns.iter().map(column).collect()
}

#[test]
fn columns_of_numbers_and_words() {
    let table = read("a,b,c,d\r\n1,x,,True\r\n\r\n-2.5e1,?,NA,False\r\n");
    assert_eq!(shown(&table), ["a: #1 -25", "b: x -", "c: #- -", "d: True False"]);
    assert_eq!((table.rows, table.named), (2, true));
    assert_eq!(table.format, "CSV, columns separated by commas");
    let zipped = read_csv(&gzip(b"\xef\xbb\xbfa,b\n1,x\n"), "t").unwrap();
    assert_eq!(shown(&zipped), ["a: #1", "b: x"]);
    let latin = read_csv(b"stra\xdfe;n\nM\xfcller;1,5\nGro\xdf;2\n", "t").unwrap();
    assert_eq!(shown(&latin), ["straße: Müller Groß", "n: #1.5 2"]);
    let format =
        "CSV, columns separated by semicolons, with decimal commas, in the encoding windows-1252";
    assert_eq!(latin.format, format);
    assert_eq!(shown(&read("a,b\n\"x, \"\"y\"\"\nz\",1\n")), ["a: x, \"y\"\nz", "b: #1"]);
}

#[test]
fn tables_without_a_header() {
    let table = read("5.1,3.5,setosa\n4.9,,virginica\n");
    assert_eq!(
        shown(&table),
        ["column 1: #5.1 4.9", "column 2: #3.5 -", "column 3: setosa virginica"]
    );
    assert!(!table.named);
    // A word in the first row alone, and a first row that is all there is.
    assert_eq!(shown(&read("1,?\n2,5\n")), ["column 1: #1 2", "column 2: #- 5"]);
    assert_eq!(shown(&read("1,2.5\n")), ["column 1: #1", "column 2: #2.5"]);
    assert_eq!(shown(&read("p,x\ne,y\np,x\n")), ["column 1: p e p", "column 2: x y x"]);
    assert_eq!(shown(&read("7,5\n1,x\n2,5\n")), ["column 1: #7 1 2", "column 2: 5 x 5"]);
    assert_eq!(shown(&read("1,5;7\n12,5;8\n")), ["column 1: #1.5 12.5", "column 2: #7 8"]);
}

/// The same two rows as pandas and polars write them by default, with other delimiters, and with everything in quotes.
#[test]
fn pandas_and_polars() {
    let expected = ["x: #1.5 -", "n: #1 -2", "w: a;b say \"yes\", no", "label: cat -"];
    for text in [
        "x,n,w,label\n1.5,1,a;b,cat\n,-2,\"say \"\"yes\"\", no\",\n",
        "x;n;w;label\n1,5;1;\"a;b\";cat\n;-2;\"say \"\"yes\"\", no\";\n",
        "x\tn\tw\tlabel\n1.5\t1\ta;b\tcat\n\t-2\t\"say \"\"yes\"\", no\"\t\n",
        "\"x\",\"n\",\"w\",\"label\"\n\"1.5\",\"1\",\"a;b\",\"cat\"\n\"\",\"-2\",\"say \"\"yes\"\", no\",\"\"\n",
        "x|n|w|label\n1.5|1|a;b|cat\nnan|-2|\"say \"\"yes\"\", no\"|nan\n",
    ] {
        assert_eq!(shown(&read(text)), expected, "{text}");
    }
    let indexed = read(",x,label\n0,1.5,a\n1,2.5,b\n");
    assert_eq!(shown(&indexed), [": #0 1", "x: #1.5 2.5", "label: a b"]);
    let counted = read("0,1,2,3,label\n5.1,3.5,1.4,0.2,setosa\n4.9,3.0,1.4,0.2,setosa\n");
    assert_eq!((counted.rows, counted.named, &*counted.columns[3].name), (2, true, "3"));
    assert!(read("0,1,2\n0.5,1.5,2.5\n").named);
    assert!(!read("0,1,2\n3,4,5\n6,7,8\n").named);
    assert_eq!(shown(&read("a,a,b\n1,2,3\n")), ["a: #1", "a.1: #2", "b: #3"]);
}

/// `write.csv`, `write.csv2` and `write.table` of the same frame, by R's documentation.
#[test]
fn tables_of_r() {
    let expected = [": #1 2", "x: #1.5 -", "w: a b say \"yes\""];
    for text in [
        "\"\",\"x\",\"w\"\n\"1\",1.5,\"a b\"\n\"2\",NA,\"say \"\"yes\"\"\"\n",
        "\"\";\"x\";\"w\"\n\"1\";1,5;\"a b\"\n\"2\";NA;\"say \"\"yes\"\"\"\n",
        "\"x\" \"w\"\n\"1\" 1.5 \"a b\"\n\"2\" NA \"say \\\"yes\\\"\"\n",
        "\"x\"\t\"w\"\n\"1\"\t1.5\t\"a b\"\n\"2\"\tNA\t\"say \\\"yes\\\"\"\n",
    ] {
        assert_eq!(shown(&read(text)), expected, "{text}");
    }
    // A delimiter at the end of each row is no name at the front.
    assert_eq!(shown(&read("a,b\n1,2,\n3,4,\n")), ["a: #1 3", "b: #2 4", ": #- -"]);
}

#[test]
fn thousands() {
    assert_eq!(shown(&read("a,b\n\"1,234\",x\n5,y\n")), ["a: #1234 5", "b: x y"]);
    // Two digits after a comma: none of them stands between thousands.
    assert_eq!(shown(&read("a,b\n\"1,234\",x\n\"1,2\",y\n")), ["a: #1.234 1.2", "b: x y"]);
    assert_eq!(shown(&read("a;b\n1.234,5;x\n7;y\n")), ["a: #1234.5 7", "b: x y"]);
    assert_eq!(read("a,b\n1,234\n").columns.len(), 2);
    assert!(read("a\tb\n1,234\t0.5\n").format.ends_with("with commas between thousands"));
}

#[test]
fn blanks_comments_and_declared_delimiters() {
    let blanks = "  6  148  72.5 'x'\n 10   85  66   'y'\n";
    assert_eq!(shown(&read(blanks))[1..3], ["column 2: #148 85", "column 3: #72.5 66"]);
    let numpy = read("# a b\n1.0e+00 2.0e+00\n3.0e+00 4.0e+00\n");
    assert_eq!(shown(&numpy), ["a: #1 3", "b: #2 4"]);
    let said = read("# by hand\na,b\n1,2\n");
    assert_eq!(said.format, "CSV, columns separated by commas, below 1 line of comments");
    assert_eq!(shown(&read("sep=;\na;b\n1;2\n")), ["a: #1", "b: #2"]);
    let error = message("# by hand\na,b\n1,2\n3\n");
    assert!(error.contains("line 4 has 1 cell where 2 are expected"), "{error}");
}

#[test]
fn one_column() {
    assert_eq!(shown(&read("x\n1\n2\n")), ["x: #1 2"]);
    assert_eq!(shown(&read("text\nWell, yes\nOh no\n")), ["text: Well, yes Oh no"]);
}

#[test]
fn broken_tables_are_refused() {
    assert!(message("").contains("empty"));
    assert!(message("\u{feff}\n\n").contains("empty"));
    assert!(message("a,b,label\n").contains("no row below the header"));
    let ragged = message("a,b,c\n1,2,3\n\n4,secret\n5,6,7\n");
    assert!(
        ragged.contains("line 4 has 2 cells where 3 are expected (separated by commas)"),
        "{ragged}"
    );
    assert!(!ragged.contains("secret"));
    assert!(message("a,b,c\n1,2,3\n4,5,6\n7,8").contains("line 4 has 2 cells"));
    assert!(message("a,b\n1,2,3\n4,5\n").contains("line 2 has 3 cells"));
    assert!(message("a,b\n1,\"x\n2,y\n").contains("line 2: a quotation mark opens"));
    assert!(message("a,b\n1,2\n3,inf\n").contains("line 3, column \"b\": an infinite number"));
    assert!(message("a;b\n1,5;2\n-inf;3\n").contains("line 3, column \"a\": an infinite number"));
    assert!(message("1,2\n1e999,3\n").contains("line 2, column \"column 1\""));
    assert!(message("\u{0}\u{1}\u{2}").contains("bytes of value 0"));
    assert!(message("<!DOCTYPE html>\n<p>Sign in, please").contains("HTML"));
    // Infinity as a word among words is one.
    assert_eq!(shown(&read("a,b\n1,inf\n2,x\n"))[1], "b: inf x");
}

/// pandas' `to_csv(decimal=",", quoting=csv.QUOTE_ALL)`, and Excel's CSV between commas.
#[test]
fn decimal_commas_in_quotation_marks() {
    let table =
        read("\"a\",\"b\",\"n\",\"w\"\n\"5,1\",\"\",\"1\",\"x\"\n\"4,95\",\"0,2\",\"2\",\"y\"\n");
    assert_eq!(shown(&table), ["a: #5.1 4.95", "b: #- 0.2", "n: #1 2", "w: x y"]);
    assert_eq!(table.format, "CSV, columns separated by commas, with decimal commas");
    let rows = "\"5,1\",x\n\"4,9\",y\n";
    assert_eq!(shown(&read(rows)), ["column 1: #5.1 4.9", "column 2: x y"]);
    let table = read("a,b\n\"1,234\",\"12,345,678\"\n\"5,678\",\"0\"\n");
    assert_eq!(shown(&table), ["a: #1234 5678", "b: #12345678 0"]);
    assert!(table.format.ends_with("with commas between thousands"));
    // Not a number: a list.
    assert_eq!(shown(&read("a,b\n\"1,2,3\",5\n\"1,2\",6\n"))[0], "a: 1,2,3 1,2");
}

#[test]
fn a_header_that_stands_there_again_is_left_out() {
    let one = "a,b,label\n1,2.5,x\n3,4.5,y\n";
    let two = read(&one.repeat(2));
    assert_eq!(shown(&two), ["a: #1 3 1 3", "b: #2.5 4.5 2.5 4.5", "label: x y x y"]);
    assert_eq!(two.format, "CSV, columns separated by commas, 1 repeated header left out");
    assert_eq!((two.rows, two.named), (4, true));
    assert!(read(&one.repeat(3)).format.ends_with(", 2 repeated headers left out"));
    // A mark of UTF-8 at the beginning of each file; quotation marks in one of them; the last line as well.
    let marked = read("\u{feff}a,b\n1,x\n\u{feff}\"a\",\"b\"\n2,y\na,b\n");
    assert_eq!(shown(&marked), ["a: #1 2", "b: x y"]);
    let of_r = "\"x\" \"w\"\n\"1\" 1.5 \"a\"\n\"2\" 2.5 \"b\"\n";
    assert_eq!(shown(&read(&of_r.repeat(2)))[1..], ["x: #1.5 2.5 1.5 2.5", "w: a b a b"]);
    let counted = read(&format!("0,1,2\n{}0,1,2\n7,8,9\n", "0.5,1,2\n".repeat(10)));
    assert_eq!((counted.rows, counted.named), (11, true));
}

#[test]
fn a_row_of_data_that_stands_there_again_stays() {
    let table = read("5.1,3.5,x\n4.9,3,y\n5.1,3.5,x\n");
    assert_eq!(shown(&table)[0], "column 1: #5.1 4.9 5.1");
    assert_eq!((table.rows, &*table.format), (3, "CSV, columns separated by commas"));
    // Words alone: the first row is a header if its words stand nowhere else than in few rows like it.
    let texts =
        |again: &str| format!("text,label\n{}{again}\n", "so so,bad\ngood,fine\n".repeat(6));
    let table = read(&texts("text,label"));
    assert_eq!((table.rows, table.named), (12, true));
    let table = read(&texts("text,label\nread,label"));
    assert_eq!((table.rows, table.named), (15, false));
    let categories = read("p,x\ne,y\np,x\n");
    assert_eq!((categories.rows, categories.named), (3, false));
    // A line of a text is no header.
    assert_eq!(read(&format!("hello\n{}hello\n", "you\nthere\n".repeat(9))).rows, 20);
}

/// Columns with names of several levels, as pandas 3.0.6 writes them with and without names of rows and levels.
#[test]
fn names_in_several_rows() {
    let below = "0,5.1,3.5,setosa\n1,4.9,3.0,virginica\n";
    let expected = ["sepal.l: #5.1 4.9", "sepal.w: #3.5 3", "y: setosa virginica"];
    for (above, rows, first) in [
        (",sepal,sepal,y\n,l,w,\n", 2, ""),
        (",sepal,sepal,y\n,l,w,\nid,,,\n", 3, "id"),
        ("part,sepal,sepal,y\nside,l,w,\nid,,,\n", 3, "id"),
        ("part,sepal,sepal,y\nside,l,w,\n", 2, "part.side"),
        (",sepal,sepal,y\n,l,w,y\n", 2, ""),
        (",sepal,sepal,y\n,l,w,Unnamed: 3_level_1\n", 2, ""),
    ] {
        let table = read(&format!("{above}{below}"));
        assert_eq!(shown(&table)[1..], expected, "{above}");
        assert_eq!((&*table.columns[0].name, table.rows), (first, 2));
        let format = format!("CSV, columns separated by commas, named by {rows} rows");
        assert_eq!(table.format, format);
    }
    let table = read(&format!(",sepal,sepal,y\n,l,w,\n{below}").repeat(2));
    assert_eq!((table.rows, shown(&table)[1].as_str()), (4, "sepal.l: #5.1 4.9 5.1 4.9"));
    let units = read("height,weight,kind\ncm,kg,\n170,65.5,a\n180,70.5,b\n");
    assert_eq!(shown(&units), ["height.cm: #170 180", "weight.kg: #65.5 70.5", "kind: a b"]);
    let grouped = read(",x,x\n,mean,std\nk,,\na,1.5,0.7\nb,3.5,0.7\n");
    assert_eq!(shown(&grouped), ["k: a b", "x.mean: #1.5 3.5", "x.std: #0.7 0.7"]);
}

#[test]
fn a_row_of_odd_words_is_no_row_of_names() {
    // Marks for what is missing, a word that stands there again, and one column of numbers only.
    for rows in [
        "a,b,label\n-,-,x\n1,2,y\n",
        "a,b,label\noff,off,x\n1,2,y\noff,3,y\n",
        "a,b,label\nu,v,x\n1,2,x\n",
        "score,text\nunknown,great film\n5,bad\n6,so so\n",
        "a,b\nu,v\n",
    ] {
        assert!(!read(rows).format.contains("named by"), "{rows}");
        assert_eq!(read(rows).rows, rows.lines().count() - 1, "{rows}");
    }
}
