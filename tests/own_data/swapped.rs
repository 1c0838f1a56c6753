//! Folders of runs with files of another run in them, and models that compute no numbers: one line that says so.

use std::fs;
use std::path::Path;

use gleaner_core::checkpoint::Checkpoint;

use super::choice::flowers_with_a_test_split;
use super::{HEADER, Home, flowers, kind};

const MODEL: &str = "model.safetensors";

/// Every verb that opens the model of `run`, each refused with a line that holds these parts.
fn refused_by_all(home: &Home, run: &str, parts: &[&str]) {
    let [run, data, drawn, out] = [run, "some.csv", "x.npz", "p.csv"].map(|name| home.path(name));
    let gift = home.path("gift");
    for args in [
        &["eval", &run][..],
        &["embed", &run],
        &["sample", &run, "--per-class", "2", "--out", &drawn],
        &["predict", &run, &data, "--out", &out],
        &["predict", &run, "--pool", "--out", &out],
        &["publish", &run, "--out", &gift],
        &["train", "--resume", &run],
    ] {
        let said = home.call(args);
        let error = said.error();
        assert!(error.contains(&run) && error.contains("copy the run again"), "{args:?}: {error}");
        assert!(parts.iter().all(|part| error.contains(part)), "{args:?}: {error}");
    }
    assert!(!Path::new(&gift).exists());
    home.call(&["report", &run]).done();
    let page = fs::read_to_string(Path::new(&run).join("report.html")).unwrap();
    assert!(page.contains("of other data or other settings"), "{run}");
}

#[test]
fn the_model_of_another_run_is_refused_wherever_it_is_opened() {
    let home = Home::new();
    flowers_with_a_test_split(&home, "some.csv");
    home.train("some.csv", "run", &[]).done();
    let own = fs::read(home.path("run/model.safetensors")).unwrap();
    for (other, options, part) in [
        ("narrow", "--leave-out=sl", "of shape [3], the run of [4]"),
        ("deep", "--set=model.latent=3", "model.latent of the model is 3, config.toml says 2"),
        ("kind", "--model=adgm", "of the kind adgm, config.toml says m2"),
    ] {
        home.train("some.csv", other, &[options]).done();
        fs::copy(home.path(other) + "/" + MODEL, home.path("run/model.safetensors")).unwrap();
        refused_by_all(&home, "run", &[MODEL, part]);
    }
    fs::write(home.path("run/model.safetensors"), own).unwrap();
    home.call(&["eval", &home.path("run")]).done();
    // As many columns, of which one is another.
    home.train("some.csv", "other", &["--leave-out=pw"]).done();
    fs::copy(home.path("narrow/model.safetensors"), home.path("other/model.safetensors")).unwrap();
    let said = home.call(&["eval", &home.path("other")]);
    let part = "the model has a column \"pw\", the run has none";
    assert!(said.error().contains(part), "{}", said.error());
}

#[test]
fn a_part_of_another_cross_validation_is_refused() {
    let home = Home::new();
    home.write("some.csv", flowers(60, HEADER, kind));
    home.trained("some.csv", "run");
    home.train("some.csv", "other", &["--folds=2", "--leave-out=sl"]).done();
    for file in ["config.toml", "data.json", MODEL] {
        let name = |run: &str| home.path(&format!("{run}/folds/1/{file}"));
        fs::copy(name("other"), name("run")).unwrap();
    }
    let said = home.call(&["eval", &home.path("run")]);
    let error = said.error();
    assert!(error.contains("folds/1") && error.contains("of shape [3]"), "{error}");
}

#[test]
fn a_model_that_computes_no_numbers_is_measured_as_nothing() {
    let home = Home::new();
    flowers_with_a_test_split(&home, "some.csv");
    home.train("some.csv", "run", &[]).done();
    let [run, model, data, out] =
        ["run", "run/model.safetensors", "some.csv", "p.csv"].map(|name| home.path(name));
    let mut checkpoint = Checkpoint::from_bytes(&fs::read(&model).unwrap()).unwrap();
    for parameter in checkpoint.parameters.values_mut() {
        parameter.values.iter_mut().for_each(|value| *value = 3e38_f32.copysign(*value));
    }
    fs::write(&model, checkpoint.to_bytes().unwrap()).unwrap();
    for args in [&["eval", &run][..], &["predict", &run, &data, "--out", &out]] {
        let said = home.call(args);
        let error = said.error();
        assert!(error.contains(&run), "{error}");
        assert!(error.contains("the model computed NaN or infinite numbers"), "{error}");
    }
}
