//! `curves.svg`: the training curves of a run as one picture that any browser opens.
//!
//! The picture is written as SVG text by hand: a chart library without a font engine cannot place text
//! better, and this way labels stay text that can be selected and searched.

mod axis;

use std::fmt::Write as _;

use anyhow::{Result, bail, ensure};

use axis::Axis;

const WIDTH: f64 = 760.0;
const LEFT: f64 = 66.0;
const RIGHT: f64 = 20.0;
const TITLE: f64 = 40.0;
const PLOT: f64 = 168.0;
const FOOT: f64 = 46.0;
/// Distinguishable with the common colour vision deficiencies, and dark enough on white.
const COLOURS: [&str; 5] = ["#1f6fb4", "#d0661c", "#2a8a57", "#8a4fa8", "#a3333d"];
const REFERENCE_COLOUR: &str = "#6b7280";
/// Average advance of 12 px sans-serif text, generous so that legend entries never overlap.
const LETTER: f64 = 6.2;

/// The panels of the picture, from top to bottom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Panel {
    /// Training objective, nats per example.
    Objective,
    /// Shares of correct answers in `[0, 1]`, drawn in percent.
    Accuracy,
    /// Classifier entropy (nats) and calibration error (a share).
    Certainty,
}

impl Panel {
    const ALL: [Self; 3] = [Self::Objective, Self::Accuracy, Self::Certainty];

    fn title(self) -> [&'static str; 2] {
        match self {
            Self::Objective => ["Training objective", "nats per example"],
            Self::Accuracy => ["Accuracy", "%"],
            Self::Certainty => ["Certainty", "entropy in nats"],
        }
    }

    fn factor(self) -> f64 {
        if self == Self::Accuracy { 100.0 } else { 1.0 }
    }

    fn limits(self) -> [f64; 2] {
        match self {
            Self::Objective => [f64::NEG_INFINITY, f64::INFINITY],
            Self::Accuracy => [0.0, 100.0],
            Self::Certainty => [0.0, f64::INFINITY],
        }
    }
}

/// One named number measured at one epoch.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Where it is drawn.
    pub panel: Panel,
    /// Its name in the legend; readings of the same panel and name form one line.
    pub name: String,
    /// Its value; a value that is not finite leaves a gap in the line.
    pub value: f64,
    /// A level to compare with (a baseline): drawn dashed across the whole panel, at its last value.
    pub reference: bool,
}

impl Reading {
    /// A point of a solid line.
    #[must_use]
    pub fn new(panel: Panel, name: &str, value: f64) -> Self {
        Self { panel, name: name.to_owned(), value, reference: false }
    }

    /// A dashed level to compare with.
    #[must_use]
    pub fn reference(panel: Panel, name: &str, value: f64) -> Self {
        Self { reference: true, ..Self::new(panel, name, value) }
    }
}

/// Everything measured at one epoch.
#[derive(Clone, Debug)]
pub struct CurvePoint {
    /// Epoch number, from 1; points come in increasing order.
    pub epoch: usize,
    /// In any order; not every epoch needs every reading.
    pub readings: Vec<Reading>,
}

/// One line of a panel, collected over the epochs.
struct Line<'a> {
    name: &'a str,
    reference: bool,
    points: Vec<[f64; 2]>,
}

impl Line<'_> {
    fn last(&self) -> f64 {
        self.points
            .iter()
            .rev()
            .map(|[_, value]| *value)
            .find(|v| v.is_finite())
            .unwrap_or(f64::NAN)
    }
}

/// Draws the curves of a run: one panel per [`Panel`] that has readings, stacked over a common epoch axis.
///
/// # Errors
/// When there are no epochs, no finite readings, or the epochs do not increase.
pub fn curves_svg(epochs: &[CurvePoint]) -> Result<String> {
    let (Some(first), Some(last)) = (epochs.first(), epochs.last()) else {
        bail!("there are no epochs to draw: the run has no metrics yet");
    };
    ensure!(
        epochs.windows(2).all(|pair| pair[0].epoch < pair[1].epoch),
        "the epochs of the metrics do not increase: the file mixes several runs"
    );
    let panels: Vec<(Panel, Vec<Line>)> = Panel::ALL
        .into_iter()
        .map(|panel| (panel, lines_of(panel, epochs)))
        .filter(|(_, lines)| lines.iter().any(|line| line.last().is_finite()))
        .collect();
    ensure!(!panels.is_empty(), "the metrics hold no finite number to draw");

    let x = Axis::exact(first.epoch as f64, last.epoch as f64, [LEFT + 8.0, WIDTH - RIGHT - 8.0]);
    let height = panels.len() as f64 * (TITLE + PLOT) + FOOT;
    let mut svg = head(height);
    for (index, (panel, lines)) in panels.iter().enumerate() {
        let top = index as f64 * (TITLE + PLOT) + TITLE;
        svg += &panel_svg(*panel, lines, &x, top);
    }
    svg += &foot(&x, height - FOOT);
    Ok(svg + "</svg>\n")
}

