//! The same noise gives the same numbers on the CPU back end and on a GPU.
//!
//! Runs with `--features wgpu` where a driver is found; a software GPU will do:
//! `VK_DRIVER_FILES=/usr/lib/chromium/vk_swiftshader_icd.json`.

#[cfg(not(feature = "wgpu"))]
#[test]
fn a_gpu_gives_the_cpu_numbers() {
    eprintln!("skipped: built without the feature `wgpu`");
}

#[cfg(feature = "wgpu")]
mod gpu {
    use std::sync::{Arc, LazyLock};

    use burn::module::Module as _;
    use burn::optim::GradientsParams;
    use burn::tensor::{Device, Tensor, TensorData};
    use gleaner_core::checkpoint::fill;
    use gleaner_core::data::{Batches, Binarise, Examples, Part, Resident, Split, Values};
    use gleaner_core::dist::clamp_log_var;
    use gleaner_core::error::Error;
    use gleaner_core::infer;
    use gleaner_core::models::{Generative as _, Likelihood, Model};
    use gleaner_core::nets::{Activation, softplus};
    use gleaner_core::noise::{Noise, NoiseSource};
    use gleaner_core::objective::{
        Elapsed, MierConfig, SemiSupervised, SemiSupervisedConfig, importance_log_weights,
        unlabelled_bound,
    };
    use gleaner_core::sample::{SampleSet, class_conditional};
    use gleaner_core::train::away::{Away, Task};
    use gleaner_core::train::{AdamSettings, Learner, TrainState};
    use gleaner_core::workers::InTurn;
    use gleaner_tests::beside::{RUN, beside};
    use gleaner_tests::modules::gradients;
    use gleaner_tests::small::Small;
    use gleaner_tests::{Tolerance, assert_close, number, values};

    /// Single precision on both sides, sums in another order, and GPUs whose exp and log are good to a few
    /// units in the last place.
    const RELATIVE: f64 = 1e-4;

    fn doubles(values: &[f32]) -> Vec<f64> {
        values.iter().map(|&v| f64::from(v)).collect()
    }

    /// Bounds, importance weights, objective and gradients of one model on one device, each by name.
    fn numbers(small: &Small, device: &Device) -> Vec<(String, Vec<f32>)> {
        let training = device.clone().autodiff();
        let mier = Some(MierConfig::default());
        let objective =
            SemiSupervised::new(SemiSupervisedConfig { mier, ..SemiSupervisedConfig::exact(1.5) });
        let model = small.model(&training);
        let batch = small.batch(&training);
        let total = objective.terms_at(&model, &batch, Elapsed::ALL, small.draws(&training)).total;
        let mut found = vec![("J".to_owned(), vec![number(total.clone())])];
        let grads = GradientsParams::from_grads(total.backward(), &model);
        for (path, gradient) in gradients(&model, grads) {
            found.push((format!("gradient of {path}"), gradient.values));
        }

        let model = small.model(device);
        let (x, draws) = (small.batch(device).unlabelled, small.draws(device));
        let (look, epsilon) = (draws.looks.unlabelled, draws.latent.unlabelled);
        let u = unlabelled_bound(&model, x.clone(), &look, epsilon.clone(), 1.0);
        found.push(("U(x)".into(), values(u.value)));
        found.push(("L(x, y)".into(), values(u.by_class)));
        let weights = importance_log_weights(&model, x, &look, epsilon);
        found.push(("importance weights".into(), values(weights)));
        found
    }

    /// The default adapter, unless there is none that can run burn's shaders.
    ///
    /// # Panics
    /// In that case too, where the caller named a driver: a test that was asked for must not pass unseen.
    fn gpu() -> Option<Device> {
        // A process can set it up once; tests may be threads of one.
        static GPU: LazyLock<Option<Device>> = LazyLock::new(found);
        GPU.clone()
    }

