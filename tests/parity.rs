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
    use burn::optim::GradientsParams;
    use burn::tensor::{Device, Tensor, TensorData};
    use gleaner_core::checkpoint::fill;
    use gleaner_core::dist::clamp_log_var;
    use gleaner_core::error::Error;
    use gleaner_core::infer;
    use gleaner_core::models::{Generative as _, Likelihood, Model};
    use gleaner_core::nets::{Activation, softplus};
    use gleaner_core::noise::Noise;
    use gleaner_core::objective::{
        Elapsed, MierConfig, SemiSupervised, SemiSupervisedConfig, importance_log_weights,
        unlabelled_bound,
    };
    use gleaner_core::sample::{SampleSet, class_conditional};
    use gleaner_core::workers::InTurn;
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

    type Elementwise = fn(Tensor<2>) -> Tensor<2>;

    /// From where exponentials are nearly 0 to where they have overflown.
    const FAR: [f32; 17] = [
        -1e30, -1000.0, -100.0, -89.0, -80.0, -45.0, -20.0, -12.0, -8.5, -3.0, 0.5, 7.9, 20.0,
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
