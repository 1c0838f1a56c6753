//! The sections of the report on how a run tells classes apart.

use std::fmt::Write as _;

use anyhow::Result;
use gleaner_core::noise::Noise;

use super::figures::embedding;
use super::{drawing, run::Run, table};
use crate::choice::Classifier;
use crate::pictures::svg::escaped;

/// Test examples that are laid out.
const LAID_OUT: usize = 1000;
/// More classes than this have no table of confusions, only a list of the most frequent ones.
const MOST_IN_TABLE: usize = 20;

pub(super) fn laid_out(run: &Run) -> Result<String> {
    let mut noise = Noise::new(run.recipe.train.seed).split("embedding");
    let subject = run.subject()?;
    let own = (subject.config, subject.model.clone());
    let classifier = Classifier::of(&run.dir, &run.recipe, own, &run.device)?;
    let scatter = embedding(&subject, &classifier, run.problem()?, LAID_OUT, &mut noise)?;
    let crosses = match subject.classifies() {
        true => "; crosses mark examples classified as another",
        false => "",
    };
    let caption = format!(
        "Examples of the {} split that the model sees as similar lie together. Colours and names show the true classes{crosses}. \
         Distances between groups mean little.",
        run.split()
    );
    Ok(drawing(&scatter.svg()?, &caption))
}

pub(super) fn calibration(run: &Run) -> Result<String> {
    let caption = "Accuracy of the predictions by the confidence of the classifier. On the dashed line, accuracy equals \
                   confidence. The calibration error is the mean distance to this line, weighted by the counts below.";
    Ok(drawing(&run.predictions()?.reliability()?, caption))
}

pub(super) fn confusions(run: &Run) -> Result<String> {
    let counts = run.predictions()?.confusion();
    let names = run.names()?;
    let mut html = match names.len() > MOST_IN_TABLE {
        true => most_confused(&counts, &names),
        false => matrix(&counts, &names),
    };
    let problem = run.problem()?;
    let label = |&row: &usize| problem.data.train.labels[row];
    let labels: Vec<i64> = problem.split.labelled.iter().map(label).collect();
    for note in notes(&counts, &labels, problem.data.test.is_empty(), &names) {
        let _ = write!(html, "\n<p>{}</p>", escaped(&note));
    }
    Ok(html)
}

/// What to know of the counts, a sentence each. `held_out` are counts of labels that a cross-validation held out, of all the
/// `labels` that are trained on.
fn notes(counts: &[Vec<usize>], labels: &[i64], held_out: bool, names: &[String]) -> Vec<String> {
    let tested = |class: usize| counts[class].iter().sum::<usize>();
    let known = |class: usize| labels.iter().filter(|&&label| label == class as i64).count();
    let listed = |of: &dyn Fn(usize) -> bool| {
        let classes = (0..names.len()).filter(|&class| of(class));
        let classes: Vec<&str> = classes.map(|class| names[class].as_str()).collect();
        (!classes.is_empty()).then(|| classes.join(", "))
    };
    let all: usize = (0..names.len()).map(tested).sum();
    let times = all / labels.len().max(1);
    let repeated = (held_out && times > 1).then(|| {
        format!("Each example is counted {times} times, once for each time that the labels were divided.")
    });
    let single = listed(&|class| held_out && tested(class) > 0 && known(class) == 1);
    let single = single.map(|classes| {
        format!(
            "Classes of one labelled example: {classes}. While it is held out, there is none to learn the class from, so it counts as \
             wrong; that does not say how well the class is recognised."
        )
    });
    let untested = listed(&|class| tested(class) == 0)
        .map(|classes| format!("No example was left to measure on: {classes}."));
    [repeated, single, untested].into_iter().flatten().collect()
}

fn matrix(counts: &[Vec<usize>], names: &[String]) -> String {
    let head: String =
        names.iter().map(|name| format!("<th scope=\"col\">{}</th>", escaped(name))).collect();
    let mut html = format!(
        "<div class=\"wide\" tabindex=\"0\"><table class=\"confusion\"><caption>Rows: true class. Columns: \
         prediction.</caption>\n<tr><td></td>{head}</tr>\n"
    );
    for (class, (row, name)) in counts.iter().zip(names).enumerate() {
        let _ = write!(html, "<tr><th scope=\"row\">{}</th>", escaped(name));
        let all = row.iter().sum::<usize>().max(1) as f64;
        for (predicted, &count) in row.iter().enumerate() {
            let right = match (predicted == class, count) {
                (true, _) => " class=\"right\"",
                (false, 0) => " class=\"none\"",
                (false, _) => "",
            };
            let _ = write!(
                html,
                "<td{right} style=\"--share: {:.2}\">{count}</td>",
                0.8 * count as f64 / all
            );
        }
        html += "</tr>\n";
    }
    html + "</table></div>"
}

fn most_confused(counts: &[Vec<usize>], names: &[String]) -> String {
    let every = counts.iter().enumerate().flat_map(|(class, row)| {
        row.iter().enumerate().map(move |(predicted, &count)| (count, class, predicted))
    });
    let mut wrong: Vec<_> =
        every.filter(|(count, class, predicted)| *count > 0 && class != predicted).collect();
    wrong.sort_by(|a, b| b.cmp(a));
    let row = |&(count, class, predicted): &(usize, usize, usize)| {
        (format!("{} classified as {}", names[class], names[predicted]), count.to_string())
    };
    table(&wrong.iter().take(10).map(row).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_with_too_few_examples_to_be_measured_are_named() {
        let names = ["ant".to_owned(), "bee".to_owned(), "cow".to_owned()];
        let counts = [vec![5, 0, 0], vec![2, 0, 0], vec![0, 0, 0]];
        let labels = [0, 0, 0, 0, 0, 1];
        let held_out = notes(&counts, &labels, true, &names);
        assert!(held_out[0].contains("one labelled example: bee."), "{held_out:?}");
        assert_eq!(held_out[1..], ["No example was left to measure on: cow."]);
        // A test split leaves the one label to learn from.
        assert_eq!(notes(&counts, &labels, false, &names), held_out[1..]);
        assert!(notes(&counts[..1], &labels, true, &names[..1]).is_empty());
        let twice = notes(&[vec![12, 0, 0]], &labels, true, &names[..1]);
        assert!(twice[0].contains("counted 2 times"), "{twice:?}");
    }

    #[test]
    fn many_classes_have_a_list_of_confusions_instead_of_a_table() {
        let names = ["ant".to_owned(), "bee".to_owned(), "cow".to_owned()];
        let counts = [vec![5, 2, 0], vec![7, 1, 0], vec![0, 0, 9]];
        let list = most_confused(&counts, &names);
        let places = ["bee classified as ant", "ant classified as bee"].map(|text| list.find(text));
        assert!(places[0].is_some() && places[0] < places[1], "{list}");
        assert!(!list.contains("cow"));
        let table = matrix(&counts, &names);
        assert!(table.contains("<td class=\"right\" style=\"--share: 0.57\">5</td>"), "{table}");
    }
}
