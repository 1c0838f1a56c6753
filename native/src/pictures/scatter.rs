//! Points of several classes on a plane, as SVG: a colour for each class, a cross for what was classified as another.

use std::fmt::Write as _;

use anyhow::{Result, ensure};

use super::svg::{self, escaped};

const SIDE: f64 = 560.0;
const LEGEND: f64 = 170.0;
const HEAD: f64 = 40.0;
const EDGE: f64 = 14.0;
/// Line height of the legend.
const LINE: f64 = 22.0;
/// About how wide a letter of a name is.
const LETTER: f64 = 7.0;
/// Room for a name is looked for on so many circles around its class, so far apart.
const RINGS: u32 = 24;
const STEP: f64 = 8.0;
/// More classes than this have no legend: their names stand among the points.
const MOST_IN_LEGEND: usize = 22;
/// Far apart for the common colour vision deficiencies in the order in which they are used; names among the
/// points carry the rest.
const COLOURS: [&str; 12] = [
    "#1f6fb4", "#e07b1a", "#2a8a57", "#c0392b", "#8a4fa8", "#0fa3b1", "#d6569b", "#8c6239",
    "#7f8c9b", "#a3a71b", "#3f51d1", "#e3a008",
];

/// A picture.
#[derive(Clone, Debug)]
pub struct Scatter {
    /// What it is called by a screen reader, and at its head.
    pub title: String,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// In any order.
    pub points: Vec<Point>,
}

/// An example.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Where it lies; only distances matter.
    pub at: [f64; 2],
    /// The class that it is of.
    pub class: usize,
    /// Whether it was classified as another one.
    pub wrong: bool,
}

impl Scatter {
    /// The picture as SVG.
    ///
    /// # Errors
    /// If there are no points, or one lies nowhere.
    pub fn svg(&self) -> Result<String> {
        ensure!(!self.points.is_empty(), "there are no points to draw");
        let finite = self.points.iter().all(|point| point.at.iter().all(|v| v.is_finite()));
        ensure!(finite, "a point is not a number: the model has diverged; lower the learning rate");
        let place = Place::of(&self.points);
        let mut svg = svg::open(&self.title, [SIDE + LEGEND, HEAD + SIDE]);
        let _ = writeln!(
            svg,
            "<text x=\"{EDGE}\" y=\"26\" font-weight=\"600\" font-size=\"13\" fill=\"#111827\">{}</text>",
            escaped(&self.title)
        );
        let (lines, names) = self.names(&place);
        svg += &lines;
        // What is wrong is what one looks for, so it lies on top.
        for point in self.points.iter().filter(|point| !point.wrong) {
            let ([x, y], colour) = (place.at(point.at), colour(point.class));
            let _ = writeln!(
                svg,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.4\" fill=\"{colour}\" fill-opacity=\"0.85\"/>"
            );
        }
        for point in self.points.iter().filter(|point| point.wrong) {
            svg += &cross(place.at(point.at), colour(point.class));
        }
        svg += &names;
        svg += &self.legend();
        Ok(svg + "</svg>\n")
    }

    /// Names where they cover the fewest points, and lines to them from the middles of their classes.
    fn names(&self, place: &Place) -> (String, String) {
        let points: Vec<[f64; 2]> = self.points.iter().map(|point| place.at(point.at)).collect();
        let (mut lines, mut names) = (String::new(), String::new());
        let mut taken = Vec::new();
        for (class, name) in self.classes.iter().enumerate() {
            let Some(middle) = self.middle(class).map(|middle| place.at(middle)) else { continue };
            let name_box = free_box(middle, name, &points, &taken);
            let [x, y] = name_box.middle;
            let _ = writeln!(
                lines,
                "<path d=\"M{:.1} {:.1}L{x:.1} {y:.1}\" stroke=\"{}\" stroke-opacity=\"0.5\"/>",
                middle[0],
                middle[1],
                colour(class)
            );
            names += &name_svg(name_box.middle, name);
            taken.push(name_box);
        }
        (lines, names)
    }

