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
    use burn::tensor::Device;
    use gleaner_core::models::Likelihood;
    use gleaner_core::objective::{
        Elapsed, MierConfig, SemiSupervised, SemiSupervisedConfig, importance_log_weights,
        unlabelled_bound,
    };
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

    #[test]
    fn a_gpu_gives_the_cpu_numbers() {
        let Some(gpu) = gpu() else { return };
        let m2 = [
            Likelihood::Bernoulli,
            Likelihood::Gaussian,
            Likelihood::Multinomial,
            Likelihood::Mixed,
        ]
        .map(|likelihood| ("m2", likelihood));
        let others = ["adgm", "sdgm", "ladder", "m1m2", "latent-ebm"]
            .map(|name| (name, Likelihood::Bernoulli));
        for (model, likelihood) in m2.into_iter().chain(others) {
            let small = Small { model, likelihood, seed: 5, ..Small::default() };
            let expected = numbers(&small, &Device::flex());
            let mut worst = 0.0_f64;
            for ((name, found), (_, expected)) in numbers(&small, &gpu).iter().zip(&expected) {
                let expected = doubles(expected);
                let largest = expected.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
                let tolerance = Tolerance { relative: RELATIVE, absolute: RELATIVE * largest };
                let what = format!("{model}, {likelihood:?}: {name}");
                worst = worst.max(assert_close(&what, found, &expected, tolerance));
            }
            eprintln!("{model}, {likelihood:?}: at most {worst:.3} of the tolerance");
        }
    }
}
