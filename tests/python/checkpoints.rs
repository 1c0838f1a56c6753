//! docs/read_checkpoint.py computes what the program computes, of every model whose networks are fully connected.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use burn::tensor::Device;
use gleaner_core::checkpoint::Checkpoint;
use gleaner_core::data::formats::npy::{NpyArray, NpyValues};
use gleaner_core::data::formats::npz::{Npz, write_npz};
use gleaner_core::data::one_hot;
use gleaner_core::measures::eval::arg_max;
use gleaner_core::models::{Classify as _, Common, Generative as _, Likelihood, ModelConfig};
use gleaner_core::nets::{Activation, Classes};
use gleaner_core::noise::Noise;
use gleaner_tests::modules::parameters;
use gleaner_tests::small::{Small, matrix};
use gleaner_tests::{Tolerance, assert_close, values};
use serde_json::json;
use tempfile::tempdir;

use super::{Program, python_with};

/// The program computes in single precision, the script in double.
const CLOSE: Tolerance = Tolerance { relative: 1e-5, absolute: 1e-5 };

const SCRIPT: &str = "../docs/read_checkpoint.py";

fn script(python: &str, checkpoint: &Path, args: &[&Path]) -> Output {
    Command::new(python).arg(SCRIPT).arg(checkpoint).args(args).output().unwrap()
}

fn ran(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn numbers(path: &Path, name: &str) -> Vec<f32> {
    let bytes = fs::read(path).unwrap();
    match Npz::open(&bytes, "npz").unwrap().require(name).unwrap().values {
        NpyValues::F32(values) => values,
        NpyValues::I64(values) => values.into_iter().map(|value| value as f32).collect(),
        _ => panic!("{name} is numbers"),
    }
}

/// Arrays that the script wrote are close to those of the program or the crate.
fn agree(what: &str, ours: &[f32], theirs: &Path, name: &str) {
    let theirs: Vec<f64> = numbers(theirs, name).into_iter().map(f64::from).collect();
    assert_close(&format!("{what}, {name}"), ours, &theirs, CLOSE);
}

/// A model of which no parameter is where it was when it was made: all are 0 then that have one value for all rows.
fn moved(small: &Small, config: ModelConfig) -> Checkpoint {
    let model = config.init(&small.noise("model"), &Device::flex()).unwrap();
    let mut parameters = parameters(&model);
    for (name, parameter) in &mut parameters {
        let moves = small.noise(name).normal(parameter.values.len());
        parameter.values.iter_mut().zip(moves).for_each(|(value, step)| *value += 0.3 * step);
    }
    Checkpoint { config, data: None, parameters }
}

/// Logits, the centre of the posterior of `z`, and the example that is expected there, from script and crate.
fn compare(python: &str, small: &Small, config: ModelConfig, what: &str) {
    let (folder, device, rows) = (tempdir().unwrap(), Device::flex(), 7);
    let [file, data, out] =
        ["model.safetensors", "x.npz", "out.npz"].map(|name| folder.path().join(name));
    let checkpoint = moved(small, config);
    fs::write(&file, checkpoint.to_bytes().unwrap()).unwrap();
    let x = small.examples("x", rows);
    let array = NpyArray::f32(&[rows, small.width()], x.clone());
    fs::write(&data, write_npz(&[("x", array)]).unwrap()).unwrap();
    ran(&script(python, &file, &[Path::new("--npz"), &data, Path::new("--out"), &out]));

    let model = checkpoint.build(&device).unwrap();
    let x = matrix(x, small.width(), &device);
    let logits = values(model.classify(x.clone()));
    let best = logits.chunks_exact(small.classes).map(|row| arg_max(row) as i64);
    let y = Classes::Given(one_hot(best, small.classes, &device));
    let z = model.encode(x, &y);
    let mean = model.decode(z.clone(), &y).mean();
    for (name, of_crate) in [("logits", logits), ("z", values(z)), ("mean", values(mean))] {
        agree(what, &of_crate, &out, name);
    }
}

#[test]
fn numpy_computes_every_model_with_every_likelihood() {
    let Some(python) = python_with("numpy, safetensors") else { return };
    let likelihoods = [
        Likelihood::Bernoulli,
        Likelihood::Gaussian,
        Likelihood::IsotropicGaussian { sigma: 0.4 },
        Likelihood::Multinomial,
        Likelihood::Mixed,
    ];
    for model in ModelConfig::NAMES.iter().copied() {
        for likelihood in likelihoods {
            // Its likelihood is no setting.
            if model == "untapped" && likelihood != Likelihood::Bernoulli {
                continue;
            }
            let small = Small { model, likelihood, ..Small::default() };
            compare(&python, &small, small.config(), &format!("{model}, {likelihood:?}"));
        }
    }
}

#[test]
fn numpy_computes_every_nonlinearity() {
    let Some(python) = python_with("numpy, safetensors") else { return };
    use Activation::{Identity, LeakyRelu, Relu, Silu, Tanh};
    for activation in [Identity, LeakyRelu, Relu, Silu, Tanh] {
        let small = Small::default();
        let ModelConfig::M2(config) = small.config() else { panic!("an M2") };
        let common = Common { activation, ..config.common.clone() };
        let config = ModelConfig::M2(gleaner_core::models::M2Config { common, ..config });
        compare(&python, &small, config, &format!("{activation:?}"));
    }
}

#[test]
fn networks_with_convolutions_are_refused_in_one_line() {
    let Some(python) = python_with("numpy, safetensors") else { return };
    let folder = tempdir().unwrap();
    let [file, data] = ["model.safetensors", "x.npz"].map(|name| folder.path().join(name));
    let small = Small::default();
    fs::write(&file, moved(&small, small.convolutional()).to_bytes().unwrap()).unwrap();
    let output = script(&python, &file, &[Path::new("--npz"), &data]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.starts_with("error: ") && said.contains("convolutions"), "{said}");
    assert_eq!((said.lines().count(), output.status.code()), (1, Some(1)));
}

/// Trains as the family's names say, and compares what two commands write with what the script makes of the same.
#[test]
fn python_predicts_and_decodes_what_the_program_does() {
    let Some(python) = python_with("numpy, safetensors") else { return };
    let program = Program::new(env!("CARGO_BIN_EXE_gleaner_under_test"));
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("new.npz"), write_npz(&digits_without_labels()).unwrap()).unwrap();
    for model in ModelConfig::NAMES.iter().copied() {
        let hidden = if model == "ladder" { "[16,8]" } else { "[16]" };
        let latent = if model == "ladder" { "[4,2]" } else { "4" };
        let mut sizes = vec![format!("hidden={hidden}"), format!("latent={latent}")];
        sizes.extend(match model {
            "m1" => vec![],
            "latent-ebm" => vec!["energy-hidden=[8]".into(), "langevin.steps=5".into()],
            "m1m2" => vec!["classifier-hidden=[16]".into(), "feature-hidden=[16]".into()],
            "adgm" | "sdgm" => vec!["classifier-hidden=[16]".into(), "auxiliary=3".into()],
            _ => vec!["classifier-hidden=[16]".into()],
        });
        let sizes: Vec<String> = sizes.iter().map(|size| format!("--set=model.{size}")).collect();
        let run = path(model);
        let always = ["train", "--model", model, "--out", &run, "--steps=30"];
        let short = ["--set=train.baseline-steps=5", "--set=train.feature-epochs=1"];
        let sizes = sizes.iter().map(String::as_str);
        program.call(always.into_iter().chain(short).chain(sizes)).done();
        agrees(&program, &python, folder.path(), &run, model, "new.npz");
    }
}

