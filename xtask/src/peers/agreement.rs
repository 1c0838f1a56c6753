//! Whether two programs do the same work.

/// Whether two objectives are the same up to rounding.
///
/// # Errors
/// When they are not, both of them in words.
pub fn agree(ours: f64, theirs: f64, tolerance: f64) -> Result<(), String> {
    let difference = (ours - theirs).abs() / ours.abs().max(theirs.abs());
    // Written so that NaN does not pass.
    if difference <= tolerance {
        return Ok(());
    }
    Err(format!(
        "their objectives are {ours} and {theirs} (relative difference {difference:.1e}, allowed {tolerance:.0e})"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objectives_agree_up_to_rounding_and_never_when_broken() {
        let close = |ours, theirs| agree(ours, theirs, 1e-4);
        assert!(close(700.0, 700.01).is_ok() && close(-700.0, -700.01).is_ok());
        assert!(close(700.0, 700.2).unwrap_err().contains("700.2"));
        for broken in [f64::NAN, f64::INFINITY, -700.0] {
            assert!(close(700.0, broken).is_err(), "{broken}");
            assert!(close(broken, broken).is_ok() == broken.is_finite(), "{broken}");
        }
    }
}
