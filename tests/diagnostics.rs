//! What chains are judged by: against float64 references (`golden/chains.py`), and processes whose answer is known.

use gleaner_core::noise::Noise;
use gleaner_core::sampler::Trace;
use gleaner_tests::Golden;

/// Both sides are in double precision; sums are taken in another order.
const ROUNDING: f64 = 1e-9;

#[test]
fn split_r_hat_and_effective_sample_size_are_the_references() {
    let golden = Golden::read("chains");
    for name in ["met", "odd", "alternating", "apart", "drifting", "short"] {
        let &[_, steps] = golden.shape(name) else { panic!("chains") };
        let chains = golden.input(name).chunks_exact(steps);
        let trace = Trace(chains.map(|c| c.iter().map(|&v| f64::from(v)).collect()).collect());
        let found = trace.convergence().expect("enough steps");
        let moments = trace.moments().expect("enough draws");
        for (what, found) in [
            ("r_hat", found.r_hat),
            ("effective_sample_size", found.effective_sample_size),
            ("mean", moments.mean),
            ("variance", moments.variance),
        ] {
            let expected = golden.number(&format!("out.{name}.{what}"));
            let apart = (found - expected).abs();
            assert!(
                apart < ROUNDING * expected.abs().max(1.0),
                "{name} {what}: {found}, {expected}"
            );
        }
    }
}

/// Chains of a stationary process of first order with unit variance.
fn autoregressive(r: f64, chains: usize, steps: usize) -> Trace {
    let chain = |number: usize| {
        let mut at = 0.0;
        let noise = Noise::new(12).at(number as u64).normal(steps + 200);
        let path = noise.into_iter().map(|e| {
            at = r * at + (1.0 - r * r).sqrt() * f64::from(e);
            at
        });
        // What the start has to say is forgotten after 200 steps: 0.9^200 is 1e-9.
        path.skip(200).collect()
    };
    Trace((0..chains).map(chain).collect())
}

#[test]
fn correlated_draws_are_worth_what_theory_says() {
    for r in [-0.4, 0.0, 0.5, 0.9] {
        let (chains, steps) = (4, 20_000);
        let found = autoregressive(r, chains, steps).convergence().expect("enough steps");
        let expected = (chains * steps) as f64 * (1.0 - r) / (1.0 + r);
        let ratio = found.effective_sample_size / expected;
        eprintln!("r = {r}: {ratio:.3} of {expected:.0}, R-hat {:.4}", found.r_hat);
        // The time is estimated from autocorrelations over some tens of lags, each good to 0.4 %.
        assert!((ratio - 1.0).abs() < 0.1, "r = {r}: {ratio}");
        assert!(found.r_hat < 1.01 && found.r_hat > 0.9999, "r = {r}: {}", found.r_hat);
    }
}

#[test]
fn chains_that_are_apart_or_on_their_way_are_told_from_those_that_have_met() {
    let Trace(mut chains) = autoregressive(0.5, 4, 500);
    chains[0].iter_mut().for_each(|v| *v += 2.0);
    let apart = Trace(chains).convergence().expect("enough steps");
    assert!(apart.r_hat > 1.3, "{}", apart.r_hat);
    assert!(apart.effective_sample_size < 40.0, "{}", apart.effective_sample_size);
    // A drift that all chains share shows between their halves alone: plain R-hat would miss it.
    let Trace(mut chains) = autoregressive(0.5, 4, 500);
    for chain in &mut chains {
        chain.iter_mut().enumerate().for_each(|(t, v)| *v += t as f64 / 100.0);
    }
    let drifting = Trace(chains).convergence().expect("enough steps");
    assert!(drifting.r_hat > 1.3, "{}", drifting.r_hat);
}

#[test]
fn chains_that_cannot_be_judged_are_not() {
    // A mean of tenths is not a tenth in binary: what stands still must not be judged by rounding.
    for place in [0.5, 0.1] {
        assert_eq!(Trace(vec![vec![place; 10]; 3]).convergence(), None, "nothing moves");
    }
    assert_eq!(Trace(vec![]).convergence(), None);
    assert_eq!(Trace(vec![vec![1.0, 2.0, 3.0]; 2]).convergence(), None, "too short");
    assert_eq!(Trace(vec![vec![1.0; 8], vec![2.0; 9]]).convergence(), None, "of other lengths");
    assert_eq!(Trace(vec![vec![1.0, f64::NAN, 2.0, 3.0, 4.0]]).convergence(), None);
    assert_eq!(Trace(vec![vec![1.0]]).moments(), None);
    // Each stands still somewhere else: as far from having met as can be.
    for places in [[0.0, 1.0], [0.1, 0.7]] {
        let stuck = Trace(places.map(|place| vec![place; 10]).to_vec()).convergence();
        let stuck = stuck.expect("a verdict");
        assert!(stuck.r_hat > 1e9, "{}", stuck.r_hat);
        assert!(stuck.effective_sample_size < 3.0, "{}", stuck.effective_sample_size);
    }
}