    fn found() -> Option<Device> {
        let problem = match Device::wgpu_options().init_with_setup() {
            Ok((device, setup)) => {
                let name = setup.adapter.get_info().name;
                // Mesa's software GPU crashes the process on burn's shaders.
                if !name.contains("llvmpipe") {
                    eprintln!("adapter: {name}");
                    return Some(device);
                }
                format!("the only adapter is {name}")
            }
            Err(error) => format!("no adapter ({error})"),
        };
        let asked = std::env::var_os("VK_DRIVER_FILES").is_some();
        assert!(!asked, "VK_DRIVER_FILES is set, but {problem}");
        eprintln!(
            "skipped: {problem}; set VK_DRIVER_FILES to SwiftShader's vk_swiftshader_icd.json"
        );
        None
    }

    /// A small model of each kind and of each likelihood.
    fn family() -> impl Iterator<Item = Small> {
        let m2 = [
            Likelihood::Bernoulli,
            Likelihood::Gaussian,
            Likelihood::Multinomial,
            Likelihood::Mixed,
        ]
        .map(|likelihood| ("m2", likelihood));
        let others = ["adgm", "sdgm", "ladder", "m1m2", "latent-ebm"]
            .map(|name| (name, Likelihood::Bernoulli));
        let small = |(model, likelihood)| Small { model, likelihood, seed: 5, ..Small::default() };
        m2.into_iter().chain(others).map(small)
    }

    #[test]
    fn a_gpu_gives_the_cpu_numbers() {
        let Some(gpu) = gpu() else { return };
        for small in family() {
            let expected = numbers(&small, &Device::flex());
            let mut worst = 0.0_f64;
            for ((name, found), (_, expected)) in numbers(&small, &gpu).iter().zip(&expected) {
                let expected = doubles(expected);
                let largest = expected.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
                let tolerance = Tolerance { relative: RELATIVE, absolute: RELATIVE * largest };
                let what = format!("{}, {:?}: {name}", small.model, small.likelihood);
                worst = worst.max(assert_close(&what, found, &expected, tolerance));
            }
            let Small { model, likelihood, .. } = small;
            eprintln!("{model}, {likelihood:?}: at most {worst:.3} of the tolerance");
        }
    }

    /// The parameters after three steps, clipped and with weight decay, each by name.
    fn trained(small: &Small, device: &Device) -> Vec<(String, Vec<f32>)> {
        trained_by(small, device, |learner| learner)
    }

    /// The same, by a learner that works elsewhere.
    fn trained_by(
        small: &Small,
        device: &Device,
        change: impl FnOnce(Learner<SemiSupervised>) -> Learner<SemiSupervised>,
    ) -> Vec<(String, Vec<f32>)> {
        let mier = Some(MierConfig::default());
        let objective =
            SemiSupervised::new(SemiSupervisedConfig { mier, ..SemiSupervisedConfig::exact(1.5) });
        let adam = AdamSettings { weight_decay: 0.1, ..AdamSettings::default() };
        let whole = Learner::whole(objective, CLIP_NORM, Noise::new(7));
        let learner = change(Learner { adam, ..whole });
        let mut state = TrainState::new(small.model(&device.clone().autodiff()));
        let batch = small.batch(device);
        for _ in 0..3 {
            (state, _) = learner.step(state, &batch, RATE, Elapsed::ALL);
        }
        let parameters = pollster::block_on(infer::parameters(&state.model.valid()));
        let parameters = parameters.expect("the weights can be read");
        parameters.into_iter().map(|(name, parameter)| (name, parameter.values)).collect()
    }

    /// Below the norm of the small models' gradients.
    const CLIP_NORM: f64 = 1.0;
    const RATE: f64 = 0.01;

    #[test]
    fn three_steps_on_a_gpu_end_at_the_cpu_weights() {
        let Some(gpu) = gpu() else { return };
        for small in family().filter(|small| !matches!(small.model, "latent-ebm")) {
            let expected = trained(&small, &Device::flex());
            let before =
                pollster::block_on(infer::parameters(&small.model(&Device::flex()))).unwrap();
            let mut moved = 0.0_f64;
            for ((name, found), (_, expected)) in trained(&small, &gpu).iter().zip(&expected) {
                let expected = doubles(expected);
                // Adam makes a step of a gradient of any size: where one is nearly zero, its rounding may turn it.
                let tolerance = Tolerance { relative: RELATIVE, absolute: 0.02 * RATE };
                assert_close(&format!("{}: {name}", small.model), found, &expected, tolerance);
                let pairs = expected.iter().zip(&before[name].values);
                moved = pairs.fold(moved, |most, (a, b)| most.max((a - f64::from(*b)).abs()));
            }
            assert!(moved > RATE, "{}: the steps moved nothing", small.model);
        }
    }

