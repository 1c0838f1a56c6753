//! Readers of checkpoints: of weights, and of a run's state.
#![no_main]

use gleaner_core::checkpoint::{Checkpoint, TensorFile};
use libfuzzer_sys::fuzz_target;

/// Small ones.
fn seeds() -> Vec<Vec<u8>> {
    vec![
        include_bytes!("../../tests/written_before/m2/model.safetensors").to_vec(),
        include_bytes!("../../tests/written_before/latent-ebm/model.safetensors").to_vec(),
        include_bytes!("../../tests/written_before/m1m2/model.safetensors").to_vec(),
    ]
}

fuzz_target!(init: gleaner_fuzz::begin_with(seeds()), |bytes: &[u8]| {
    let _ = TensorFile::from_bytes(bytes);
    if let Ok(checkpoint) = Checkpoint::from_bytes(bytes) {
        let _ = checkpoint.to_bytes();
    }
});
