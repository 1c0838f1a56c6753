//! The verbs that draw a run, as a user meets them: embeddings, traversals, the report.
#![allow(clippy::unwrap_used, missing_docs)]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use gleaner_tests::program::{Program, Said};
use serde_json::Value;
use tempfile::{TempDir, tempdir};

fn gleaner() -> Program {
    Program::new(env!("CARGO_BIN_EXE_gleaner_under_test"))
}

/// A small run on the digits, in a folder of its own.
struct Trained {
    folder: TempDir,
}

impl Trained {
    fn with(more: &[&str]) -> Self {
        let folder = tempdir().unwrap();
        gleaner().train_small(&folder.path().join("run"), more).done();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Calls a verb on the run with `--out NAME` and whatever else.
    fn call(&self, verb: &str, name: &str, more: &[&str]) -> Said {
        let [run, out] = [self.path("run"), self.path(name)];
        let args = [verb.as_ref(), run.as_os_str(), OsStr::new("--out"), out.as_os_str()];
        gleaner().call(args.into_iter().chain(more.iter().map(OsStr::new)))
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// Width and height of a PNG, from its header.
fn size(path: &Path) -> [u32; 2] {
    let bytes = fs::read(path).unwrap();
    assert!(bytes.starts_with(b"\x89PNG"), "{}", path.display());
    [16, 20].map(|at| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()))
}

/// Size of a picture of so many digits: tiles of 64 pixels, gaps of 2.
fn tiles(columns: u32, rows: u32) -> [u32; 2] {
    [columns, rows].map(|count| 2 + 66 * count)
}

#[test]
fn an_embedding_is_a_drawing_fixed_by_the_seed() {
    let trained = Trained::with(&[]);
    let said = trained.call("embed", "a.svg", &["--rows=60", "--json"]).done().json();
    assert_eq!(said["rows"], 60);
    let svg = fs::read_to_string(trained.path("a.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"), "{svg}");
    let crosses = svg.matches("stroke-width=\"2.2\"").count() as u64;
    let wrong = said["wrong"].as_u64().unwrap();
    // One more stands in the legend.
    assert_eq!(crosses, wrong + u64::from(wrong > 0));
    assert_eq!(svg.matches("r=\"2.4\"").count() as u64, 60 - wrong);
    trained.call("embed", "b.svg", &["--rows=60"]).done();
    trained.call("embed", "c.svg", &["--rows=60", "--seed=1"]).done();
    let drawn = |name: &str| fs::read(trained.path(name)).unwrap();
    assert_eq!(drawn("a.svg"), drawn("b.svg"));
    assert_ne!(drawn("a.svg"), drawn("c.svg"));
}

#[test]
fn traversals_have_a_tile_for_everything_that_is_varied() {
    let trained = Trained::with(&["--set=model.latent=2"]);
    let drawn = |more: &[&str]| {
        trained.call("traverse", "x.png", more).done();
        size(&trained.path("x.png"))
    };
    assert_eq!(drawn(&["--rows=3"]), tiles(11, 3), "the test image, then ten classes");
    assert_eq!(drawn(&["--rows=3", "--from=prior"]), tiles(10, 3));
    assert_eq!(drawn(&["--vary=1", "--columns=5"]), tiles(5, 10));
    assert_eq!(drawn(&["--manifold", "--class=7", "--columns=4"]), tiles(4, 4));
}

#[test]
fn a_model_without_classes_varies_only_what_it_has() {
    let folder = tempdir().unwrap();
    let out = format!("--out={}", folder.path().join("run").display());
    let settings = ["--model=m1", "--set=model.hidden=[16]", "--set=model.latent=4", "--steps=60"];
    gleaner().call(["train", &out].iter().chain(&settings)).done();
    let trained = Trained { folder };
    assert!(trained.call("traverse", "x.png", &[]).error().contains("m1 has no classes to vary"));
    trained.call("traverse", "x.png", &["--vary=0", "--columns=5"]).done();
    assert_eq!(size(&trained.path("x.png")), tiles(5, 1));
    trained.call("embed", "x.svg", &["--rows=40"]).done();
    assert!(!trained.path("run/reliability.svg").exists());
    let report = trained.call("report", "x.html", &["--json"]).done().json();
    let missing = report["missing"].as_array().unwrap();
    assert_eq!(missing[..], ["Style and class", "Calibration", "Confusions"].map(Value::from));
}

#[test]
fn a_report_is_one_page_without_anything_from_elsewhere() {
    let trained = Trained::with(&["--seed=3"]);
    let said = trained.call("report", "x.html", &["--json"]).done().json();
    assert_eq!(said["missing"], Value::Array(Vec::new()));
    let html = fs::read_to_string(trained.path("x.html")).unwrap();
    assert!(html.starts_with("<!doctype html>") && html.ends_with("</html>\n"));
    for part in ["Test accuracy", "Active units", "Training curves", "t-SNE", "--set=train.seed=3"]
    {
        assert!(html.contains(part), "{part}");
    }
    // Four pictures, each with words for who does not see it; three drawings, each with a title.
    assert_eq!(html.matches("<img alt=\"").count(), 4);
    assert_eq!(
        html.matches("src=\"").count(),
        html.matches("src=\"data:image/png;base64,").count()
    );
    assert_eq!(html.matches("<svg").count(), 3);
    assert_eq!(html.matches("role=\"img\"").count(), 3);
    for elsewhere in ["http:", "https:", "=\"//", "@import", "<script", "<link", "url("] {
        assert!(!html.contains(elsewhere), "{elsewhere}");
    }
    assert_eq!(trained.names(), ["run", "x.html"]);
}

#[test]
fn a_picture_without_a_name_lands_in_the_run() {
    let trained = Trained::with(&["--seed=3"]);
    let run = trained.path("run");
    for (verb, name) in [
        ("traverse", "traversal.png"),
        ("reconstruct", "reconstructions.png"),
        ("report", "report.html"),
    ] {
        gleaner().call([OsStr::new(verb), run.as_os_str()]).done();
        assert!(run.join(name).is_file(), "{verb}");
    }
    assert_eq!(trained.names(), ["run"]);
}

#[test]
fn a_report_says_what_this_machine_lacks() {
    let folder = tempdir().unwrap();
    let [run, csv, page] = ["run", "points.csv", "x.html"].map(|name| folder.path().join(name));
    let row = |i: u32| format!("{},{},{}\n", f64::from(i % 7) / 7.0, f64::from(i % 5) / 5.0, i % 2);
    fs::write(&csv, "a,b,label\n".to_owned() + &(0..300).map(row).collect::<String>()).unwrap();
    gleaner().train_small(&run, &["--model=m2", &format!("--data={}", csv.display())]).done();
    let report = || {
        let args = [OsStr::new("report"), run.as_ref(), OsStr::new("--out"), page.as_ref()];
        let said = gleaner().call(args.into_iter().chain([OsStr::new("--json")])).done().json();
        said["missing"].as_array().unwrap().len()
    };
    // Drawn rows are a table, and points are no images that any section is missing.
    assert_eq!(report(), 0);
    assert!(fs::read_to_string(&page).unwrap().contains("a row of the data"));
    fs::remove_file(&csv).unwrap();
    assert_eq!(report(), 3, "they cannot be classified once they are gone");
    assert!(!fs::read_to_string(&page).unwrap().contains("a row of the data"), "who could tell?");
    assert!(fs::read_to_string(&page).unwrap().contains("points.csv"));
    for name in ["summary.json", "metrics.jsonl", "model.safetensors"] {
        fs::remove_file(run.join(name)).unwrap();
    }
    assert_eq!(report(), 9, "a run that has not finished its first epoch");
    assert!(fs::read_to_string(&page).unwrap().contains("has not finished"));
}

/// A name that a verb writes to.
fn picture_of(verb: &str) -> &'static str {
    match verb {
        "embed" => "x.svg",
        "report" => "x.html",
        _ => "x.png",
    }
}

#[test]
fn wrong_wishes_end_in_one_line_and_leave_nothing() {
    let trained = Trained::with(&[]);
    for (verb, more, named) in [
        ("embed", &["--rows=3"][..], "at least 10"),
        ("embed", &["--device=tpu"], "--device tpu"),
        ("traverse", &["--rows=0"], "--rows 0"),
        ("traverse", &["--vary=99"], "dimensions, 0 to 3"),
        ("traverse", &["--vary=1", "--columns=0"], "--columns 0"),
        ("traverse", &["--manifold"], "two latent dimensions"),
        ("traverse", &["--manifold", "--columns=101"], "10000 tiles"),
        ("report", &["--device=tpu"], "--device tpu"),
    ] {
        let said = trained.call(verb, picture_of(verb), more);
        assert!(said.error().contains(named), "{verb} {more:?}: {}", said.error());
    }
    for verb in ["embed", "traverse", "report"] {
        assert!(
            trained
                .call(verb, &format!("no/such/{}", picture_of(verb)), &[])
                .error()
                .contains("does not exist"),
            "{verb}"
        );
        let nowhere = trained.path("nowhere").display().to_string();
        let out = trained.path("x").display().to_string();
        let said = gleaner().call([verb, &nowhere, "--out", &out]);
        assert!(said.error().contains("is not a run"), "{verb}");
        let help = gleaner().call([verb, "--help"]).done().stdout;
        assert!(help.contains("Example"), "{help}");
    }
    let said = trained.call("embed", "x.pdf", &[]);
    assert!(said.error().contains("x.pdf: give a name that ends in .svg"), "{}", said.error());
    assert_eq!(trained.call("traverse", "x.png", &["--vary=z"]).code, Some(2));
    assert_eq!(trained.names(), ["run"]);
}

/// An M1 that is small, and trained for long enough to use some of its dimensions.
const M1M2: &[&str] = &[
    "--set=model.feature-latent=4",
    "--set=model.feature-hidden=[16]",
    "--set=train.batch-size=32",
    "--set=train.feature-epochs=8",
    "--lr=5e-3",
];

#[test]
fn every_model_can_be_drawn_and_its_active_units_counted() {
    for (model, more, layers) in [
        ("adgm", &[][..], &["z"][..]),
        ("sdgm", &[], &["z", "a"]),
        ("untapped", &["--set=model.latent=2"], &["z"]),
        ("ladder", &["--set=model.latent=[4,3]", "--set=model.hidden=[16,16]"], &["z1", "z2"]),
        ("m1m2", M1M2, &["z"]),
    ] {
        let model = format!("--model={model}");
        let trained = Trained::with(&[&[model.as_str()][..], more].concat());
        let summary = fs::read_to_string(trained.path("run/summary.json")).unwrap();
        let units = serde_json::from_str::<Value>(&summary).unwrap()["active_units"].clone();
        let of_layers = units["layers"].as_array().unwrap();
        let names: Vec<&Value> = of_layers.iter().map(|layer| &layer["name"]).collect();
        assert_eq!(names, layers, "{model}");
        for count in ["active", "of"] {
            let sum: u64 = of_layers.iter().map(|layer| layer[count].as_u64().unwrap()).sum();
            assert_eq!(units[count], sum, "{model}: {units}");
        }
        let run = trained.path("run").display().to_string();
        let evaluated = gleaner().call(["eval", &run, "--json"]).done().json();
        assert_eq!(evaluated["active_units"], units, "{model}");
        let report = trained.call("report", "x.html", &["--json"]).done().json();
        assert_eq!(report["missing"], Value::Array(Vec::new()), "{model}");
    }
}

#[test]
fn a_validated_run_names_the_step_at_which_a_term_broke() {
    let folder = tempdir().unwrap();
    let run = folder.path().join("run");
    let flags = ["--lr=1e30", "--set=train.warm-up-steps=0"];
    let note = |more: &[&str]| {
        let _ = fs::remove_dir_all(&run);
        let said = gleaner().train_small(&run, &[&flags[..], more].concat());
        said.stderr.lines().find(|line| line.contains("diverged at")).unwrap().to_owned()
    };
    // The first step has the initial weights; what it made of them breaks the second.
    assert!(note(&["--validate"]).contains("diverged at step 2 (unlabelled_bound)"));
    assert!(
        note(&["--validate", "--model=untapped"]).contains("diverged at step 2 (reverse_bound)")
    );
    assert!(!note(&[]).contains("step 2 "), "otherwise terms are read together");
}