    /// The median of a class's points, coordinate by coordinate; `None` if it has none.
    fn middle(&self, class: usize) -> Option<[f64; 2]> {
        let of_class = || self.points.iter().filter(|point| point.class == class);
        let median = |coordinate: usize| {
            let mut values: Vec<f64> = of_class().map(|point| point.at[coordinate]).collect();
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied()
        };
        Some([median(0)?, median(1)?])
    }

    fn legend(&self) -> String {
        let wrong = self.points.iter().filter(|point| point.wrong).count();
        let mut svg = String::new();
        let x = SIDE + 12.0;
        let mut y = HEAD + EDGE;
        let named = if self.classes.len() > MOST_IN_LEGEND { &[][..] } else { &self.classes };
        for (class, name) in named.iter().enumerate() {
            let _ = writeln!(
                svg,
                "<circle cx=\"{x}\" cy=\"{:.1}\" r=\"4.5\" fill=\"{}\"/><text x=\"{}\" y=\"{y:.1}\">{}</text>",
                y - 4.0,
                colour(class),
                x + 12.0,
                escaped(name)
            );
            y += LINE;
        }
        if wrong > 0 {
            y += LINE / 2.0;
            svg += &cross([x, y - 4.0], "#4b5563");
            let count = self.points.len();
            let _ = writeln!(
                svg,
                "<text x=\"{}\" y=\"{y:.1}\">classified as another</text><text x=\"{}\" y=\"{:.1}\">class: {wrong} of \
                 {count}</text>",
                x + 12.0,
                x + 12.0,
                y + 16.0
            );
        }
        svg
    }
}

fn colour(class: usize) -> &'static str {
    COLOURS[class % COLOURS.len()]
}

/// A cross on white, so that it is seen among points of its own colour.
fn cross([x, y]: [f64; 2], colour: &str) -> String {
    let arms = format!("M{:.1} {:.1}l8 8m0 -8l-8 8", x - 4.0, y - 4.0);
    format!(
        "<path d=\"{arms}\" stroke=\"#ffffff\" stroke-width=\"4.5\"/><path d=\"{arms}\" stroke=\"{colour}\" \
         stroke-width=\"2.2\"/>\n"
    )
}

fn name_svg([x, y]: [f64; 2], name: &str) -> String {
    format!(
        "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" font-weight=\"600\" fill=\"#111827\" stroke=\"#ffffff\" \
         stroke-width=\"3\" stroke-linejoin=\"round\" paint-order=\"stroke\">{}</text>\n",
        y + 4.0,
        escaped(name)
    )
}

/// The room that a name takes.
#[derive(Clone, Copy, Debug)]
struct NameBox {
    middle: [f64; 2],
    /// Half of its width and height.
    half: [f64; 2],
}

impl NameBox {
    fn of(name: &str, middle: [f64; 2]) -> Self {
        Self { middle, half: [0.5 * LETTER * name.chars().count() as f64 + 4.0, 10.0] }
    }

    fn holds(&self, point: [f64; 2]) -> bool {
        (0..2).all(|axis| (point[axis] - self.middle[axis]).abs() < self.half[axis])
    }

    fn meets(&self, other: &Self) -> bool {
        let apart = |axis: usize| (self.middle[axis] - other.middle[axis]).abs();
        (0..2).all(|axis| apart(axis) < self.half[axis] + other.half[axis])
    }

    fn is_inside(&self) -> bool {
        let [x, y] = self.middle;
        let [width, height] = self.half;
        x >= width && x + width <= SIDE && y >= HEAD + height && y + height <= HEAD + SIDE
    }
}

/// Room for a name around the middle of its class: the nearest that covers nothing or, in a crowd, the one that covers least.
fn free_box(middle: [f64; 2], name: &str, points: &[[f64; 2]], taken: &[NameBox]) -> NameBox {
    let around = (0..RINGS).flat_map(|ring| {
        let (radius, places) = (f64::from(ring) * STEP, if ring == 0 { 1 } else { 24 });
        (0..places).map(move |place| {
            let (sine, cosine) = (std::f64::consts::TAU * f64::from(place) / 24.0).sin_cos();
            [middle[0] + radius * cosine, middle[1] - radius * sine]
        })
    });
    let covered = |room: &NameBox| {
        // A name on a name makes both unreadable, and outside there is nothing to be seen.
        let lost = !room.is_inside() || taken.iter().any(|other| room.meets(other));
        let points = points.iter().filter(|point| room.holds(**point)).count();
        points + if lost { 1000 } else { 0 }
    };
    let mut best = (NameBox::of(name, middle), usize::MAX);
    for room in around.map(|at| NameBox::of(name, at)) {
        let covers = covered(&room);
        if covers < best.1 {
            best = (room, covers);
        }
        if covers == 0 {
            break;
        }
    }
    best.0
}