    #[test]
    fn parts_of_a_batch_come_home_from_any_device() {
        let Some(gpu) = gpu() else { return };
        let cpu = Device::flex();
        for small in family().filter(|small| small.model != "latent-ebm") {
            let on =
                |devices| trained_by(&small, &cpu, |whole| Learner { parts: 3, devices, ..whole });
            let expected = on(Vec::new());
            // Named or not, the CPU is the CPU.
            assert!(on(vec![cpu.clone(), cpu.clone()]) == expected, "{}", small.model);
            let servers =
                [&gpu, &cpu].map(|device| beside(device, Arc::new(InTurn), str::to_owned));
            let served = trained_by(&small, &cpu, |whole| {
                let task = Task { config: small.config(), aim: whole.objective.clone().into() };
                let away = Some(Away::open(RUN, &task, servers.to_vec()).unwrap());
                Learner { parts: 3, away, ..whole }
            });
            for (how, both) in
                [("devices", on(vec![gpu.clone(), cpu.clone()])), ("servers", served)]
            {
                for ((name, found), (_, expected)) in both.iter().zip(&expected) {
                    let tolerance = Tolerance { relative: RELATIVE, absolute: 0.02 * RATE };
                    let what = format!("{}, {how}: {name}", small.model);
                    assert_close(&what, found, &doubles(expected), tolerance);
                }
            }
        }
    }

    #[test]
    fn rows_of_examples_on_a_gpu_are_those_of_the_host() {
        let Some(gpu) = gpu() else { return };
        // Seven values to a row: four bytes to a number leave a gap.
        let rows = [3, 0, 4, 4, 1];
        let bytes = Values::U8((0..35).map(|v| (v * 53 % 256) as u8).collect());
        let numbers = Values::F32((0..35).map(|v| v as f32 * 0.37 - 2.0).collect());
        for values in [bytes, numbers] {
            let examples = Examples { values, shape: vec![7], labels: vec![0; 5] };
            let resident = Resident::new(&examples, &gpu).expect("a GPU keeps them");
            let expected = doubles(&examples.gather(&rows));
            let exactly = Tolerance { relative: 1e-6, absolute: 1e-7 };
            assert_close("rows", &self::values(resident.rows(&rows)), &expected, exactly);
            assert!(Resident::new(&examples, &Device::flex()).is_none());
        }
    }

    #[test]
    fn classes_of_examples_on_a_gpu_are_those_of_uploaded_ones() {
        let Some(gpu) = gpu() else { return };
        let small = Small::default();
        // More rows than are put through a network at a time, and one of them twice.
        let count = infer::ROWS + 7;
        let values = Values::F32(small.examples("classified", count));
        let examples = Examples { values, shape: vec![small.features], labels: vec![0; count] };
        let resident = Resident::new(&examples, &gpu).expect("a GPU keeps them");
        let rows: Vec<usize> = (0..count).rev().chain([3]).collect();
        let model = small.model(&gpu);
        let uploaded = pollster::block_on(infer::classify(&model, &examples, &rows, &gpu));
        let [uploaded, found] =
            [uploaded, pollster::block_on(infer::classify_resident(&model, &resident, &rows))]
                .map(Result::unwrap);
        assert_eq!(found.len(), rows.len() * small.classes);
        let tolerance = Tolerance { relative: 1e-5, absolute: 1e-6 };
        assert_close("logits", &found, &doubles(&uploaded), tolerance);
        let none = pollster::block_on(infer::classify_resident(&model, &resident, &[]));
        assert!(none.unwrap().is_empty());
    }