fn digits_without_labels() -> Vec<(&'static str, NpyArray)> {
    let test = gleaner_core::data::formats::digits::digits().unwrap().test;
    let x = test.gather(&(0..50).collect::<Vec<_>>());
    vec![("x", NpyArray::f32(&[50, 8, 8, 1], x))]
}

fn agrees(program: &Program, python: &str, folder: &Path, run: &str, model: &str, new: &str) {
    let [new, predicted, samples, told, made] =
        [new, "p.npz", "s.npz", "told.npz", "made.npz"].map(|name| folder.join(name));
    let checkpoint = Path::new(run).join("model.safetensors");
    let text = |path: &Path| path.display().to_string();
    if model != "m1" {
        program.call(["predict", run, &text(&new), "--out", &text(&predicted)]).done();
        ran(&script(python, &checkpoint, &[Path::new("--npz"), &new, Path::new("--out"), &told]));
        for name in ["probs", "logits", "entropy", "y"] {
            agree(model, &numbers(&predicted, name), &told, name);
        }
    }
    program.call(["sample", run, "--per-class", "3", "--out", &text(&samples)]).done();
    ran(&script(
        python,
        &checkpoint,
        &[Path::new("--samples"), &samples, Path::new("--out"), &made],
    ));
    for name in ["x", "logits"] {
        agree(model, &numbers(&samples, name), &made, name);
    }
}

