//! Quantiles of the standard normal distribution, on the host.

/// Where a share of N(0, 1) lies below, by rational functions (Acklam 2003) whose relative error is below
/// 2e-9. `share` is between 0 and 1, neither of them.
pub fn normal_quantile(share: f64) -> f64 {
    /// Where the tails begin.
    const TAIL: f64 = 0.024_25;
    const MIDDLE: [&[f64]; 2] = [
        &[
            -39.696_830_286_653_76,
            220.946_098_424_520_5,
            -275.928_510_446_968_7,
            138.357_751_867_269,
            -30.664_798_066_147_16,
            2.506_628_277_459_239,
        ],
        &[
            -54.476_098_798_224_06,
            161.585_836_858_040_9,
            -155.698_979_859_886_6,
            66.801_311_887_719_72,
            -13.280_681_552_885_72,
            1.0,
        ],
    ];
    const SIDES: [&[f64]; 2] = [
        &[
            -0.007_784_894_002_430_293,
            -0.322_396_458_041_136_5,
            -2.400_758_277_161_838,
            -2.549_732_539_343_734,
            4.374_664_141_464_968,
            2.938_163_982_698_783,
        ],
        &[
            0.007_784_695_709_041_462,
            0.322_467_129_070_039_8,
            2.445_134_137_142_996,
            3.754_408_661_907_416,
            1.0,
        ],
    ];
    let ratio = |[above, below]: [&[f64]; 2], x: f64| {
        let polynomial = |terms: &[f64]| terms.iter().fold(0.0, |sum, term| sum * x + term);
        polynomial(above) / polynomial(below)
    };
    let tail = |share: f64| ratio(SIDES, (-2.0 * share.ln()).sqrt());
    match share {
        _ if share < TAIL => tail(share),
        _ if share > 1.0 - TAIL => -tail(1.0 - share),
        _ => (share - 0.5) * ratio(MIDDLE, (share - 0.5).powi(2)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables_and_symmetric() {
        for (share, value) in [
            (0.5, 0.0),
            (0.841_344_746_068_542_9, 1.0),
            (0.975, 1.959_963_984_540_054),
            (0.999, 3.090_232_306_167_813),
            (1e-6, -4.753_424_308_822_899),
        ] {
            assert!((normal_quantile(share) - value).abs() < 1e-8, "{share}");
            assert!((normal_quantile(1.0 - share) + value).abs() < 1e-8, "1 - {share}");
        }
    }
}