/// Collects the readings of `panel` into lines, in order of first appearance.
fn lines_of(panel: Panel, epochs: &[CurvePoint]) -> Vec<Line<'_>> {
    let mut lines: Vec<Line> = Vec::new();
    for point in epochs {
        for reading in point.readings.iter().filter(|reading| reading.panel == panel) {
            let at = [point.epoch as f64, reading.value * panel.factor()];
            match lines.iter_mut().find(|line| line.name == reading.name) {
                Some(line) => line.points.push(at),
                None => lines.push(Line {
                    name: &reading.name,
                    reference: reading.reference,
                    points: vec![at],
                }),
            }
        }
    }
    lines
}

fn head(height: f64) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\" font-family=\"system-ui, 'Helvetica Neue', Arial, sans-serif\" \
         font-size=\"12\" fill=\"#4b5563\">\n<title>Training curves</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    )
}

fn panel_svg(panel: Panel, lines: &[Line], x: &Axis, top: f64) -> String {
    let (bottom, right) = (top + PLOT - 10.0, WIDTH - RIGHT);
    let values = lines.iter().flat_map(|line| line.points.iter().map(|[_, value]| *value));
    let y = Axis::covering(values, panel.limits(), [bottom, top]);
    let mut svg = String::new();
    let [title, unit] = panel.title();
    let _ = writeln!(
        svg,
        "<text x=\"{LEFT}\" y=\"{:.1}\"><tspan font-weight=\"600\" font-size=\"13\" fill=\"#111827\">{title}</tspan> \
         <tspan dx=\"4\">{unit}</tspan></text>",
        top - 12.0
    );
    let (ticks, decimals) = y.ticks(5, 0.0);
    for tick in ticks {
        let _ = writeln!(
            svg,
            "<path d=\"M{LEFT} {0:.1}H{right}\" stroke=\"#e5e7eb\"/><text x=\"{1}\" y=\"{2:.1}\" \
             text-anchor=\"end\">{3}</text>",
            y.at(tick),
            LEFT - 8.0,
            y.at(tick) + 4.0,
            number(tick, decimals)
        );
    }
    let mut entry_end = right;
    for (index, line) in lines.iter().enumerate().rev() {
        let colour = if line.reference { REFERENCE_COLOUR } else { COLOURS[index % COLOURS.len()] };
        svg += &if line.reference { level_svg(line, &y) } else { line_svg(line, colour, x, &y) };
        let (entry, start) = legend_svg(panel, line, colour, entry_end, top - 12.0);
        svg += &entry;
        entry_end = start;
    }
    svg
}

/// A solid line through the finite points; a dot where a point has no neighbour to be joined to.
fn line_svg(line: &Line, colour: &str, x: &Axis, y: &Axis) -> String {
    let mut svg = String::new();
    let runs = line.points.split(|[_, value]| !value.is_finite()).filter(|run| !run.is_empty());
    for run in runs {
        let at: Vec<String> = run
            .iter()
            .map(|[epoch, value]| format!("{:.1} {:.1}", x.at(*epoch), y.at(*value)))
            .collect();
        let _ = if let [only] = at.as_slice() {
            let (cx, cy) = only.split_once(' ').unwrap_or_default();
            writeln!(svg, "<circle cx=\"{cx}\" cy=\"{cy}\" r=\"3\" fill=\"{colour}\"/>")
        } else {
            writeln!(
                svg,
                "<path d=\"M{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.8\" stroke-linejoin=\"round\"/>",
                at.join("L")
            )
        };
    }
    svg
}

fn level_svg(line: &Line, y: &Axis) -> String {
    if !line.last().is_finite() {
        return String::new();
    }
    let (at, right) = (y.at(line.last()), WIDTH - RIGHT);
    format!(
        "<path d=\"M{LEFT} {at:.1}H{right}\" stroke=\"{REFERENCE_COLOUR}\" stroke-width=\"1.6\" \
         stroke-dasharray=\"6 4\"/>\n"
    )
}

/// A legend entry that ends at `end`: swatch, name, last value. Returns where the next one may end.
fn legend_svg(panel: Panel, line: &Line, colour: &str, end: f64, baseline: f64) -> (String, f64) {
    let last = line.last();
    let unit = if panel == Panel::Accuracy { " %" } else { "" };
    let value = number(last, if last.abs() < 10.0 && unit.is_empty() { 3 } else { 1 });
    let letters = line.name.chars().count() + value.chars().count() + unit.len() + 1;
    let start = end - LETTER * letters as f64 - 22.0;
    let dash = if line.reference { " stroke-dasharray=\"5 3\"" } else { "" };
    let svg = format!(
        "<path d=\"M{start:.1} {:.1}h16\" stroke=\"{colour}\" stroke-width=\"2.4\"{dash}/>\
         <text x=\"{:.1}\" y=\"{baseline:.1}\">{} <tspan font-weight=\"600\">{value}{unit}</tspan></text>\n",
        baseline - 4.0,
        start + 21.0,
        escaped(line.name)
    );
    (svg, start - 14.0)
}

