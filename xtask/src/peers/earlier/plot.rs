//! CPU seconds against samples, both by powers of ten.

use std::fmt::Write as _;

use super::race::{PROGRAMS, Race};
use super::results::{fractions, times};

const SIZE: [f64; 2] = [760.0, 346.0];
/// Where the axes begin and end.
const ACROSS: [f64; 2] = [74.0, 560.0];
const UP: [f64; 2] = [300.0, 40.0];
/// The colours of `gleaner`'s pictures.
const COLOURS: [&str; 4] = ["#d0661c", "#1f6fb4", "#2a8a57", "#8a4fa8"];

/// Whole powers of ten around some numbers, and where a number lies among them.
struct Axis {
    powers: [i32; 2],
    between: [f64; 2],
}

impl Axis {
    fn around(values: impl Iterator<Item = f64>, between: [f64; 2]) -> Self {
        let logs: Vec<f64> = values.map(f64::log10).collect();
        let low = logs.iter().copied().fold(f64::INFINITY, f64::min).floor() as i32;
        let high = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max).ceil() as i32;
        Self { powers: [low, high.max(low + 1)], between }
    }

    fn at(&self, value: f64) -> f64 {
        let [first, last] = self.between;
        let [low, high] = self.powers.map(f64::from);
        first + (value.log10() - low) / (high - low) * (last - first)
    }

    fn ticks(&self) -> impl Iterator<Item = (f64, String)> {
        let [low, high] = self.powers;
        (low..=high).map(|power| {
            let value = 10_f64.powi(power);
            (self.at(value), format!("{value}"))
        })
    }
}

/// A line of the picture: a program and a share.
struct Line {
    name: String,
    colour: &'static str,
    points: Vec<[f64; 2]>,
    /// Samples at which the program was stopped, and after how many CPU seconds.
    stopped: Vec<[f64; 2]>,
}

fn lines(races: &[Race]) -> Vec<Line> {
    let mut lines = Vec::new();
    for fraction in fractions(races) {
        for (name, of) in PROGRAMS {
            let stopped =
                |race: &Race| Some([race.case.samples as f64, of(race).stopped?.cpu_seconds]);
            let same = races.iter().filter(|race| race.case.fraction == fraction);
            lines.push(Line {
                name: format!("{name}, {} %", fraction * 100.0),
                colour: COLOURS[lines.len() % COLOURS.len()],
                points: times(races, fraction, of),
                stopped: same.filter_map(stopped).collect(),
            });
        }
    }
    lines
}

/// The picture. An open circle is a program that was stopped: its time lies above.
pub fn svg(races: &[Race]) -> String {
    let lines = lines(races);
    let all = || lines.iter().flat_map(|line| line.points.iter().chain(&line.stopped));
    let x = Axis::around(all().map(|[x, _]| *x), ACROSS);
    let y = Axis::around(all().map(|[_, y]| *y), UP);
    let mut svg = frame(&x, &y);
    let mut legend = UP[1] + 10.0;
    for line in &lines {
        let at = |point: &[f64; 2]| format!("{:.1} {:.1}", x.at(point[0]), y.at(point[1]));
        let path: Vec<String> = line.points.iter().map(at).collect();
        let colour = line.colour;
        if path.len() > 1 {
            let path = path.join("L");
            let _ = writeln!(
                svg,
                r#"<path d="M{path}" fill="none" stroke="{colour}" stroke-width="1.8"/>"#
            );
        }
        let circles = line.points.iter().map(|point| (point, colour));
        for ([samples, seconds], fill) in
            circles.chain(line.stopped.iter().map(|point| (point, "#ffffff")))
        {
            let (cx, cy) = (x.at(*samples), y.at(*seconds));
            let _ = writeln!(
                svg,
                r#"<circle cx="{cx:.1}" cy="{cy:.1}" r="3.5" fill="{fill}" stroke="{colour}"/>"#
            );
        }
        let _ = writeln!(
            svg,
            r#"<circle cx="584" cy="{:.1}" r="3.5" fill="{colour}"/><text x="594" y="{legend:.1}">{}</text>"#,
            legend - 4.0,
            line.name
        );
        legend += 20.0;
    }
    if lines.iter().any(|line| !line.stopped.is_empty()) {
        let _ =
            writeln!(svg, r#"<text x="580" y="{legend:.1}">open: stopped, takes longer</text>"#);
    }
    svg + "</svg>\n"
}

fn frame(x: &Axis, y: &Axis) -> String {
    let [width, height] = SIZE;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\" font-family=\"system-ui, 'Helvetica Neue', Arial, sans-serif\" \
         font-size=\"12\" fill=\"#4b5563\">\n<title>Time of a selection against samples</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"66\" y=\"24\"><tspan font-weight=\"600\" font-size=\"13\" fill=\"#111827\">Facility \
         location</tspan> <tspan dx=\"4\">CPU seconds, by program and share of the samples that is chosen</tspan></text>\n"
    );
    let ([left, right], [bottom, _]) = (ACROSS, UP);
    for (at, text) in y.ticks() {
        let _ = writeln!(
            svg,
            "<path d=\"M{left} {at:.1}H{right}\" stroke=\"#e5e7eb\"/><text x=\"{}\" y=\"{:.1}\" \
             text-anchor=\"end\">{text}</text>",
            left - 8.0,
            at + 4.0
        );
    }
    for (at, text) in x.ticks() {
        let _ = writeln!(
            svg,
            "<path d=\"M{at:.1} {bottom}v5\" stroke=\"#9ca3af\"/><text x=\"{at:.1}\" y=\"{}\" \
             text-anchor=\"middle\">{text}</text>",
            bottom + 18.0
        );
    }
    let _ = writeln!(
        svg,
        "<path d=\"M{left} {bottom}H{right}\" stroke=\"#9ca3af\"/><text x=\"{}\" y=\"{}\" \
         text-anchor=\"middle\">samples</text>",
        f64::midpoint(left, right),
        bottom + 36.0
    );
    svg
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::races;
    use super::*;

    #[test]
    fn a_power_of_ten_is_as_wide_everywhere() {
        let axis = Axis::around([12.0, 4_000.0].into_iter(), [0.0, 90.0]);
        let ticks: Vec<(f64, String)> = axis.ticks().collect();
        let texts: Vec<&str> = ticks.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["10", "100", "1000", "10000"]);
        assert!(
            ticks.iter().zip([0.0, 30.0, 60.0, 90.0]).all(|((at, _), to)| (at - to).abs() < 1e-9)
        );
    }

    #[test]
    fn the_picture_has_a_line_for_each_program_and_an_open_circle_for_what_was_stopped() {
        let svg = svg(&races());
        assert_eq!(svg.matches("fill=\"none\"").count(), 2, "{svg}");
        assert_eq!(svg.matches("fill=\"#ffffff\" stroke").count(), 1, "{svg}");
        assert!(svg.contains(">before, 10 %<") && svg.contains(">now, 10 %<"), "{svg}");
    }
}