/// Where points lie in the picture: centred, and as large as fits.
struct Place {
    middle: [f64; 2],
    scale: f64,
}

impl Place {
    fn of(points: &[Point]) -> Self {
        let range = |coordinate: usize| {
            let values = points.iter().map(|point| point.at[coordinate]);
            values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], v| {
                [low.min(v), high.max(v)]
            })
        };
        let ranges = [range(0), range(1)];
        let widest = ranges.iter().fold(0.0, |widest: f64, [low, high]| widest.max(high - low));
        Self {
            middle: ranges.map(|[low, high]| (low + high) / 2.0),
            scale: if widest > 0.0 { (SIDE - 2.0 * EDGE) / widest } else { 1.0 },
        }
    }

    fn at(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let from_middle = [x - self.middle[0], y - self.middle[1]].map(|v| v * self.scale);
        [SIDE / 2.0 + from_middle[0], HEAD + SIDE / 2.0 - from_middle[1]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scatter(points: Vec<Point>) -> Scatter {
        let classes = vec!["cat".to_owned(), "<dog>".to_owned()];
        Scatter { title: "Two".to_owned(), classes, points }
    }

    #[test]
    fn every_point_has_a_mark_of_its_class_and_wrong_ones_a_cross() {
        let point = |x: f64, class, wrong| Point { at: [x, -x], class, wrong };
        let svg = scatter(vec![point(-3.0, 0, false), point(1.0, 1, false), point(5.0, 1, true)]);
        let svg = svg.svg().unwrap();
        assert_eq!(svg.matches("r=\"2.4\"").count(), 2);
        assert!(svg.contains(COLOURS[0]) && svg.contains("&lt;dog&gt;"), "{svg}");
        assert!(svg.contains("class: 1 of 3"), "{svg}");
        assert!(svg.contains("cx=\"14.0\" cy=\"54.0\""), "the first point lies at the edge: {svg}");
    }

    #[test]
    fn names_cover_no_points_and_no_names() {
        // Two crowds beside each other, each wider than its name, and a third class without points.
        let crowd = |class: usize| {
            (0..400).map(move |place: usize| {
                let at = [(place % 20) as f64 + 24.0 * class as f64, (place / 20) as f64];
                Point { at, class, wrong: false }
            })
        };
        let mut scatter = scatter(crowd(0).chain(crowd(1)).collect());
        scatter.classes.push("none".to_owned());
        let place = Place::of(&scatter.points);
        let points: Vec<[f64; 2]> = scatter.points.iter().map(|point| place.at(point.at)).collect();
        let first = free_box(place.at([9.5, 9.5]), "cat", &points, &[]);
        let second = free_box(place.at([9.5, 9.5]), "cat", &points, &[first]);
        for room in [first, second] {
            assert!(room.is_inside() && !points.iter().any(|point| room.holds(*point)), "{room:?}");
        }
        assert!(!first.meets(&second), "{first:?} {second:?}");
        let alone = free_box([100.0, 100.0], "cat", &[], &[]);
        assert_eq!(alone.middle, [100.0, 100.0], "nothing is in the way");
        let (lines, names) = scatter.names(&place);
        assert_eq!([lines.lines().count(), names.lines().count()], [2, 2]);
    }

    #[test]
    fn a_single_point_is_drawn_and_none_or_nan_refused() {
        let point = Point { at: [2.0, 2.0], class: 0, wrong: false };
        assert!(!scatter(vec![point]).svg().unwrap().contains("NaN"));
        assert!(scatter(Vec::new()).svg().is_err());
        let nowhere = Point { at: [f64::NAN, 0.0], ..point };
        assert!(scatter(vec![nowhere]).svg().unwrap_err().to_string().contains("diverged"));
    }
}