    /// It is one number for all rows, and what is the same in each row adds it up: by fours, too.
    #[test]
    fn the_gradient_of_a_mean_adds_up_over_rows() {
        let Some(gpu) = gpu() else { return };
        let training = gpu.autodiff();
        let part = Part::whole(Small::default().batch(&training));
        for rows in [7, 8, 64] {
            let shared = Tensor::<1>::ones([1], &training).require_grad();
            let mean = part.unlabelled_mean(shared.clone().expand([rows]));
            let gradient = shared.grad(&mean.backward()).expect("it was asked for");
            let expected = rows as f64 / part.of[1] as f64;
            let tolerance = Tolerance { relative: 1e-6, absolute: 0.0 };
            assert_close(&format!("{rows} rows"), &values(gradient), &[expected], tolerance);
        }
    }

    #[test]
    fn batches_by_row_number_are_those_that_are_uploaded() {
        let Some(gpu) = gpu() else { return };
        let examples = Examples {
            values: Values::U8((0..90).map(|v| (v * 91 % 256) as u8).collect()),
            shape: vec![5],
            labels: (0..18).map(|row| row % 3).collect(),
        };
        let split =
            Split { labelled: vec![15, 16, 17], unlabelled: (0..15).collect(), validation: vec![] };
        let new =
            || Batches::new(&examples, &split, 3, [5, 2], Binarise::None, &Noise::new(0)).unwrap();
        let mut by_number = new().from_resident(Resident::new(&examples, &gpu));
        let mut uploaded = new();
        for step in 0..4 {
            let [found, expected] = [by_number.at(step, &gpu), uploaded.at(step, &gpu)]
                .map(|batch| [batch.labelled.x, batch.labelled.y, batch.unlabelled].map(values));
            for (found, expected) in found.iter().zip(&expected) {
                let tolerance = Tolerance { relative: 1e-6, absolute: 1e-7 };
                assert_close("a batch", found, &doubles(expected), tolerance);
            }
        }
    }

    /// With bits drawn anew each time, a batch by row number takes noise of the device, and its pixels are right on average.
    #[test]
    fn bits_drawn_on_a_gpu_have_the_pixels_as_their_mean() {
        let Some(gpu) = gpu() else { return };
        let count = 4000;
        let examples = Examples {
            values: Values::U8([51, 153, 0, 255].repeat(count)),
            shape: vec![4],
            labels: vec![0; count],
        };
        let split =
            Split { labelled: vec![0], unlabelled: (1..count).collect(), validation: vec![] };
        let noise = Noise::new(1).drawn_on(NoiseSource::Device);
        let batches =
            Batches::new(&examples, &split, 2, [count, 1], Binarise::Dynamic, &noise).unwrap();
        let mut batches = batches.from_resident(Resident::new(&examples, &gpu));
        let bits = values(batches.at(0, &gpu).unlabelled);
        for (column, probability) in [0.2, 0.6, 0.0, 1.0].into_iter().enumerate() {
            let of_column = bits.iter().skip(column).step_by(4);
            let mean = of_column.map(|&bit| f64::from(bit)).sum::<f64>() / (count - 1) as f64;
            // A standard error of 0.008 at most; five of them.
            assert!((mean - probability).abs() < 0.04, "{column}: {mean}");
        }
        assert!(bits.iter().all(|&bit| bit == 0.0 || bit == 1.0));
    }

    type Elementwise = fn(Tensor<2>) -> Tensor<2>;

    /// From where exponentials are nearly 0 to where they have overflown, and 0 itself, where slopes jump.
    const FAR: [f32; 18] = [
        -1e30, -1000.0, -100.0, -89.0, -80.0, -45.0, -20.0, -12.0, -8.5, -3.0, 0.0, 0.5, 7.9, 20.0,
        44.0, 89.0, 1000.0, 1e30,
    ];

    /// What `f` makes of each of [`FAR`], and its slope there.
    fn of_far(device: &Device, f: impl Fn(Tensor<2>) -> Tensor<2>) -> [Vec<f32>; 2] {
        let data = TensorData::new(FAR.to_vec(), [1, FAR.len()]);
        let value = values(f(Tensor::from_data(data.clone(), device)));
        let x = Tensor::<2>::from_data(data, &device.clone().autodiff()).require_grad();
        let slopes = f(x.clone()).sum().backward();
        [value, values(x.grad(&slopes).expect("x is on the tape"))]
    }

