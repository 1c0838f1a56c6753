//! The sections of the report on what a model generates.

use anyhow::Result;
use gleaner_core::data::features::{Feature, Kind};
use gleaner_core::models::{Architecture as _, Generative as _};

use super::figures::{
    Origin, along, equal_to_data, over_classes, plane, reconstructions, samples, samples_of_rows,
    samples_of_words,
};
use super::{picture, run::Run};
use crate::pictures::picture::image_shape;
use crate::pictures::svg::escaped;

/// Test images with reconstructions.
const PAIRS: usize = 30;
/// Sizes of traversals.
const ROWS: usize = 10;
const STEPS: usize = 11;
const SIDE: usize = 15;
/// Drawn rows of a table, and of one class, at most.
const DRAWN_ROWS: usize = 24;
const DRAWN_OF_CLASS: usize = 4;

pub(super) fn drawn(run: &Run) -> Result<String> {
    if let Some(words) = run.dir.vocabulary()? {
        let seed = run.recipe.train.seed;
        let text = samples_of_words(&run.subject()?, words.words(), &run.names()?, seed)?;
        return Ok(format!("<pre>{}</pre>", escaped(&text)));
    }
    if let Some(rows) = drawn_rows(run)? {
        return Ok(rows);
    }
    let subject = run.of_images()?;
    let png = samples(&subject, run.recipe.train.seed)?;
    Ok(match subject.classifies() {
        true => picture(
            &png,
            "Samples, one row for each class",
            &format!("Samples of the model, one row for each class: {}.", run.names()?.join(", ")),
        ),
        false => picture(&png, "Samples", "Samples of the model, which has no classes."),
    })
}

/// Samples of a table; `None` of what is none, or of a table of pixels.
fn drawn_rows(run: &Run) -> Result<Option<String>> {
    let subject = run.subject()?;
    let schema = run.schema.as_ref().filter(|_| image_shape(subject.config.shape()).is_err());
    let Some((schema, header)) = schema.and_then(|schema| Some((schema, schema.header()?))) else {
        return Ok(None);
    };
    let per_class = (DRAWN_ROWS / subject.config.classes().max(1)).clamp(1, DRAWN_OF_CLASS);
    let rows = samples_of_rows(&subject, schema, per_class, run.recipe.train.seed)?;
    // Only who has the data can tell.
    let equal = run.problem().ok().map(|problem| {
        let data = [&problem.data.train, &problem.data.test];
        let equal = equal_to_data(&rows, &problem.schema, &data);
        equal_in_words(equal, rows.len(), schema.features().is_some_and(are_words))
    });
    let classes = subject.classifies();
    let table = rows_as_table(
        &class_first(header, classes),
        &rows.into_iter().map(|row| class_first(row, classes)).collect::<Vec<_>>(),
    );
    Ok(Some(format!(
        "{table}\n<p>Drawn by the model.{} <code>gleaner sample</code> draws more.</p>",
        equal.unwrap_or_default()
    )))
}

/// Whether no column has numbers.
fn are_words(features: &[Feature]) -> bool {
    features.iter().all(|feature| matches!(feature.kind, Kind::YesNo { .. } | Kind::Words { .. }))
}

/// How many of the drawn rows equal a row of the data. Where columns have few values, drawing one anew takes no learning by heart.
fn equal_in_words(equal: usize, of: usize, words: bool) -> String {
    let expected = match words && equal > 0 {
        true => ", as is to be expected where every column has few values",
        false => "",
    };
    match equal {
        0 => format!(" None of these {of} equals a row of the data."),
        1 => format!(" 1 of these {of} equals a row of the data{expected}."),
        _ => format!(" {equal} of these {of} equal a row of the data{expected}."),
    }
}

/// Cells with the class, which stands last, before the others; without it, of a model that has no classes.
fn class_first(mut cells: Vec<String>, classes: bool) -> Vec<String> {
    match classes {
        true => cells.rotate_right(1),
        false => drop(cells.pop()),
    }
    cells
}

/// Rows below a header.
fn rows_as_table(header: &[String], rows: &[Vec<String>]) -> String {
    let cells = |open: &str, close: &str, cells: &[String]| -> String {
        let cells = cells.iter().map(|cell| format!("{open}{}{close}", escaped(cell)));
        format!("<tr>{}</tr>\n", cells.collect::<String>())
    };
    let rows: String = rows.iter().map(|row| cells("<td>", "</td>", row)).collect();
    format!(
        "<div class=\"wide\" tabindex=\"0\"><table class=\"rows\">\n{}{rows}</table></div>",
        cells("<th scope=\"col\">", "</th>", header)
    )
}

pub(super) fn reconstructed(run: &Run) -> Result<String> {
    let pairs = reconstructions(&run.of_images()?, run.problem()?.shown().0, PAIRS)?;
    let caption = format!(
        "Images of the {} split above their reconstructions; mean squared error {:.3} per image.",
        run.split(),
        pairs.squared_error
    );
    Ok(picture(&pairs.png, "Images, each above its reconstruction", &caption))
}

pub(super) fn varied(run: &Run) -> Result<String> {
    let subject = run.of_images()?;
    let png = over_classes(&subject, run.origin(), ROWS)?;
    let caption = match run.origin() {
        Origin::Examples(_) => {
            "Left: images of the data. Right: the style that the model infers from each of them, in every class."
        }
        Origin::Prior(_) => "Each row shows one style, drawn from the prior, in every class.",
    };
    let mut html = picture(&png, "A row for each style, a column for each class", caption);
    if subject.model.latent() == 2 {
        let png = plane(&subject, 0, SIDE)?;
        let alt = "A grid of images over the two latent dimensions";
        html += &picture(&png, alt, "The whole plane of z for the first class.");
    }
    Ok(html)
}

pub(super) fn moved(run: &Run) -> Result<String> {
    let subject = run.of_images()?;
    let (dimension, which) = match run.variances() {
        Ok(variances) => {
            let most = (0..variances.len()).max_by(|&a, &b| variances[a].total_cmp(&variances[b]));
            (most.unwrap_or(0), ", the one that varies most over images of the data,")
        }
        Err(_) => (0, ""),
    };
    let others = match run.origin() {
        Origin::Examples(_) => "come from one image of the data",
        Origin::Prior(_) => "are one draw from their prior",
    };
    let png = along(&subject, run.origin(), dimension, STEPS)?;
    let caption = format!("Dimension {dimension}{which} from low to high; the others {others}.");
    let alt = "A row for each class, a column for each value of one latent dimension";
    Ok(picture(&png, alt, &caption))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_stands_first_and_is_left_out_where_there_is_none() {
        let cells = || ["mass", "site", "species"].map(str::to_owned).to_vec();
        assert_eq!(class_first(cells(), true), ["species", "mass", "site"]);
        assert_eq!(class_first(cells(), false), ["mass", "site"]);
    }

    #[test]
    fn rows_that_equal_the_data_are_counted_and_expected_of_words_alone() {
        assert_eq!(equal_in_words(0, 12, true), " None of these 12 equals a row of the data.");
        assert_eq!(equal_in_words(1, 12, false), " 1 of these 12 equals a row of the data.");
        let words = equal_in_words(3, 12, true);
        assert!(words.contains("3 of these 12 equal a row of the data, as is to be"), "{words}");
        let kinds = [Kind::YesNo { no: "n".into(), yes: "y".into() }, Kind::WholeNumber];
        let features = kinds.map(|kind| Feature::plain("x", kind));
        assert!(are_words(&features[..1]) && !are_words(&features));
    }
}
