//! Line charts as SVG: panels stacked over one horizontal axis, in a picture that any browser opens.

use std::borrow::Cow;
use std::fmt::Write as _;

use anyhow::{Result, ensure};

use super::axis::Axis;
pub use super::axis::Scale;
use super::outliers;
use super::svg::{self, escaped, number};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 66.0;
const RIGHT: f64 = 20.0;
const TITLE: f64 = 40.0;
const FOOT: f64 = 46.0;
/// Distinguishable with the common colour vision deficiencies, and dark enough on white.
const COLOURS: [&str; 7] =
    ["#1f6fb4", "#d0661c", "#2a8a57", "#8a4fa8", "#a3333d", "#0e8a8f", "#7a6a14"];
const LEVEL_COLOUR: &str = "#6b7280";
/// Height of a line of a legend that has lines of its own.
const LEGEND: f64 = 18.0;
/// What a letter takes on average, and the swatch and the space around an entry.
const LETTER: f64 = 6.4;
const ENTRY: f64 = 36.0;

/// A picture.
#[derive(Clone, Debug)]
pub struct Figure {
    /// What it is called by a screen reader.
    pub title: String,
    /// Name of the horizontal axis.
    pub x: String,
    /// Scale of the horizontal axis. On a logarithmic one the measured places are marked.
    pub scale: Scale,
    /// From top to bottom; those without a finite number are left out.
    pub panels: Vec<Panel>,
}

/// One chart of a picture.
#[derive(Clone, Debug)]
pub struct Panel {
    /// What is shown.
    pub title: Cow<'static, str>,
    /// What its numbers count.
    pub unit: &'static str,
    /// Stands behind the last value of each line in the legend, such as `" %"`.
    pub suffix: &'static str,
    /// Scale of the vertical axis.
    pub scale: Scale,
    /// A linear axis leaves no air beyond these.
    pub limits: [f64; 2],
    /// Height in pixels.
    pub height: f64,
    /// In the order of the legend.
    pub lines: Vec<Line>,
}

/// One line of a panel.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its name in the legend.
    pub name: String,
    /// Where it passes, from left to right; a value that is not finite leaves a gap.
    pub points: Vec<[f64; 2]>,
    /// Lower and upper end of the bar through each point, if there are bars.
    pub spread: Vec<[f64; 2]>,
    /// A level to compare with (a baseline): drawn dashed across the whole panel, at its last value.
    pub level: bool,
}

impl Line {
    /// A line through points.
    pub fn new(name: &str, points: Vec<[f64; 2]>) -> Self {
        Self { name: name.to_owned(), points, spread: Vec::new(), level: false }
    }

    /// A dashed level to compare with.
    pub fn level(name: &str, value: f64) -> Self {
        Self { level: true, ..Self::new(name, vec![[f64::NAN, value]]) }
    }

    /// The values that an axis of this scale makes room for.
    fn shown(&self, scale: Scale) -> Vec<f64> {
        let values: Vec<f64> = self.points.iter().map(|[_, value]| *value).collect();
        match outliers::shown(&values) {
            Some(ends) if scale == Scale::Linear && self.spread.is_empty() => ends.to_vec(),
            _ => values,
        }
    }

    /// The last finite value.
    fn last(&self) -> Option<f64> {
        self.points.iter().rev().map(|[_, value]| *value).find(|value| value.is_finite())
    }
}