/// Every transform of a column, missing cells, words: the scaling is part of what is compared.
#[test]
fn python_predicts_the_rows_of_a_table() {
    let Some(python) = python_with("numpy, safetensors") else { return };
    let program = Program::new(env!("CARGO_BIN_EXE_gleaner_under_test"));
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let text = |name: &str| path(name).display().to_string();
    let (csv, x, width) = zoo(120);
    fs::write(path("zoo.csv"), csv).unwrap();
    let array = NpyArray::f32(&[x.len() / width, width], x);
    fs::write(path("x.npz"), write_npz(&[("x", array)]).unwrap()).unwrap();
    let [data, run] = ["zoo.csv", "run"].map(text);
    let sizes = ["--set=model.hidden=[8]", "--set=model.classifier-hidden=[8]", "--steps=30"];
    let always = ["train", "--data", &data, "--model", "m2", "--out", &run, "--folds=2"];
    program.call(always.iter().chain(&sizes)).done();

    let checkpoint = path("run").join("model.safetensors");
    let config = {
        let file = Checkpoint::from_bytes(&fs::read(&checkpoint).unwrap()).unwrap();
        serde_json::to_value(file.data.unwrap()).unwrap()
    };
    let ways = config["scaling"]["columns"].as_array().unwrap().iter().map(|column| &column["way"]);
    let ways: std::collections::BTreeSet<String> = ways.map(ToString::to_string).collect();
    let all = ["as-is", "counts", "levels", "log", "normal-scores", "standardised"];
    assert_eq!(ways, all.map(|way| json!(way).to_string()).into(), "the table has every transform");

    program.call(["predict", &run, &data, "--out", &text("p.npz")]).done();
    let [told, new] = ["told.npz", "x.npz"].map(path);
    ran(&script(&python, &checkpoint, &[Path::new("--npz"), &new, Path::new("--out"), &told]));
    for name in ["probs", "logits"] {
        agree("a table", &numbers(&path("p.npz"), name), &told, name);
    }
    let files = ["s.npz", "units.npz"].map(path);
    for (file, more) in files.iter().zip([&["--standardised"][..], &[]]) {
        let file = file.display().to_string();
        let args = ["sample", &run, "--per-class=3", "--out", &file];
        program.call(args.iter().chain(more)).done();
    }
    let ([samples, in_units], made) = (&files, path("made.npz"));
    ran(&script(
        &python,
        &checkpoint,
        &[Path::new("--samples"), samples, Path::new("--out"), &made],
    ));
    agree("drawn rows", &numbers(samples, "logits"), &made, "logits");

    let back = "import sys; sys.path.insert(0, '../docs'); from read_checkpoint import *
x = read_npz(sys.argv[2], 'x')['x'].astype(np.float64)
np.savez(sys.argv[3], x=unscaled(read_checkpoint(sys.argv[1])[0], x))";
    let files = [&checkpoint, samples, &made];
    ran(&Command::new(&python).args(["-c", back]).args(files).output().unwrap());
    agree("rows in units", &numbers(in_units, "x"), &made, "x");
}

/// A table in which every kind of column occurs, as text and as numbers, row-major, with the numbers of a row; some cells are missing.
fn zoo(rows: usize) -> (String, Vec<f32>, usize) {
    let mut noise = Noise::new(3);
    let (mut csv, mut x) = ("mass,price,debt,legs,visits,sex,home,kind\n".to_owned(), Vec::new());
    for row in 0..rows {
        let kind = row % 2;
        let [mass, price, debt] = [(); 3].map(|()| f64::from(noise.normal(1)[0]));
        let u = noise.uniform(4);
        let pick = |u: f32| ((3.0 * u) as usize).min(2);
        // A geometric count varies by more than Poisson's.
        let visits = (12.0 * -f64::from(u[0].max(1e-6)).ln()).floor();
        let mut cells = [
            format!("{:.2}", 5.0 + mass + 2.0 * kind as f64),
            format!("{:.1}", (3.0 + price).exp()),
            format!("{:.3}", (3.0 * debt).exp().copysign(debt)),
            (2 * pick(u[1]) + 2).to_string(),
            visits.to_string(),
        ];
        if row % 7 == 3 {
            cells[row % 5].clear();
        }
        let sex = usize::from(u[2] < 0.5);
        let home = (row % 9 != 4).then(|| pick(u[3]));
        x.extend(cells.iter().map(|cell| cell.parse::<f32>().unwrap_or(f32::NAN)));
        x.push(sex as f32);
        x.extend((0..3).map(|word| home.map_or(f32::NAN, |home| f32::from(home == word))));
        let home = home.map_or("", |home| ["air", "land", "sea"][home]);
        let label = if row % 3 == 0 { "" } else { ["ant", "bee"][kind] };
        csv += &format!("{},{},{home},{label}\n", cells.join(","), ["f", "m"][sex]);
    }
    (csv, x, 9)
}
