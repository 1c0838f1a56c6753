//! Folders of pictures: which folders are classes, which files are pictures, what becomes of sizes and colours.

use std::io::Cursor;

use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage};

use super::Home;

/// A grey picture of one of three kinds, number `row`: a bright band in its upper, middle or lower third.
fn grey(row: usize, [height, width]: [u32; 2]) -> DynamicImage {
    let band = (row % 3) as u32;
    let value = move |x: u32, y: u32| match y * 3 / height == band {
        true => 200 + (x * 7 + row as u32 * 13) as u8 % 50,
        false => (x * 5 + y * 3 + row as u32 * 11) as u8 % 40,
    };
    GrayImage::from_fn(width, height, |x, y| Luma([value(x, y)])).into()
}

fn colour(row: usize, size: [u32; 2]) -> DynamicImage {
    let grey = grey(row, size).to_luma8();
    RgbImage::from_fn(size[1], size[0], |x, y| {
        let value = grey.get_pixel(x, y).0[0];
        Rgb([value, value / 2, 255 - value])
    })
    .into()
}

fn coded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    picture.write_to(&mut out, format).unwrap();
    out.into_inner()
}

fn png(picture: &DynamicImage) -> Vec<u8> {
    coded(picture, ImageFormat::Png)
}

const ANIMALS: [&str; 3] = ["cats", "dogs", "owls"];

/// Twelve grey pictures of each kind, in a folder of each.
pub fn animals(home: &Home, folder: &str) {
    for row in 0..36 {
        home.write(&format!("{folder}/{}/{row}.png", ANIMALS[row % 3]), png(&grey(row, [9, 9])));
    }
}

#[test]
fn a_folder_of_pictures_without_labels_is_no_class() {
    let home = Home::new();
    for name in ["unlabeled", "Unlabelled"] {
        animals(&home, name);
        for row in 0..7 {
            home.write(&format!("{name}/{name}/{row}.png"), png(&grey(row, [9, 9])));
        }
        let seen = home.show(name, &[]);
        assert_eq!((seen.classes(), seen.unlabelled()), ("cats 12, dogs 12, owls 12".into(), 7));
    }
    animals(&home, "photos");
    (0..5).for_each(|row| home.write(&format!("more/{row}.png"), png(&grey(row, [9, 9]))));
    let seen = home.show("photos", &["--unlabelled", &home.path("more")]);
    assert_eq!((seen.classes(), seen.unlabelled()), ("cats 12, dogs 12, owls 12".into(), 5));
    let summary = home
        .train("photos", "run", &["--folds=2", "--unlabelled", &home.path("more")])
        .done()
        .json();
    assert_eq!((&summary["labels"], &summary["unlabelled"]), (&36.into(), &41.into()));
}

#[test]
fn grey_and_coloured_pictures_of_several_sizes_go_together() {
    let home = Home::new();
    for row in 0..24 {
        let picture =
            if row % 4 == 0 { grey(row, [9, 9]) } else { colour(row, [9, 9 + row as u32 % 2]) };
        home.write(&format!("mixed/{}/{row}.png", ANIMALS[row % 3]), png(&picture));
    }
    let seen = home.show("mixed", &[]);
    assert_eq!(seen.classes(), "cats 8, dogs 8, owls 8");
    assert!(seen.notes("6 pictures are grey and 18 in colour"), "{seen:?}");
    assert!(seen.notes("different sizes") && seen.notes("--size"), "{seen:?}");
    let seen = home.show("mixed", &["--size", "6x5"]);
    assert!(seen.features().ends_with("90 pixel"), "{seen:?}");
    home.train("mixed", "run", &["--folds=2", "--size=6x5"]).done();
    assert_eq!(sampled_shape(&home), [3, 6, 5, 3]);
}

fn sampled_shape(home: &Home) -> Vec<usize> {
    home.call(&["sample", &home.path("run"), "--per-class", "1", "--out", &home.path("s.npz")])
        .done();
    home.array("s.npz", "x").shape
}

#[test]
fn folders_called_train_and_test_are_splits() {
    let home = Home::new();
    for (row, split) in (0..36).zip(["train", "train", "train", "test"].into_iter().cycle()) {
        home.write(
            &format!("parted/{split}/{}/{row}.png", ANIMALS[row % 3]),
            png(&grey(row, [9, 9])),
        );
    }
    let seen = home.show("parted", &[]);
    assert_eq!(
        (seen.classes(), &seen.0["splits"]["test"]),
        ("cats 9, dogs 9, owls 9".into(), &9.into())
    );
    let summary = home.train("parted", "run", &[]).done().json();
    assert_eq!(
        (&summary["labels"], &summary["tested"], summary.get("folds")),
        (&27.into(), &9.into(), None)
    );
}