    #[test]
    fn far_from_zero_a_gpu_gives_the_cpu_numbers_and_slopes() {
        let Some(gpu) = gpu() else { return };
        let functions: [(&str, Elementwise); 6] = [
            ("softplus", |x| Activation::Softplus.forward(x)),
            ("relu", |x| Activation::Relu.forward(x)),
            ("leaky relu", |x| Activation::LeakyRelu.forward(x)),
            ("silu", |x| Activation::Silu.forward(x)),
            ("tanh", |x| Activation::Tanh.forward(x)),
            ("clamped log-variance", |x| clamp_log_var(x)),
        ];
        for (name, f) in functions {
            let expected = of_far(&Device::flex(), f);
            let found = of_far(&gpu, f);
            for (what, found, expected) in
                [("value", &found[0], &expected[0]), ("slope", &found[1], &expected[1])]
            {
                // SwiftShader's tanh is off by 5e-8 near 1.
                let tolerance = Tolerance { relative: RELATIVE, absolute: 1e-6 };
                let what = format!("{what} of {name} at {FAR:?}");
                assert_close(&what, found, &doubles(expected), tolerance);
            }
        }
    }

    #[test]
    fn what_softplus_leaves_of_small_values_is_not_lost_on_a_gpu() {
        let Some(gpu) = gpu() else { return };
        let expected: Vec<f64> = FAR.map(|x| f64::from(x).exp().ln_1p()).into();
        let [found, slopes] = of_far(&gpu, softplus);
        for (at, &x) in FAR.iter().enumerate().filter(|(_, x)| (-85.0..=0.0).contains(*x)) {
            // What 1 + exp(x) loses of exp(x) at -8, and what exp(x) is more than its logarithm there.
            let off = |value: f32, exactly: f64| (f64::from(value) / exactly - 1.0).abs();
            assert!(off(found[at], expected[at]) < 3e-4, "{x}: {}", found[at]);
            let slope = 1.0 / (1.0 + (-f64::from(x)).exp());
            assert!(off(slopes[at], slope) < 4e-4, "slope at {x}: {}", slopes[at]);
        }
    }

    /// Samples of a model on a device, or why there are none.
    fn drawn(model: &Model, shape: &[usize], device: &Device) -> Result<SampleSet, Error> {
        let mut noise = Noise::new(3);
        let drawn = class_conditional(model, 2, &mut noise, device, &InTurn);
        let y = (0..2 * model.classes()).map(|row| row as i64 / 2).collect();
        pollster::block_on(infer::samples(model, drawn, shape, y))
    }

    /// What has nothing to do with the samples may be anything; what has must be seen.
    #[test]
    fn a_weight_that_is_no_number_gives_an_error_and_never_samples() {
        let devices = [Some(Device::flex()), gpu()];
        for (small, device) in family().flat_map(|s| devices.clone().map(|d| (s.clone(), d))) {
            let Some(device) = device else { continue };
            let model = small.model(&device);
            let shape = [small.features];
            let sound = drawn(&model, &shape, &device).unwrap();
            let parameters = pollster::block_on(infer::parameters(&model)).unwrap();
            let mut refused = 0;
            for (name, parameter) in &parameters {
                let mut broken = parameters.clone();
                let mut parameter = parameter.clone();
                parameter.values[0] = f32::NAN;
                broken.insert(name.clone(), parameter);
                let broken = fill(small.model(&device), broken).unwrap();
                match drawn(&broken, &shape, &device) {
                    Err(Error::NotFinite(_) | Error::Diverged { .. }) => refused += 1,
                    Err(error) => panic!("{name}: {error}"),
                    Ok(samples) => {
                        let what = format!("{}, {:?}, {device:?}", small.model, small.likelihood);
                        assert_eq!(samples, sound, "{what}: NaN in {name} is not seen");
                    }
                }
            }
            assert!(refused > parameters.len() / 4, "{refused} of {}", parameters.len());
        }
    }
}
