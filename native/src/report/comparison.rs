//! The methods that a run's classifier was chosen from, as a table.

use std::fmt::Write as _;

use crate::pictures::svg::escaped;
use crate::run::verdict::{Row, Verdict};

/// How the methods did, which one is kept, and what the unlabelled examples added. `tested` are the examples of the test
/// split that the results were measured on, if there is one.
pub fn comparison(verdict: &Verdict, tested: Option<u64>) -> String {
    let apart = tested.map_or(String::new(), |tested| {
        format!(
            " The accuracies in the results differ from these: they are measured on {tested} other examples, those of the test \
             split, after training on all of these labels."
        )
    });
    let mut html = format!(
        "<p>Each method on {} labels in {} parts: a part is predicted by what was trained on the others.{apart}</p>\n\
         <div class=\"wide\" tabindex=\"0\"><table class=\"compared\">\n<tr><th scope=\"col\">Method</th>\
         <th scope=\"col\">Accuracy</th><th scope=\"col\">95 % interval</th><th scope=\"col\">Log loss</th>\
         <th scope=\"col\">Share in the average</th></tr>\n",
        verdict.labels, verdict.parts
    );
    for row in &verdict.candidates {
        html += &line(row, row.name == verdict.kept);
    }
    html += "</table></div>\n";
    for line in verdict.gain().iter().chain(&verdict.calibration()) {
        let _ = writeln!(html, "<p>{}</p>", escaped(&sentence(line)));
    }
    html
}

fn line(row: &Row, kept: bool) -> String {
    let percent = |share: f64| format!("{:.1}", 100.0 * share);
    let [low, high] = row.interval.map(percent);
    let share = match row.weight > 0.0 {
        true => format!("{:.0} %", 100.0 * row.weight),
        false => String::new(),
    };
    let (class, mark) = if kept { (" class=\"kept\"", " (kept)") } else { ("", "") };
    format!(
        "<tr{class}><th scope=\"row\">{}{mark}</th><td>{} %</td><td>{low} to {high} %</td><td>{:.3}</td><td>{share}</td></tr>\n",
        escaped(&row.name),
        percent(row.accuracy),
        row.log_loss
    )
}

/// With a capital letter and a full stop.
fn sentence(line: &str) -> String {
    let mut letters = line.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_method_and_marks_the_one_that_is_kept() {
        let row = |name: &str, accuracy, weight| Row {
            name: name.to_owned(),
            accuracy,
            interval: [accuracy - 0.1, accuracy + 0.1],
            log_loss: 0.25,
            weight,
        };
        let verdict = Verdict {
            kept: "average".to_owned(),
            labels: 30,
            unlabelled: 100,
            parts: 5,
            candidates: vec![row("average", 0.9, 0.0), row("network", 0.8, 0.4)],
            label_only: "network".to_owned(),
            added: [0.1, 0.02, 0.18],
            ece: Some([0.08, 0.03]),
        };
        let html = comparison(&verdict, None);
        let kept = html.lines().find(|line| line.contains("average (kept)"));
        assert!(
            kept.is_some_and(|line| line.contains("90.0 %") && line.contains("class=\"kept\""))
        );
        let other = html.lines().find(|line| line.contains("network</th>"));
        assert!(other.is_some_and(|line| line.contains("40 %") && !line.contains("(kept)")));
        assert!(html.contains("<p>The unlabelled examples help: +10.0 points"), "{html}");
        assert!(html.contains("0.080 as the methods give it, 0.030 after"), "{html}");
        assert!(!html.contains("test split"), "the results are of the same labels");
        let beside_a_test = comparison(&verdict, Some(67));
        assert!(beside_a_test.contains("measured on 67 other examples"), "{beside_a_test}");
    }
}