#[test]
fn what_operating_systems_leave_is_no_class() {
    let home = Home::new();
    animals(&home, "photos");
    for junk in [
        "__MACOSX/cats/._1.png",
        "@eaDir/1.png",
        ".DS_Store",
        "cats/.DS_Store",
        "cats/._3.png",
        "dogs/Thumbs.db",
    ] {
        home.write(&format!("photos/{junk}"), "no picture");
    }
    let seen = home.show("photos", &[]);
    assert_eq!(seen.classes(), "cats 12, dogs 12, owls 12");
    assert!(
        seen.left_out().contains("__MACOSX: ") && seen.left_out().contains("@eaDir: "),
        "{seen:?}"
    );
    // An empty folder and what is no picture are named.
    std::fs::create_dir(home.path("photos/newts")).unwrap();
    home.write("photos/dogs/notes.txt", "good dogs");
    let left_out = home.show("photos", &[]).left_out();
    assert!(left_out.contains("newts") && left_out.contains(".txt"), "{left_out}");
}

#[test]
fn every_format_is_read_and_none_is_skipped() {
    let home = Home::new();
    let formats = [
        ("tif", ImageFormat::Tiff),
        ("png", ImageFormat::Png),
        ("JPG", ImageFormat::Jpeg),
        ("bmp", ImageFormat::Bmp),
        ("gif", ImageFormat::Gif),
    ];
    for row in 0..30 {
        let (ending, format) = formats[row % 5];
        let picture = if ending == "gif" {
            DynamicImage::from(colour(row, [9, 9]).to_rgba8())
        } else {
            grey(row, [9, 9])
        };
        home.write(
            &format!("formats/{}/{row}.{ending}", ANIMALS[row % 3]),
            coded(&picture, format),
        );
    }
    let seen = home.show("formats", &[]);
    assert_eq!(
        (seen.classes(), seen.left_out()),
        ("cats 10, dogs 10, owls 10".into(), String::new())
    );
    home.write("formats/cats/broken.png", &png(&grey(0, [9, 9]))[..40]);
    let path = home.path("formats");
    let said = home.call(&["data", "show", &path, "--json"]);
    // Refused or left out, but named in any case.
    assert!(format!("{}{}", said.stdout, said.stderr).contains("broken.png"), "{said:?}");
}

#[test]
fn pictures_in_one_folder_are_answered_with_what_to_do() {
    let home = Home::new();
    (0..6).for_each(|row| home.write(&format!("flat/cat_{row}.png"), png(&grey(row, [9, 9]))));
    assert!(
        home.refused("flat", &[])
            .contains("put the pictures of each class into a folder of its own")
    );
    animals(&home, "deep/photos");
    assert!(home.refused("deep", &[]).contains("if these are the classes, give deep/photos"));
}

#[test]
fn new_pictures_are_brought_to_the_size_and_colours_of_the_run() {
    let home = Home::new();
    animals(&home, "photos");
    home.trained("photos", "run");
    let predict = |input: &str| {
        let [run, input, out] = ["run", input, "p.csv"].map(|name| home.path(name));
        home.call(&["predict", &run, &input, "--out", &out, "--json"]).done().json()
    };
    assert_eq!(predict("photos")["rows"], 36);
    let of_photos = home.text("p.csv");
    // The same pictures twice as large, in colour, without folders of classes.
    for row in 0..36 {
        let twice = grey(row, [9, 9]).resize_exact(18, 18, image::imageops::FilterType::Nearest);
        home.write(&format!("new/{row}.png"), png(&DynamicImage::from(twice.to_rgb8())));
    }
    assert_eq!(predict("new")["rows"], 36);
    let of_new = home.text("p.csv");
    let classes = |text: &str| {
        let row = |line: &str| {
            let cells: Vec<&str> = line.split(',').collect();
            let number: usize =
                cells[0].rsplit('/').next().unwrap().trim_end_matches(".png").parse().unwrap();
            (number, cells[1].to_owned())
        };
        let mut rows: Vec<_> = text.lines().skip(1).map(row).collect();
        rows.sort();
        rows
    };
    assert_eq!(classes(&of_photos), classes(&of_new));
    assert!(of_new.starts_with("file,class,entropy,p_cats,p_dogs,p_owls\n"), "{of_new}");
    assert_eq!(predict("new/3.png")["rows"], 1);
}