impl Figure {
    /// The picture as SVG.
    ///
    /// # Errors
    /// When there is no finite number to draw, or a line does not go from left to right.
    pub fn svg(&self) -> Result<String> {
        let drawn = |panel: &&Panel| panel.lines.iter().any(|line| line.last().is_some());
        let panels: Vec<&Panel> = self.panels.iter().filter(drawn).collect();
        ensure!(!panels.is_empty(), "the metrics hold no finite number to draw");
        let places = self.places()?;
        let (Some(first), Some(last)) = (places.first(), places.last()) else {
            anyhow::bail!("there are no points to draw, only levels");
        };
        let between = [LEFT + 8.0, WIDTH - RIGHT - 8.0];
        let x = Axis::exact(*first, *last, self.scale, between);
        let legends: Vec<Legend> = panels.iter().map(|panel| Legend::of(panel)).collect();
        let above = |legend: &Legend| TITLE + LEGEND * legend.own_lines() as f64;
        let heights = panels.iter().zip(&legends).map(|(panel, own)| above(own) + panel.height);
        let height = heights.sum::<f64>() + FOOT;
        let mut svg = svg::open(&self.title, [WIDTH, height]);
        let mut top = 0.0;
        for (panel, legend) in panels.iter().zip(&legends) {
            svg += &panel_svg(panel, legend, &x, top + above(legend));
            top += above(legend) + panel.height;
        }
        let ticks: Vec<(f64, usize)> = match self.scale {
            Scale::Linear => {
                let (ticks, decimals) = x.ticks(10, 1.0);
                ticks.into_iter().map(|tick| (tick, decimals)).collect()
            }
            Scale::Logarithmic => places.into_iter().map(|place| (place, digits(place))).collect(),
        };
        svg += &foot(&x, &self.x, &ticks, height - FOOT);
        Ok(svg + "</svg>\n")
    }

    /// Every place on the horizontal axis at which something was measured, in order.
    fn places(&self) -> Result<Vec<f64>> {
        let mut places = Vec::new();
        for line in self.panels.iter().flat_map(|panel| &panel.lines).filter(|line| !line.level) {
            ensure!(
                line.points.windows(2).all(|pair| pair[0][0] < pair[1][0]),
                "the points of {:?} do not go from left to right: the file mixes several runs",
                line.name
            );
            places.extend(line.points.iter().map(|[place, _]| *place));
        }
        places.sort_by(f64::total_cmp);
        places.dedup();
        Ok(places)
    }
}

fn panel_svg(panel: &Panel, legend: &Legend, x: &Axis, top: f64) -> String {
    let (bottom, right) = (top + panel.height - 10.0, WIDTH - RIGHT);
    let values = panel.lines.iter().flat_map(|line| {
        let ends = line.spread.iter().flatten().copied();
        line.shown(panel.scale).into_iter().chain(ends)
    });
    let axis = Axis::covering(values, panel.limits, panel.scale, [bottom, top]);
    let y = |value: f64| axis.at(value).clamp(top, bottom);
    let mut svg = String::new();
    let mut outside = 0;
    for [place, value] in panel.lines.iter().flat_map(|line| &line.points) {
        if (axis.at(*value) - y(*value)).abs() > 0.5 {
            svg += &mark_svg(x.at(*place), y(*value), [top, bottom]);
            outside += 1;
        }
    }
    let unit = match outside {
        0 => panel.unit.to_owned(),
        1 => format!("{}; 1 point lies outside", panel.unit),
        _ => format!("{}; {outside} points lie outside", panel.unit),
    };
    let _ = writeln!(
        svg,
        "<text x=\"{LEFT}\" y=\"{:.1}\"><tspan font-weight=\"600\" font-size=\"13\" fill=\"#111827\">{}</tspan> \
         <tspan dx=\"4\">{unit}</tspan></text>",
        top - 12.0 - LEGEND * legend.own_lines() as f64,
        escaped(&panel.title)
    );
    let (ticks, decimals) = axis.ticks(5, 0.0);
    for tick in ticks {
        let _ = writeln!(
            svg,
            "<path d=\"M{LEFT} {0:.1}H{right}\" stroke=\"#e5e7eb\"/><text x=\"{1}\" y=\"{2:.1}\" \
             text-anchor=\"end\">{3}</text>",
            y(tick),
            LEFT - 8.0,
            y(tick) + 4.0,
            number(tick, decimals)
        );
    }
    for (index, line) in panel.lines.iter().enumerate() {
        let Some(last) = line.last() else { continue };
        svg += &match line.level {
            true => level_svg(y(last), dashes(panel, index)),
            false => line_svg(line, colour(line, index), x, &y),
        };
    }
    svg + &legend.svg(top - 12.0)
}

fn colour(line: &Line, index: usize) -> &'static str {
    if line.level { LEVEL_COLOUR } else { COLOURS[index % COLOURS.len()] }
}

