//! The reliability diagram as SVG: how often a classifier is right against how sure it is.

use std::fmt::Write as _;

use anyhow::{Result, ensure};
use gleaner_core::measures::eval::Bin;

use super::svg;

const SIDE: f64 = 380.0;
const LEFT: f64 = 62.0;
const TOP: f64 = 44.0;
const RIGHT: f64 = 20.0;
/// Height of the counts, and where they begin below the diagram.
const COUNTS: f64 = 70.0;
const BETWEEN: f64 = 26.0;
const FOOT: f64 = 46.0;
const BAR: &str = "#1f6fb4";
const GAP: &str = "#d0661c";

/// Draws the bins of the calibration error. `title` says of what; `ece` is the error.
///
/// # Errors
/// If no bin holds a prediction.
pub fn reliability_svg(title: &str, bins: &[Bin], ece: f64) -> Result<String> {
    let most = bins.iter().map(Bin::count).max().unwrap_or(0);
    ensure!(most > 0, "there are no predictions to draw");
    let height = TOP + SIDE + BETWEEN + COUNTS + FOOT;
    let mut svg = svg::open(title, [LEFT + SIDE + RIGHT, height]);
    let _ = writeln!(
        svg,
        "<text x=\"{LEFT}\" y=\"26\"><tspan font-weight=\"600\" font-size=\"13\" fill=\"#111827\">Reliability</tspan> \
         <tspan dx=\"4\">accuracy by confidence</tspan></text><text x=\"{}\" y=\"26\" text-anchor=\"end\">calibration \
         error <tspan font-weight=\"600\">{ece:.3}</tspan></text>",
        LEFT + SIDE
    );
    svg += &grid();
    let width = SIDE / bins.len() as f64;
    for (index, bin) in bins.iter().enumerate().filter(|(_, bin)| bin.count() > 0) {
        svg += &bin_svg(bin, [LEFT + index as f64 * width, width], most);
    }
    let _ = writeln!(
        svg,
        "<path d=\"M{LEFT} {}L{} {TOP}\" stroke=\"#6b7280\" stroke-width=\"1.4\" stroke-dasharray=\"6 4\"/>",
        TOP + SIDE,
        LEFT + SIDE
    );
    svg += &foot(most, height);
    Ok(svg + "</svg>\n")
}

/// Where a share lies across and upwards.
fn across(share: f64) -> f64 {
    LEFT + share * SIDE
}

fn up(share: f64) -> f64 {
    TOP + (1.0 - share) * SIDE
}

fn grid() -> String {
    let mut svg = String::new();
    for tick in [0.0, 0.2, 0.4, 0.6, 0.8, 1.0] {
        let _ = writeln!(
            svg,
            "<path d=\"M{LEFT} {0:.1}h{SIDE}\" stroke=\"#e5e7eb\"/><text x=\"{1}\" y=\"{2:.1}\" \
             text-anchor=\"end\">{3:.0} %</text>",
            up(tick),
            LEFT - 8.0,
            up(tick) + 4.0,
            100.0 * tick
        );
    }
    svg
}

/// The bar of a bin from 0 to its accuracy, how far that is from its confidence, and its count below.
fn bin_svg(bin: &Bin, [left, width]: [f64; 2], most: usize) -> String {
    let (right, sure) = (up(bin.accuracy()), up(bin.confidence()));
    let [bar, middle] = [[left + 1.0, width - 2.0], [across(bin.confidence()), 0.0]];
    let share = COUNTS * bin.count() as f64 / most as f64;
    let floor = TOP + SIDE + BETWEEN + COUNTS;
    format!(
        "<rect x=\"{0:.1}\" y=\"{right:.1}\" width=\"{1:.1}\" height=\"{2:.1}\" fill=\"{BAR}\" \
         fill-opacity=\"0.55\"/>\n<path d=\"M{3:.1} {right:.1}V{sure:.1}\" stroke=\"{GAP}\" stroke-width=\"2.2\"/>\
         <circle cx=\"{3:.1}\" cy=\"{right:.1}\" r=\"3.2\" fill=\"{GAP}\"/>\n\
         <rect x=\"{0:.1}\" y=\"{4:.1}\" width=\"{1:.1}\" height=\"{share:.1}\" fill=\"{BAR}\"/>\n",
        bar[0],
        bar[1],
        up(0.0) - right,
        middle[0],
        floor - share
    )
}

fn foot(most: usize, height: f64) -> String {
    let (floor, top) = (height - FOOT, height - FOOT - COUNTS);
    let mut svg = format!(
        "<path d=\"M{LEFT} {floor:.1}h{SIDE}\" stroke=\"#9ca3af\"/><path d=\"M{LEFT} {0:.1}h{SIDE}\" \
         stroke=\"#9ca3af\"/><text x=\"{1}\" y=\"{2:.1}\" text-anchor=\"end\">{most}</text><text x=\"{1}\" \
         y=\"{floor:.1}\" text-anchor=\"end\">0</text>\n",
        TOP + SIDE,
        LEFT - 8.0,
        top + 8.0
    );
    for tick in [0.0, 0.2, 0.4, 0.6, 0.8, 1.0] {
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{:.0} %</text>",
            across(tick),
            floor + 18.0,
            100.0 * tick
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">confidence; the lower bars count the predictions</text>",
        across(0.5),
        floor + 38.0
    );
    svg
}

#[cfg(test)]
mod tests {
    use gleaner_core::measures::eval::reliability;

    use super::*;

    #[test]
    fn a_bar_for_each_bin_that_holds_something() {
        // Confidences of 0.73 (two, one of them wrong) and 0.95.
        let bins = reliability(&[1.0, 0.0, 1.0, 0.0, 3.0, 0.0], &[0, 1, 0], 2);
        let svg = reliability_svg("digits", &bins, 0.123).unwrap();
        assert_eq!(svg.matches("fill-opacity").count(), 2);
        assert_eq!(svg.matches("stroke-dasharray").count(), 1, "the diagonal");
        // Half of them are right: halfway up.
        assert!(svg.contains(&format!("y=\"{:.1}\"", TOP + SIDE / 2.0)), "{svg}");
        assert!(svg.contains("0.123") && !svg.contains("NaN"), "{svg}");
        assert!(reliability_svg("none", &reliability(&[], &[], 2), 0.0).is_err());
    }
}
