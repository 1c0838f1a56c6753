//! `curves.svg`: the training curves, epoch by epoch.

use serde_json::Value;

use crate::pictures::plot::{Figure, Line, Panel, Scale};

/// Of a panel, in pixels.
const HEIGHT: f64 = 140.0;

/// Divergences of single layers, by their names in the metrics.
const LAYERS: [(&str, &str); 8] = [
    ("kl_z", "z"),
    ("kl_a", "a"),
    ("kl_z1", "z1"),
    ("kl_z2", "z2"),
    ("kl_z3", "z3"),
    ("kl_z4", "z4"),
    ("kl_z5", "z5"),
    ("kl_z6", "z6"),
];

/// The training curves: a panel for whatever the metrics hold.
pub fn curves(metrics: &[Value], baseline: Option<f64>) -> Figure {
    let line = |key: &str, name: &str, factor: f64| {
        let point = |line: &Value| Some([line["epoch"].as_f64()?, line[key].as_f64()? * factor]);
        Line::new(name, metrics.iter().filter_map(point).collect())
    };
    let plain = |(key, name): (&str, &str)| line(key, name, 1.0);
    let mut accuracy = vec![line("validation_accuracy", "semi-supervised, validation", 100.0)];
    // A level by itself is no curve.
    let baseline = baseline.filter(|_| !accuracy[0].points.is_empty());
    accuracy.extend(baseline.map(|share| Line::level("supervised baseline, test", share * 100.0)));
    let bounds = [
        ("unlabelled_bound", "unlabelled"),
        ("labelled_bound", "labelled"),
        ("reverse_bound", "reverse"),
        ("validation_bound", "validation"),
    ];
    let divergences = std::iter::once(("kl", "all")).chain(LAYERS).map(plain);
    let divergences: Vec<Line> = divergences.filter(|line| !line.points.is_empty()).collect();
    let kl = if divergences.len() > 1 { "KL by layer" } else { "KL" };
    let information =
        [("mutual_information", "I(y; x)"), ("entropy", "H(y | x)")].map(plain).to_vec();
    let certainty =
        [("validation_ece", "calibration error"), ("validation_entropy", "classifier entropy")];
    let norm = plain(("gradient_norm", "norm"));
    let positive = [0.0, f64::INFINITY];
    Figure {
        title: "Training curves".to_owned(),
        x: "epoch".to_owned(),
        scale: Scale::Linear,
        panels: vec![
            panel(
                "Training objective",
                "nats per example",
                vec![plain(("objective", "objective"))],
            ),
            Panel { suffix: " %", limits: [0.0, 100.0], ..panel("Accuracy", "%", accuracy) },
            Panel {
                limits: positive,
                ..panel("Certainty", "validation, entropy in nats", certainty.map(plain).to_vec())
            },
            panel("Bounds", "nats per example", bounds.map(plain).to_vec()),
            panel(kl, "nats per example", divergences),
            Panel { limits: positive, ..panel("Information and entropy", "nats", information) },
            Panel {
                scale: scale_of(&norm),
                ..panel("Gradient norm", "before clipping", vec![norm])
            },
        ],
    }
}

/// Logarithmic for what grows or shrinks so much that a linear axis would show only its largest values.
fn scale_of(line: &Line) -> Scale {
    let values = || line.points.iter().map(|[_, value]| *value).filter(|value| value.is_finite());
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
    if low > 0.0 && high > 20.0 * low { Scale::Logarithmic } else { Scale::Linear }
}

fn panel(title: &'static str, unit: &'static str, lines: Vec<Line>) -> Panel {
    Panel {
        title: title.into(),
        unit,
        suffix: "",
        scale: Scale::Linear,
        limits: [f64::NEG_INFINITY, f64::INFINITY],
        height: HEIGHT,
        lines,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_panel_is_there_only_if_its_numbers_are() {
        let epoch =
            |n: u32| json!({"epoch": n, "objective": 9.0 / f64::from(n), "kl": 2.0, "kl_z1": 1.5});
        let svg = curves(&[epoch(1), epoch(2)], None).svg().unwrap();
        assert!(svg.contains("Training objective") && svg.contains("KL by layer"), "{svg}");
        assert!(svg.contains("z1") && !svg.contains("z2"), "{svg}");
        assert!(!curves(&[epoch(1), epoch(2)], Some(0.5)).svg().unwrap().contains("Accuracy"));
        let validated = json!({"epoch": 1, "objective": 9.0, "validation_accuracy": 0.7});
        let of_validated = curves(&[validated], Some(0.5)).svg().unwrap();
        assert!(of_validated.contains("supervised baseline"), "{of_validated}");
        let one_layer = json!({"epoch": 1, "objective": 9.0, "kl": 2.0});
        assert!(!curves(&[one_layer], None).svg().unwrap().contains("by layer"));
        for absent in ["Accuracy", "Bounds", "Information", "Gradient"] {
            assert!(!svg.contains(absent), "{absent}");
        }
    }
}