/// The entries of a panel's legend, line by line: beside its title, or below that if they need more room.
struct Legend {
    lines: Vec<Vec<String>>,
    is_beside_title: bool,
}

impl Legend {
    fn of(panel: &Panel) -> Self {
        let mut lines: Vec<Vec<String>> = Vec::new();
        let (mut filled, room) = (f64::INFINITY, WIDTH - RIGHT - LEFT);
        for (index, line) in panel.lines.iter().enumerate() {
            let Some(last) = line.last() else { continue };
            let width = ENTRY + LETTER * (line.name.chars().count() + 6) as f64;
            if filled + width > room {
                lines.push(Vec::new());
                filled = 0.0;
            }
            filled += width;
            let swatch = if line.level { dashes(panel, index).1 } else { "\u{2501}" };
            let entry = legend_entry(line, last, panel.suffix, (swatch, colour(line, index)));
            lines.last_mut().into_iter().for_each(|entries| entries.push(entry.clone()));
        }
        let title = LETTER * (panel.title.chars().count() + panel.unit.chars().count()) as f64;
        let is_beside_title = lines.len() == 1 && filled + title <= room;
        Self { lines, is_beside_title }
    }

    fn own_lines(&self) -> usize {
        if self.is_beside_title { 0 } else { self.lines.len() }
    }

    /// Each line is one text, so that whatever font there is sets the entries side by side.
    fn svg(&self, bottom: f64) -> String {
        let (mut svg, right) = (String::new(), WIDTH - RIGHT);
        for (number, entries) in self.lines.iter().rev().enumerate() {
            let _ = writeln!(
                svg,
                "<text x=\"{right}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                bottom - LEGEND * number as f64,
                entries.join("\u{2003}")
            );
        }
        svg
    }
}

/// A solid line through the finite points; a dot where a point has no neighbour to be joined to, or a bar.
fn line_svg(line: &Line, colour: &str, x: &Axis, y: &dyn Fn(f64) -> f64) -> String {
    let mut svg = String::new();
    let dot = |[place, value]: [f64; 2]| {
        let (cx, cy) = (x.at(place), y(value));
        format!("<circle cx=\"{cx:.1}\" cy=\"{cy:.1}\" r=\"3\" fill=\"{colour}\"/>\n")
    };
    for (point, [low, high]) in line.points.iter().zip(&line.spread) {
        let [at, low, high] = [x.at(point[0]), y(*low), y(*high)];
        let _ = writeln!(svg, "<path d=\"M{at:.1} {low:.1}V{high:.1}\" stroke=\"{colour}\"/>");
        svg += &dot(*point);
    }
    let runs = line.points.split(|[_, value]| !value.is_finite()).filter(|run| !run.is_empty());
    for run in runs {
        if let [only] = run {
            svg += &dot(*only);
            continue;
        }
        let at = run.iter().map(|[place, value]| format!("{:.1} {:.1}", x.at(*place), y(*value)));
        let _ = writeln!(
            svg,
            "<path d=\"M{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.8\" stroke-linejoin=\"round\"/>",
            at.collect::<Vec<_>>().join("L")
        );
    }
    svg
}

/// A triangle at the edge that a point lies beyond.
fn mark_svg(x: f64, y: f64, [top, bottom]: [f64; 2]) -> String {
    let inward = if y - top < bottom - y { 6.0 } else { -6.0 };
    format!("<path d=\"M{x:.1} {y:.1}l4 {inward}h-8z\" fill=\"#4b5563\"/>\n")
}

/// How the levels of a panel are dashed, one after the other, and what stands for that in the legend.
const DASHES: [(&str, &str); 3] =
    [("6 4", "\u{2505}"), ("2 3", "\u{2508}\u{2508}"), ("14 4", "\u{254d}\u{254d}")];

/// Those of a line that is a level.
fn dashes(panel: &Panel, index: usize) -> (&'static str, &'static str) {
    let before = panel.lines[..index].iter().filter(|line| line.level).count();
    DASHES[before % DASHES.len()]
}

