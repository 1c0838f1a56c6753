//! The table of a comparison.

use super::statistics::{Ratio, median, ratio};

/// The times of one program: milliseconds of each step, by rounds.
pub struct Times {
    pub name: String,
    pub rounds: Vec<Vec<f64>>,
    /// The most memory that it had, if it says so.
    pub peak_bytes: Option<f64>,
}

impl Times {
    /// One number for each round.
    fn medians(&self) -> Vec<f64> {
        self.rounds.iter().map(|steps| median(steps)).collect()
    }

    fn cells(&self, references: &[&Self]) -> Vec<String> {
        let steps = self.rounds.concat();
        let fastest = steps.iter().copied().fold(f64::INFINITY, f64::min);
        let slowest = steps.iter().copied().fold(0.0, f64::max);
        let mut cells = vec![self.name.clone()];
        cells.extend([median(&steps), fastest, slowest].map(|time| format!("{time:.1}")));
        let peak = self.peak_bytes.map(|bytes| format!("{:.0}", bytes / f64::from(1 << 20)));
        cells.push(peak.unwrap_or_else(|| "?".to_owned()));
        for reference in references {
            let Ratio { median, interval: [low, high] } =
                ratio(&self.medians(), &reference.medians());
            cells.push(format!("{median:.3} [{low:.3}, {high:.3}]"));
        }
        cells
    }
}

/// A table in Markdown with one row for each program. Every time is also divided by those of the programs
/// named in `references`.
pub fn table(programs: &[Times], references: &[&str]) -> String {
    let mut header = ["", "median ms", "fastest", "slowest", "MiB"].map(str::to_owned).to_vec();
    header.extend(references.iter().map(|name| format!("/ {name}")));
    let references: Vec<&Times> = references
        .iter()
        .filter_map(|name| programs.iter().find(|program| program.name == *name))
        .collect();
    let mut rows = vec![header];
    rows.extend(programs.iter().map(|program| program.cells(&references)));
    aligned(rows)
}

/// A table in Markdown from its cells, the first row its header.
pub fn aligned(mut rows: Vec<Vec<String>>) -> String {
    let width =
        |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
    let rule: Vec<String> = widths.iter().map(|&width| "-".repeat(width)).collect();
    rows.insert(1, rule);
    rows.iter().map(|row| line(row, &widths)).collect()
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let cells: Vec<String> =
        cells.iter().zip(widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// The machine, as far as Linux tells: processor, cores, how busy it is.
pub fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let processors = read("/proc/cpuinfo");
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = read("/proc/loadavg");
    let load = load.split(' ').next().filter(|load| !load.is_empty()).unwrap_or("unknown");
    format!("{model}, {cores} cores, load before the start {load}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_program_has_a_row_and_each_reference_a_column() {
        let rounds = |time: f64| vec![vec![time, time, 3.0 * time]; 6];
        let programs = [
            Times { name: "ours".to_owned(), rounds: rounds(5.0), peak_bytes: None },
            Times { name: "theirs".to_owned(), rounds: rounds(10.0), peak_bytes: Some(3e6) },
        ];
        let expected = "\
|        | median ms | fastest | slowest | MiB | / theirs             |
| ------ | --------- | ------- | ------- | --- | -------------------- |
| ours   | 5.0       | 5.0     | 15.0    | ?   | 0.500 [0.500, 0.500] |
| theirs | 10.0      | 10.0    | 30.0    | 3   | 1.000 [1.000, 1.000] |
";
        assert_eq!(table(&programs, &["theirs"]), expected);
    }
}