fn foot(x: &Axis, bottom: f64) -> String {
    let right = WIDTH - RIGHT;
    let mut svg = format!("<path d=\"M{LEFT} {bottom:.1}H{right}\" stroke=\"#9ca3af\"/>\n");
    let (ticks, decimals) = x.ticks(10, 1.0);
    for tick in ticks {
        let _ = writeln!(
            svg,
            "<path d=\"M{0:.1} {bottom:.1}v5\" stroke=\"#9ca3af\"/><text x=\"{0:.1}\" y=\"{1:.1}\" \
             text-anchor=\"middle\">{2}</text>",
            x.at(tick),
            bottom + 18.0,
            number(tick, decimals)
        );
    }
    let middle = (LEFT + right) / 2.0;
    let _ = writeln!(
        svg,
        "<text x=\"{middle}\" y=\"{:.1}\" text-anchor=\"middle\">epoch</text>",
        bottom + 36.0
    );
    svg
}

/// A number with a real minus sign and no negative zero.
fn number(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(digits) if digits.chars().all(|c| matches!(c, '0' | '.')) => digits.to_owned(),
        Some(digits) => format!("\u{2212}{digits}"),
        None => text,
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(epochs: usize) -> Vec<CurvePoint> {
        (1..=epochs)
            .map(|epoch| {
                let t = epoch as f64;
                CurvePoint {
                    epoch,
                    readings: vec![
                        Reading::new(Panel::Objective, "J", 25.0 + 40.0 / t),
                        Reading::new(Panel::Accuracy, "semi-supervised", 0.95 - 0.5 / t),
                        Reading::reference(Panel::Accuracy, "supervised baseline", 0.84),
                        Reading::new(Panel::Certainty, "entropy", 0.1 + 1.8 / t),
                        Reading::new(Panel::Certainty, "ECE", 0.03 + 0.2 / t),
                    ],
                }
            })
            .collect()
    }

    #[test]
    fn the_picture_names_its_axes_units_and_lines() {
        let svg = curves_svg(&run(40)).unwrap();
        for text in
            ["epoch", "nats per example", "semi-supervised", "93.8 %", "supervised baseline", "ECE"]
        {
            assert!(svg.contains(text), "no {text:?} in\n{svg}");
        }
        assert_eq!(svg.matches("stroke-dasharray=\"6 4\"").count(), 1, "one dashed level");
        assert_eq!(svg.matches("fill=\"none\" stroke=").count(), 4, "four solid lines");
        assert!(svg.contains("fill=\"#ffffff\""), "white paper, for dark pages");
        if let Some(folder) = std::env::var_os("GLEANER_KEEP_PICTURES") {
            std::fs::write(std::path::Path::new(&folder).join("curves.svg"), svg).unwrap();
        }
    }

    #[test]
    fn everything_drawn_lies_inside_the_picture() {
        let svg = curves_svg(&run(3)).unwrap();
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        for path in svg.split("<path d=\"M").skip(1).filter(|path| path.contains("fill=\"none\"")) {
            let data = path.split('"').next().unwrap();
            for pair in data.split('L') {
                let (x, y) = pair.split_once(' ').unwrap();
                let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
                assert!(
                    (LEFT..=WIDTH - RIGHT).contains(&x)
                        && (0.0..=3.0 * (TITLE + PLOT)).contains(&y),
                    "{pair}"
                );
            }
        }
    }

    #[test]
    fn gaps_single_points_and_markup_are_survived() {
        let mut epochs = run(5);
        epochs[1].readings[0].value = f64::NAN;
        epochs[0].readings[0].name = "a<b&c".to_owned();
        epochs.iter_mut().for_each(|point| point.readings[0].name = "a<b&c".to_owned());
        let svg = curves_svg(&epochs).unwrap();
        assert!(
            svg.contains("<circle") && svg.contains("a&lt;b&amp;c") && !svg.contains("NaN"),
            "{svg}"
        );
        assert!(curves_svg(&run(1)).unwrap().contains("<circle"));
    }

    #[test]
    fn panels_without_readings_are_left_out() {
        let mut epochs = run(5);
        epochs.iter_mut().for_each(|point| point.readings.retain(|r| r.panel == Panel::Accuracy));
        let svg = curves_svg(&epochs).unwrap();
        assert!(
            svg.contains("Accuracy")
                && !svg.contains("Training objective")
                && !svg.contains("Certainty")
        );
    }

    #[test]
    fn nothing_to_draw_is_said_in_words() {
        assert!(curves_svg(&[]).unwrap_err().to_string().contains("no epochs"));
        assert!(curves_svg(&[CurvePoint { epoch: 1, readings: vec![] }]).is_err());
        let twice = [run(1), run(1)].concat();
        assert!(curves_svg(&twice).unwrap_err().to_string().contains("increase"));
    }

    #[test]
    fn numbers_are_typeset() {
        assert_eq!(number(-2.5, 1), "\u{2212}2.5");
        assert_eq!(number(-0.001, 1), "0.0");
    }
}
