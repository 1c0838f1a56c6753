//! A run that trains on samples of its own model: what it draws, keeps, chooses and writes down, and what that adds to the objective.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use gleaner_core::data::formats::npy::NpyValues;
use gleaner_core::data::formats::npz::Npz;
use gleaner_core::data::{
    AugmentedSet, Batches, Binarise, Examples, Labelled, Part, Split, Values, Weighted,
};
use gleaner_core::models::Generative as _;
use gleaner_core::noise::Noise;
use gleaner_core::objective::{Elapsed, Objective as _, SemiSupervised, SemiSupervisedConfig};
use gleaner_tests::program::{Program, SMALL, Said};
use gleaner_tests::small::Small;
use serde_json::Value;
use tempfile::tempdir;

fn gleaner() -> Program {
    Program::new(env!("CARGO_BIN_EXE_gleaner_under_test"))
}

fn train(run: &Path, more: &[&str]) -> Said {
    let out = run.display().to_string();
    let args = ["train", "--json", "--steps=400", "--out", &out];
    let small = SMALL.iter().filter(|arg| !arg.starts_with("--steps"));
    gleaner().call(args.iter().chain(small).chain(more))
}

fn refreshes(run: &Path) -> Vec<Value> {
    let text = fs::read_to_string(run.join("augmentation.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn arrays(path: &Path) -> (usize, Vec<i64>, Vec<f32>, usize) {
    let bytes = fs::read(path).unwrap();
    let mut npz = Npz::open(&bytes, "set").unwrap();
    let shape = npz.require("x").unwrap().shape;
    let NpyValues::I64(y) = npz.require("y").unwrap().values else { panic!("y") };
    let NpyValues::F32(weights) = npz.require("weight").unwrap().values else { panic!("weight") };
    let pseudo = npz.require("pseudo_row").unwrap().shape[0];
    (shape[0], y, weights, pseudo)
}

#[test]
fn a_run_draws_keeps_and_chooses_again_and_again_and_says_so() {
    let folder = tempdir().unwrap();
    let run = folder.path().join("run");
    let said = train(
        &run,
        &[
            "--augment-at=200",
            "--augment-every=100",
            "--augment-pool=500",
            "--max-entropy=2.25",
            "--keep-agreeing",
            "--coreset=0.1",
            "--coreset-method=craig",
            "--pseudo-label",
        ],
    );
    let said = said.done();
    let made = refreshes(&run);
    // Of 400 steps, before 200 and 300.
    assert_eq!(made.iter().map(|r| r["step"].as_u64().unwrap()).collect::<Vec<_>>(), [200, 300]);
    for refresh in &made {
        let number = |key: &str| refresh[key].as_u64().unwrap() as usize;
        assert_eq!(number("drawn"), 500);
        let (kept, chosen) = (number("kept"), number("chosen"));
        assert!(kept > 20 && kept < 500, "{refresh}");
        // A tenth, and one of every class that is there.
        let tenth = (kept as f64 * 0.1).round() as usize;
        assert!((tenth..=tenth.max(10)).contains(&chosen), "{refresh}");
        // Only what agrees is kept.
        assert_eq!(refresh["agreement_kept"].as_f64(), Some(1.0));
        assert!(refresh["coreset_ratio"].as_f64().unwrap() > 0.63, "{refresh}");
        assert!(number("pseudo_labelled") > 0 && refresh["validation_accuracy"].is_number());
    }
    assert!(made[0]["validation_change"].is_null() && made[1]["validation_change"].is_number());
    assert!(said.stderr.contains("augmentation at step 300: 500 drawn"), "{}", said.stderr);
    // The last set alone is left, for a resumed run and for whoever wants to train on it.
    let sets: Vec<_> = fs::read_dir(run.join("state"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("augmented"))
        .collect();
    assert_eq!(sets, ["augmented-300.npz"]);
    let (rows, y, weights, pseudo) = arrays(&run.join("state").join(&sets[0]));
    assert_eq!(rows as u64, made[1]["chosen"].as_u64().unwrap());
    assert_eq!(pseudo as u64, made[1]["pseudo_labelled"].as_u64().unwrap());
    assert!(y.iter().all(|y| (0..10).contains(y)));
    let mean = weights.iter().sum::<f32>() / weights.len() as f32;
    assert!((mean - 1.0).abs() < 1e-5, "weights are 1 on average: {mean}");
    assert!(weights.iter().any(|w| (w - 1.0).abs() > 0.01), "clusters differ in size");
    let metrics = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let last: Value = serde_json::from_str(metrics.lines().last().unwrap()).unwrap();
    assert!(last["augmented_cross_entropy"].is_number(), "{last}");
}

#[test]
fn without_a_filter_all_are_trained_on_and_nothing_kept_is_no_failure() {
    let folder = tempdir().unwrap();
    let naive = folder.path().join("naive");
    train(&naive, &["--augment-at=350", "--augment-pool=200"]).done();
    let made = &refreshes(&naive)[0];
    assert_eq!([&made["drawn"], &made["kept"], &made["chosen"]], [200, 200, 200]);
    let nothing = folder.path().join("nothing");
    train(&nothing, &["--augment-at=350", "--augment-pool=200", "--max-entropy=1e-30"]).done();
    let made = &refreshes(&nothing)[0];
    assert_eq!([&made["drawn"], &made["kept"], &made["chosen"]], [200, 0, 0]);
}

#[test]
fn an_augmentation_that_training_ends_before_is_told() {
    let folder = tempdir().unwrap();
    let note = "note: augment.at = 400 is never reached: the run has 400 steps";
    let run = folder.path().join("late");
    let said = train(&run, &["--augment-at=400", "--augment-pool=200"]).done();
    assert!(said.stderr.contains(note) && !run.join("augmentation.jsonl").exists(), "{said:?}");
    let run = folder.path().join("last");
    let said = train(&run, &["--augment-at=399", "--augment-pool=200"]).done();
    assert!(!said.stderr.contains("never reached") && refreshes(&run).len() == 1, "{said:?}");
}

#[test]
fn of_two_models_the_second_alone_is_augmented() {
    let folder = tempdir().unwrap();
    let run = folder.path().join("run");
    let more = ["--model=m1m2", "--set=train.feature-epochs=2", "--set=model.feature-latent=4"];
    let said =
        train(&run, &[&more[..], &["--augment-at=10", "--augment-pool=200"]].concat()).done();
    assert!(!said.stderr.contains("never reached"), "{}", said.stderr);
    assert_eq!(refreshes(&run)[0]["drawn"], 200);
    assert!(!run.join("features/augmentation.jsonl").exists());
}

#[test]
fn samples_are_chosen_by_what_is_asked_for() {
    let folder = tempdir().unwrap();
    let chosen = |name: &str, more: &[&str]| {
        let run = folder.path().join(name);
        let same = ["--augment-at=350", "--augment-pool=400", "--coreset=0.25"];
        train(&run, &[&same[..], more].concat()).done();
        assert_eq!(refreshes(&run)[0]["chosen"], 100, "{name}");
        let bytes = fs::read(run.join("state/augmented-350.npz")).unwrap();
        let mut npz = Npz::open(&bytes, "set").unwrap();
        let NpyValues::F32(x) = npz.require("x").unwrap().values else { panic!("x") };
        let NpyValues::F32(weights) = npz.require("weight").unwrap().values else { panic!() };
        (x, weights)
    };
    let spaces = ["gradient", "last-layer", "embedding", "cosine", "latent"];
    let sets = spaces.map(|space| chosen(space, &[&format!("--coreset-space={space}")]));
    for (at, (x, weights)) in sets.iter().enumerate() {
        assert!(sets[..at].iter().all(|(other, _)| other != x), "{} chooses its own", spaces[at]);
        assert!(weights.iter().any(|weight| (weight - 1.0).abs() > 0.01), "{}", spaces[at]);
    }
    let gradient = chosen("craig", &["--coreset-method=craig"]);
    assert_eq!(gradient, sets[0], "the gradient, if nothing is said");
    let random = chosen("default", &[]);
    assert!(random.0 != gradient.0 && random.1 == [1.0; 100], "at random, each counted once");
    let alike = chosen("alike", &["--coreset-space=latent", "--set=augment.weigh=false"]);
    assert_eq!(alike, (sets[4].0.clone(), vec![1.0; 100]), "the same, each counted once");

    // Pseudo-labels alone.
    let run = folder.path().join("pseudo");
    let flags = ["--augment-at=350", "--augment-pool=200", "--max-entropy=2.25", "--pseudo-label"];
    train(&run, &[&flags[..], &["--set=augment.at-most=0"]].concat()).done();
    let made = &refreshes(&run)[0];
    assert!(made["chosen"] == 0 && made["pseudo_labelled"].as_u64().unwrap() > 0, "{made}");
}

#[test]
fn wrong_wishes_are_refused_in_one_line() {
    let folder = tempdir().unwrap();
    let run = folder.path().join("run");
    for (flags, word) in [
        (&["--augment-at=1", "--max-entropy=0"][..], "max-entropy"),
        (&["--augment-at=1", "--max-entropy=nan"], "max-entropy"),
        (&["--augment-at=1", "--coreset=0"], "augment.coreset"),
        (&["--augment-at=1", "--coreset=1.5"], "augment.coreset"),
        (&["--augment-at=1", "--augment-pool=0"], "augment.pool = 0 is not valid"),
        (
            &[
                "--augment-at=1",
                "--coreset=0.1",
                "--coreset-method=adacore",
                "--coreset-space=latent",
            ],
            "adacore needs gradients",
        ),
        (&["--augment-at=1", "--augment-every=0"], "augment.every = 0 is not valid"),
        (&["--augment-at=1", "--augment-weight=-1"], "augment.weight"),
        (&["--augment-at=1", "--model=m1"], "m1 has no classifier"),
        (&["--implicit-augment=1"], "latent-ebm"),
    ] {
        let out = run.display().to_string();
        let said = gleaner().call(["train", "--out", &out].iter().chain(flags));
        assert!(said.error().contains(word), "{flags:?}: {said:?}");
        assert!(!run.exists(), "{flags:?}");
    }
    assert_eq!(train(&run, &["--coreset=0.1"]).code, Some(2), "without --augment-at");
}

/// What weighted examples add to the objective: `weight * alpha * labelled_weight` times their mean cross-entropy.
#[test]
fn augmented_examples_weigh_as_they_should() {
    let device = Device::flex().autodiff();
    let small = Small { seed: 3, ..Small::default() };
    let model = small.model(&device);
    let batch = small.batch(&device);
    let weights = [0.5_f32, 2.0, 0.5];
    let augmented = Weighted {
        examples: Labelled {
            x: batch.unlabelled.clone().slice_dim(0, 0..3),
            y: batch.labelled.y.clone().slice_dim(0, 0..1).repeat_dim(0, 3),
        },
        weight: Tensor::from_data(TensorData::new(weights.to_vec(), [3]), &device),
    };
    let config = SemiSupervisedConfig {
        labelled_weight: 0.5,
        augment_weight: 0.1,
        ..SemiSupervisedConfig::exact(7.0)
    };
    let objective = SemiSupervised::new(config);
    let value = |batch| {
        let part = Part::whole(batch);
        let noise = Noise::new(1);
        let (begun, sums) = objective.begin(&model, &part, &noise);
        let terms = objective.finish(&model, &part, begun, sums, Elapsed::ALL, &noise);
        f64::from(terms.total.into_scalar::<f32>())
    };
    let plain = value(batch.clone());
    let mut with = batch;
    with.augmented = Some(augmented.clone());
    let log_probs = burn::tensor::activation::log_softmax(
        model.logits(augmented.examples.x, &Default::default()),
        1,
    );
    let own = (log_probs * augmented.examples.y).sum_dim(1).into_data();
    let own: Vec<f32> = own.try_into_vec_as().unwrap();
    let mean = own.iter().zip(weights).map(|(l, w)| f64::from(-l * w)).sum::<f64>() / 3.0;
    let expected = plain + 0.1 * 7.0 * 0.5 * mean;
    let got = value(with);
    assert!((got - expected).abs() < 1e-4 * expected.abs(), "{got} {expected} {plain}");
    assert!((expected - plain).abs() > 1e-3, "the term is there to be seen");
}

#[test]
fn a_batch_of_a_set_follows_from_its_step_and_takes_of_both_kinds() {
    let device = Device::flex();
    let examples = |first: usize, count: usize| {
        let values = Values::F32((first..first + count).map(|v| v as f32).collect());
        Examples::new(values, vec![1], vec![1; count], "set").unwrap()
    };
    let train = examples(100, 30);
    let split =
        Split { labelled: (0..10).collect(), unlabelled: (10..30).collect(), validation: vec![] };
    let set = Arc::new(AugmentedSet {
        generated: Some(examples(0, 5)),
        weights: vec![0.2, 0.4, 0.6, 0.8, 3.0],
        pseudo: vec![(12, 0), (20, 2)],
    });
    let noise = Noise::new(4);
    let batches = || {
        let mut batches = Batches::new(&train, &split, 3, [10, 8], Binarise::None, &noise).unwrap();
        batches.augment(Some(set.clone()));
        batches
    };
    let read = |tensor: Tensor<2>| -> Vec<f32> { tensor.into_data().try_into_vec_as().unwrap() };
    let mut generated = Vec::new();
    for step in 0..20 {
        let batch = batches().at(step, &device).augmented.unwrap();
        let again = batches().at(step, &device).augmented.unwrap();
        let x = read(batch.examples.x);
        assert_eq!(x, read(again.examples.x));
        let weights: Vec<f32> = batch.weight.into_data().try_into_vec_as().unwrap();
        let y = read(batch.examples.y);
        for (place, (&x, &weight)) in x.iter().zip(&weights).enumerate() {
            let y = &y[place * 3..place * 3 + 3];
            if place % 2 == 0 {
                assert_eq!(weight, set.weights[x as usize]);
                assert_eq!(y, [0.0, 1.0, 0.0]);
                generated.push(x as usize);
            } else {
                let label = if x == 112.0 { 0 } else { 2 };
                assert!([112.0, 120.0].contains(&x) && weight == 1.0);
                assert_eq!(y[label], 1.0);
            }
        }
    }
    generated.sort_unstable();
    generated.dedup();
    assert_eq!(generated, [0, 1, 2, 3, 4], "every sample has its turn");
    let mut plain = batches();
    plain.augment(None);
    assert!(plain.at(0, &device).augmented.is_none());
}
