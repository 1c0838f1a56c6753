//! What a training step asks of a GPU, counted on whichever is at hand: launches, streams, and what crosses between host and device.
//!
//! The counts are those of the sizes of MNIST, too: they do not depend on widths.

#[cfg(not(feature = "wgpu"))]
#[test]
fn a_step_asks_little_of_a_gpu() {
    eprintln!("skipped: built without the feature `wgpu`");
}

#[cfg(feature = "wgpu")]
mod gpu {
    use burn::tensor::Device;
    use gleaner_tests::program::Program;
    use serde_json::Value;

    /// Launches of the exact M2 step at most; 60 are matrix products, and some 30 add up gradients of what both halves of a batch share.
    const MOST_LAUNCHES: f64 = 250.0;

    /// Counts of a step; `None` without a GPU.
    fn counted(options: &[&str]) -> Option<Value> {
        if std::env::var_os("VK_DRIVER_FILES").is_none()
            && Device::wgpu_options().init_with_setup().is_err()
        {
            eprintln!("skipped: no adapter");
            return None;
        }
        let small = ["bench", "step", "--device=wgpu", "--steps=2", "--count", "--json"];
        let sizes = [
            "--hidden=16,16",
            "--latent=4",
            "--batch-size=6",
            "--labelled-batch-size=4",
            "--threads=2",
        ];
        let gleaner = Program::new(env!("CARGO_BIN_EXE_gleaner_under_test"));
        Some(gleaner.call(small.iter().chain(&sizes).chain(options)).json())
    }

    fn count(counts: &Value, name: &str) -> f64 {
        counts[name].as_f64().unwrap_or_else(|| panic!("no {name} in {counts}"))
    }

    #[test]
    fn steps_are_few_launches_on_one_stream_and_are_read_once() {
        let Some(counts) = counted(&["--device-noise"]) else { return };
        assert!(count(&counts, "launches") <= MOST_LAUNCHES, "{counts}");
        assert_eq!(count(&counts, "streams"), 1.0, "{counts}");
        // Of both steps together, at their end.
        assert_eq!(count(&counts, "reads"), 0.5, "{counts}");
        // The batch is there. What is written are arguments that change, such as the rate of the update.
        assert!(count(&counts, "writes") <= 3.0, "{counts}");
    }
}