fn level_svg(at: f64, (dashes, _): (&str, &str)) -> String {
    let right = WIDTH - RIGHT;
    format!(
        "<path d=\"M{LEFT} {at:.1}H{right}\" stroke=\"{LEVEL_COLOUR}\" stroke-width=\"1.6\" \
         stroke-dasharray=\"{dashes}\"/>\n"
    )
}

/// Swatch, name and last value.
fn legend_entry(line: &Line, last: f64, suffix: &str, (swatch, colour): (&str, &str)) -> String {
    let value = number(last, if last.abs() < 10.0 && suffix.is_empty() { 3 } else { 1 });
    format!(
        "<tspan fill=\"{colour}\">{swatch}</tspan> {} <tspan font-weight=\"600\">{value}{suffix}</tspan>",
        escaped(&line.name)
    )
}

/// Decimals that the first digit of a number needs: each place on a logarithmic axis has its own.
fn digits(place: f64) -> usize {
    (-place.log10().floor()).clamp(0.0, 9.0) as usize
}

/// The horizontal axis, and numbers with so many decimals at its ticks.
fn foot(x: &Axis, label: &str, ticks: &[(f64, usize)], bottom: f64) -> String {
    let right = WIDTH - RIGHT;
    let mut svg = format!("<path d=\"M{LEFT} {bottom:.1}H{right}\" stroke=\"#9ca3af\"/>\n");
    for &(tick, decimals) in ticks {
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
        "<text x=\"{middle}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
        bottom + 36.0,
        escaped(label)
    );
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEIGHT: f64 = 168.0;

    fn panel(title: &'static str, lines: Vec<Line>) -> Panel {
        Panel {
            title: title.into(),
            unit: "nats per example",
            suffix: "",
            scale: Scale::Linear,
            limits: [f64::NEG_INFINITY, f64::INFINITY],
            height: HEIGHT,
            lines,
        }
    }

    fn line(name: &str, count: usize, value: impl Fn(f64) -> f64) -> Line {
        Line::new(name, (1..=count).map(|n| [n as f64, value(n as f64)]).collect())
    }

    fn run(epochs: usize) -> Figure {
        let objective = panel("Objective", vec![line("J", epochs, |t| 25.0 + 40.0 / t)]);
        let accuracy = Panel {
            suffix: " %",
            limits: [0.0, 100.0],
            ..panel(
                "Accuracy",
                vec![
                    line("semi-supervised", epochs, |t| 95.0 - 50.0 / t),
                    Line::level("supervised baseline", 84.0),
                ],
            )
        };
        let x = "epoch".to_owned();
        let panels = vec![objective, accuracy];
        Figure { title: "Curves".to_owned(), x, scale: Scale::Linear, panels }
    }

    #[test]
    fn the_picture_names_its_axes_units_and_lines() {
        let svg = run(40).svg().unwrap();
        for text in
            ["epoch", "nats per example", "semi-supervised", "93.8 %", "supervised baseline"]
        {
            assert!(svg.contains(text), "no {text:?} in\n{svg}");
        }
        assert_eq!(svg.matches("stroke-dasharray=\"6 4\"").count(), 1, "one dashed level");
        assert_eq!(svg.matches("fill=\"none\" stroke=").count(), 2, "two solid lines");
        assert!(svg.contains("fill=\"#ffffff\""), "white paper, for dark pages");
        if let Some(folder) = std::env::var_os("GLEANER_KEEP_PICTURES") {
            std::fs::write(std::path::Path::new(&folder).join("curves.svg"), svg).unwrap();
        }
    }

    fn assert_inside(svg: &str, panels: usize) {
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        let height = panels as f64 * (TITLE + HEIGHT);
        for path in svg.split("<path d=\"M").skip(1).filter(|path| path.contains("fill=\"none\"")) {
            let data = path.split('"').next().unwrap();
            for pair in data.split('L') {
                let (x, y) = pair.split_once(' ').unwrap();
                let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
                let inside = (LEFT..=WIDTH - RIGHT).contains(&x) && (0.0..=height).contains(&y);
                assert!(inside, "{pair}");
            }
        }
    }

    #[test]
    fn everything_drawn_lies_inside_the_picture() {
        assert_inside(&run(3).svg().unwrap(), 2);
        let mut powers = run(3);
        powers.scale = Scale::Logarithmic;
        for panel in &mut powers.panels {
            panel.scale = Scale::Logarithmic;
        }
        assert_inside(&powers.svg().unwrap(), 2);
    }

    #[test]
    fn a_spike_leaves_the_rest_of_a_curve_its_height() {
        let spiked = |spike: f64| {
            let mut figure = run(60);
            figure.panels[0].lines[0].points[30][1] = spike;
            figure.svg().unwrap()
        };
        let svg = spiked(4000.0);
        assert_inside(&svg, 2);
        assert!(svg.contains("nats per example; 1 point lies outside"), "{svg}");
        assert_eq!(svg.matches("h-8z").count(), 1, "a mark where it lies");
        assert!(svg.contains(">40<") && !svg.contains(">4000<"), "{svg}");
        assert!(!spiked(30.0).contains("outside"), "no spike");
    }

    #[test]
    fn a_logarithmic_axis_marks_what_was_measured_and_bars_show_the_spread() {
        let points = vec![[0.001, 0.5], [10.0, 1.0], [100.0, 9.0], [1000.0, 100.0]];
        let spread = vec![[0.4, 0.6], [0.9, 1.2], [8.0, 10.0], [90.0, 130.0]];
        let lines = vec![Line { spread, ..Line::new("step", points) }];
        let panels = vec![Panel { scale: Scale::Logarithmic, ..panel("Step", lines) }];
        let x = "classes".to_owned();
        let scale = Scale::Logarithmic;
        let svg = Figure { title: "Step".to_owned(), x, scale, panels }.svg().unwrap();
        for tick in [">0.001<", ">10<", ">100<", ">1000<"] {
            assert!(svg.contains(tick), "no {tick} in\n{svg}");
        }
        assert_eq!(svg.matches("<circle").count(), 4);
    }

    #[test]
    fn levels_can_be_told_apart() {
        let lines =
            vec![line("a", 3, |at| at), Line::level("least", 0.5), Line::level("most", 1.5)];
        let panels = vec![panel("Share", lines)];
        let (title, x) = ("Share".to_owned(), "epoch".to_owned());
        let svg = Figure { title, x, scale: Scale::Linear, panels }.svg().unwrap();
        for (dashes, swatch) in &DASHES[..2] {
            assert_eq!(svg.matches(&format!("stroke-dasharray=\"{dashes}\"")).count(), 1, "{svg}");
            assert_eq!(svg.matches(&format!(">{swatch}<")).count(), 1, "{svg}");
        }
    }

    #[test]
    fn gaps_single_points_and_markup_are_survived() {
        let mut figure = run(5);
        let objective = &mut figure.panels[0].lines[0];
        objective.points[1][1] = f64::NAN;
        objective.name = "a<b&c".to_owned();
        let svg = figure.svg().unwrap();
        assert!(
            svg.contains("<circle") && svg.contains("a&lt;b&amp;c") && !svg.contains("NaN"),
            "{svg}"
        );
        assert!(run(1).svg().unwrap().contains("<circle"));
    }

    #[test]
    fn panels_without_numbers_are_left_out() {
        let mut figure = run(5);
        figure.panels[0].lines[0].points.iter_mut().for_each(|point| point[1] = f64::NAN);
        let svg = figure.svg().unwrap();
        assert!(svg.contains("Accuracy") && !svg.contains("Objective"), "{svg}");
    }

    #[test]
    fn nothing_to_draw_is_said_in_words() {
        let mut figure = run(1);
        figure.panels[0].lines[0].points = vec![[1.0, 2.0], [1.0, 2.0]];
        assert!(figure.svg().unwrap_err().to_string().contains("left to right"));
        figure.panels.clear();
        assert!(figure.svg().unwrap_err().to_string().contains("no finite number"));
        figure.panels.push(panel("Level", vec![Line::level("baseline", 1.0)]));
        assert!(figure.svg().unwrap_err().to_string().contains("only levels"));
    }
}
