//! A folder of pictures as people have them: class folders, alone or in splits, and pictures without label beside them.

use std::path::Path;

use anyhow::{Result, bail};
use gleaner_core::data::formats::picture::PictureHead;
use gleaner_core::data::profile::LeftOut;

use super::picture_files::find;
use super::picture_findings::{Findings, refuse_alike};
use super::picture_layout::{Layout, arrange};
use super::picture_pixels::{below, common_shape, found, heads, load, pool};

pub use super::picture_pixels::{Pictures, read_pictures};

/// What a folder of pictures holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureFolder {
    /// Names of the class folders in alphabetical order.
    pub classes: Vec<String>,
    /// `[height, width, channels]` of every picture, after resizing.
    pub shape: [usize; 3],
    /// To train on: class by class, then those without a label.
    pub train: Pictures,
    /// Set aside for validation; empty if the folder has no such split.
    pub validation: Pictures,
    /// Set aside for the test; empty if the folder has no such split.
    pub test: Pictures,
    /// What is not used, and why.
    pub left_out: Vec<LeftOut>,
    /// What else was noticed, a sentence each.
    pub notes: Vec<String>,
}

/// Reads a folder of pictures: one folder for each class, found at any depth below it, or `train`, `validation` and
/// `test` folders that hold such folders. Pictures in a folder called unlabelled have no label, nor have those below
/// `unlabelled`, if given. All are brought to one shape: to `size`, height and width, or else to the most common size,
/// but not more than 64 pixels along the longer side. `workers` threads read them (0: one for each core); the result
/// does not depend on how many.
///
/// # Errors
/// If there are no class folders or only one, no pictures, or more than half of them cannot be decoded; if pictures with
/// 16 bits a channel would be nearly black, or all are the same.
pub fn read_folder(
    path: &Path,
    size: Option<[usize; 2]>,
    unlabelled: Option<&Path>,
    workers: usize,
) -> Result<PictureFolder> {
    let source = path.display();
    if !path.is_dir() {
        bail!(
            "{source}: there is no such folder; give a folder that holds one folder for each class"
        );
    }
    let (root, mut left_out) = find(path, unlabelled)?;
    if root.count() == 0 {
        bail!(
            "{source}: no pictures found{}; expected one folder for each class, with png, jpg, bmp, webp, gif, pnm or \
             tif files in it",
            found(&left_out)
        );
    }
    let mut layout = arrange(root, path)?;
    left_out.append(&mut layout.left_out);
    if let Some(more) = unlabelled {
        left_out.extend(add_unlabelled(&mut layout, path, more)?);
    }
    read(layout, left_out, size, workers, &source.to_string())
}

/// Adds the pictures below `more`; what is left out of it.
fn add_unlabelled(layout: &mut Layout, path: &Path, more: &Path) -> Result<Vec<LeftOut>> {
    let shown = more.display();
    if !more.exists() {
        bail!("{shown}: there is no such folder; give the folder of the pictures without label");
    }
    if let (Ok(path), Ok(more)) = (path.canonicalize(), more.canonicalize())
        && path.starts_with(&more)
    {
        bail!(
            "{shown}: the labelled pictures are in it too; give a folder of pictures without label alone"
        );
    }
    let (files, left_out) = below(more)?;
    if files.is_empty() {
        bail!(
            "{shown}: no pictures found{}; give a folder of pictures without label",
            found(&left_out)
        );
    }
    layout.train.extend(files.into_iter().map(|file| (file, -1)));
    Ok(left_out)
}

/// Reads the files of a layout.
fn read(
    layout: Layout,
    mut left_out: Vec<LeftOut>,
    size: Option<[usize; 2]>,
    workers: usize,
    source: &str,
) -> Result<PictureFolder> {
    let Layout { mut classes, train, validation, test, mut notes, .. } = layout;
    let pool = pool(workers)?;
    let all: Vec<&Path> = [&train, &validation, &test]
        .into_iter()
        .flatten()
        .map(|(file, _)| file.as_path())
        .collect();
    let count = all.len();
    let found = heads(&all, &pool);
    refuse_if_most(found.iter().filter_map(|head| head.as_ref().err()), count)?;
    let found: Vec<PictureHead> = found.into_iter().filter_map(Result::ok).collect();
    let (shape, said) = common_shape(&found, size)?;
    notes.extend(said);
    let mut findings = Findings::default();
    let mut split = |files| -> Result<Pictures> {
        let (pictures, more) = load(files, shape, &pool)?;
        findings.append(more);
        Ok(pictures)
    };
    let [mut train, mut validation, mut test] = [split(train)?, split(validation)?, split(test)?];
    refuse_if_most(findings.failures.iter(), count)?;
    findings.refuse_dark(source)?;
    let pixels = [&train, &validation, &test].map(|split| &split.pixels[..]);
    refuse_alike(pixels, shape.iter().product(), &findings, source)?;
    left_out.extend(findings.left_out());
    notes.extend(findings.notes());
    let gone = drop_empty(&mut classes, [&mut train, &mut validation, &mut test]);
    for class in gone {
        left_out.push(LeftOut::new(
            format!("the class {class:?}"),
            "none of its pictures can be decoded",
        ));
    }
    if classes.len() < 2 {
        bail!(
            "only the pictures of one class, {:?}, can be decoded; {}",
            classes.join(""),
            findings.failures[0]
        );
    }
    Ok(PictureFolder { classes, shape, train, validation, test, left_out, notes })
}

/// An error if more than half of `count` pictures have failed.
fn refuse_if_most<'a>(failures: impl Iterator<Item = &'a String>, count: usize) -> Result<()> {
    let failures: Vec<&String> = failures.collect();
    if let Some(first) = failures.first()
        && failures.len() * 2 > count
    {
        bail!("{} of {count} pictures cannot be decoded; the first is {first}", failures.len());
    }
    Ok(())
}

/// Takes out classes without a single picture, and numbers those that stay anew; the names of those that are gone.
fn drop_empty(classes: &mut Vec<String>, splits: [&mut Pictures; 3]) -> Vec<String> {
    let mut used = vec![false; classes.len()];
    for &label in splits.iter().flat_map(|split| &split.labels).filter(|&&label| label >= 0) {
        used[label as usize] = true;
    }
    let mut new = Vec::with_capacity(used.len());
    let mut next = 0;
    for &used in &used {
        new.push(next);
        next += i64::from(used);
    }
    for label in splits.into_iter().flat_map(|split| &mut split.labels).filter(|label| **label >= 0)
    {
        *label = new[*label as usize];
    }
    let (stay, gone) =
        std::mem::take(classes).into_iter().zip(used).partition::<Vec<_>, _>(|(_, used)| *used);
    *classes = stay.into_iter().map(|(class, _)| class).collect();
    gone.into_iter().map(|(class, _)| class).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use image::{GrayImage, Luma, Rgb, RgbImage};
    use tempfile::TempDir;

    use super::*;

    /// A folder for one test.
    struct Place(TempDir);

    impl Place {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn path(&self, name: &str) -> PathBuf {
            let path = self.0.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            path
        }

        /// A colour picture of 6 x 4 (height x width), all of whose values are `value`.
        fn picture(&self, name: &str, value: u8) -> &Self {
            RgbImage::from_pixel(4, 6, Rgb([value; 3])).save(self.path(name)).unwrap();
            self
        }

        fn pictures(&self, names: &[&str]) -> &Self {
            for (at, name) in names.iter().enumerate() {
                self.picture(name, at as u8);
            }
            self
        }

        #[allow(clippy::disallowed_methods)] // A fixture of the test's own.
        fn file(&self, name: &str, bytes: &[u8]) -> &Self {
            fs::write(self.path(name), bytes).unwrap();
            self
        }

        fn read(&self) -> PictureFolder {
            read_folder(self.0.path(), None, None, 2).unwrap()
        }

        fn error(&self) -> String {
            read_folder(self.0.path(), None, None, 2).unwrap_err().to_string()
        }

        /// Paths below the folder, with the labels.
        fn labelled<'a>(&self, pictures: &'a Pictures) -> Vec<(&'a str, i64)> {
            let files = pictures.files.iter();
            let short =
                |file: &'a PathBuf| file.strip_prefix(self.0.path()).unwrap().to_str().unwrap();
            files.map(short).zip(pictures.labels.iter().copied()).collect()
        }
    }

    fn what(folder: &PictureFolder) -> Vec<&str> {
        folder.left_out.iter().map(|left_out| left_out.what.as_str()).collect()
    }

    #[test]
    fn class_folders_are_read_at_any_depth_in_order() {
        let place = Place::new();
        place.pictures(&[
            "dogs/2.png",
            "dogs/10.png",
            "cats/b/1.PNG",
            "cats/a/deep/1.png",
            "cats/z.png",
        ]);
        let folder = place.read();
        assert_eq!(folder.classes, ["cats", "dogs"]);
        let expected = [
            ("cats/z.png", 0),
            ("cats/a/deep/1.png", 0),
            ("cats/b/1.PNG", 0),
            ("dogs/10.png", 1),
            ("dogs/2.png", 1),
        ];
        assert_eq!(place.labelled(&folder.train), expected);
        assert_eq!(folder.shape, [6, 4, 3]);
        let values: Vec<u8> =
            folder.train.pixels.chunks_exact(72).map(|pixels| pixels[71]).collect();
        assert_eq!(values, [4, 3, 2, 1, 0]);
        assert_eq!((folder.left_out, folder.notes), (vec![], vec![]));
        assert_eq!((folder.test, folder.validation), Default::default());
    }

    #[test]
    fn splits_are_read_and_their_classes_united() {
        let place = Place::new();
        place.pictures(&["Train/cats/1.png", "Train/dogs/1.png", "Train/Unlabelled/1.png"]);
        place.pictures(&["TEST/cats/1.png", "TEST/birds/1.png", "valid/dogs/1.png", "unsup/1.png"]);
        let folder = place.read();
        assert_eq!(folder.classes, ["birds", "cats", "dogs"]);
        let train = [
            ("Train/cats/1.png", 1),
            ("Train/dogs/1.png", 2),
            ("Train/Unlabelled/1.png", -1),
            ("unsup/1.png", -1),
        ];
        assert_eq!(place.labelled(&folder.train), train);
        assert_eq!(place.labelled(&folder.test), [("TEST/birds/1.png", 0), ("TEST/cats/1.png", 1)]);
        assert_eq!(place.labelled(&folder.validation), [("valid/dogs/1.png", 2)]);
        let notes = folder.notes.join("\n");
        assert!(
            notes.contains("the class \"birds\": there is no picture of it to train on"),
            "{notes}"
        );
        assert!(
            notes.contains("the class \"dogs\": there is no picture of it to test on"),
            "{notes}"
        );
        let alone = Place::new();
        alone.pictures(&["train/a/1.png", "train/b/1.png"]);
        assert_eq!(alone.read().train.labels, [0, 1]);
    }

    #[test]
    fn a_split_beside_the_classes_is_no_class_but_a_class_may_be_called_train() {
        let place = Place::new();
        place.pictures(&["cats/1.png", "dogs/1.png", "test/cats/1.png", "test/dogs/1.png"]);
        let folder = place.read();
        assert_eq!(folder.classes, ["cats", "dogs"]);
        assert_eq!((folder.train.labels, folder.test.labels), (vec![0, 1], vec![0, 1]));
        let vehicles = Place::new();
        vehicles.pictures(&["bus/1.png", "train/1.png"]);
        assert_eq!(vehicles.read().classes, ["bus", "train"]);
    }

    #[test]
    fn folders_that_look_like_splits_are_pointed_out() {
        let place = Place::new();
        place.pictures(&["part1/part1/cats/1.png", "part1/part1/dogs/1.png"]);
        place.pictures(&["part2/cats/1.png", "part2/dogs/1.png"]);
        let folder = place.read();
        assert_eq!(folder.classes, ["part1", "part2"]);
        assert!(folder.notes[0].contains("train/ and test/"), "{:?}", folder.notes);
        let nested = Place::new();
        nested.pictures(&["a/images/1.png", "b/images/1.png"]);
        assert_eq!(nested.read().notes, [""; 0]);
    }

    #[test]
    fn pictures_without_label_stay_without() {
        for name in ["unlabelled", "Unlabeled", "unsup", "UNSUPERVISED"] {
            let place = Place::new();
            place.pictures(&["a/1.png", "b/1.png", &format!("{name}/x/1.png")]);
            let folder = place.read();
            assert_eq!((folder.classes.len(), folder.train.labels), (2, vec![0, 1, -1]));
        }
    }

    #[test]
    fn another_folder_gives_more_pictures_without_label() {
        let (place, other) = (Place::new(), Place::new());
        place.pictures(&["a/1.png", "b/1.png", "test/1.png"]);
        other.pictures(&["x/1.png", "2.png"]);
        let read = |more: &Path| read_folder(place.0.path(), None, Some(more), 2);
        assert_eq!(read(other.0.path()).unwrap().train.labels, [0, 1, 2, -1, -1]);
        // A folder inside is not read twice.
        let inside = read(&place.path("test")).unwrap();
        assert_eq!((inside.classes.len(), inside.train.labels), (2, vec![0, 1, -1]));
        assert_eq!(inside.left_out, []);
        let error = read(place.0.path()).unwrap_err().to_string();
        assert!(error.contains("labelled pictures are in it too"), "{error}");
        let error = read(&place.path("nowhere")).unwrap_err().to_string();
        assert!(error.contains("nowhere"), "{error}");
    }

    #[test]
    fn what_is_not_used_is_said() {
        let place = Place::new();
        place.pictures(&["a/1.png", "b/1.png", "loose.png", ".hidden/1.png", "a/.hidden.png"]);
        place.pictures(&["__MACOSX/a/1.png", "a/@eaDir/1.png", "b/@eaDir/1.png"]);
        place.file("notes/read/me.txt", b"").file("a/x.txt", b"").file("b/IMG.HEIC", b"");
        place.file("a/Thumbs.db", b"").file("b/desktop.ini", b"").file("LICENSE", b"");
        let folder = place.read();
        assert_eq!(
            (&folder.classes[..], &folder.train.labels[..]),
            (&["a".into(), "b".into()][..], &[0, 1][..])
        );
        let expected = [
            "@eaDir (2 times)",
            "Thumbs.db",
            "__MACOSX",
            "desktop.ini",
            "1 file without an extension",
            "1 .heic file",
            "2 .txt files",
            "1 folder: \"notes\"",
            "1 picture beside the class folders",
        ];
        assert_eq!(what(&folder), expected);
        assert!(folder.left_out[5].why.contains("convert"));
        assert!(folder.left_out[8].why.contains("unlabelled/"));
    }

    #[test]
    fn pictures_of_a_test_without_classes_are_left_out() {
        let place = Place::new();
        place.pictures(&[
            "train/a/1.png",
            "train/b/1.png",
            "train/3.png",
            "test/1.png",
            "test/2.png",
        ]);
        place.pictures(&["val/a/1.png", "val/unlabeled/1.png", "more/1.png"]);
        let folder = place.read();
        assert_eq!(folder.train.labels, [0, 1]);
        assert_eq!((folder.validation.labels.len(), folder.test.labels.len()), (1, 0));
        let expected = [
            "more/: 1 picture",
            "test/: 2 pictures",
            "1 picture beside the class folders of train/",
            "val/unlabeled/: 1 picture",
        ];
        assert_eq!(what(&folder), expected);
    }

    #[test]
    fn damaged_pictures_are_left_out_unless_they_are_most() {
        let place = Place::new();
        place.pictures(&["a/2.png", "a/3.png", "b/1.png", "b/4.png"]);
        let whole = fs::read(place.path("b/4.png")).unwrap();
        // The header is whole, the rest is not; the other is no picture at all.
        place.file("a/1.png", &whole[..whole.len() - 30]).file("b/2.png", b"no picture");
        let folder = place.read();
        let expected = [("a/2.png", 0), ("a/3.png", 0), ("b/1.png", 1), ("b/4.png", 1)];
        assert_eq!(place.labelled(&folder.train), expected);
        let values: Vec<u8> =
            folder.train.pixels.chunks_exact(72).map(|pixels| pixels[0]).collect();
        assert_eq!(values, [0, 1, 2, 3]);
        assert_eq!(what(&folder), ["2 pictures"]);
        assert!(folder.left_out[0].why.contains("1.png"), "{:?}", folder.left_out);
        for at in 5..9 {
            place.file(&format!("a/{at}.png"), &whole[..whole.len() - 30]);
        }
        let error = place.error();
        assert!(error.contains("6 of 10 pictures cannot be decoded"), "{error}");
    }

    #[test]
    fn a_class_of_damaged_pictures_is_gone_with_its_number() {
        let place = Place::new();
        place.pictures(&["a/1.png", "c/1.png", "c/2.png", "unlabelled/1.png"]).file("b/1.png", b"");
        let folder = place.read();
        assert_eq!(
            (folder.classes.join(" "), folder.train.labels),
            ("a c".into(), vec![0, 1, 1, -1])
        );
        assert!(folder.left_out.iter().any(|left_out| left_out.what == "the class \"b\""));
    }

    #[test]
    fn grey_and_colour_become_colour_and_grey_alone_stays_grey() {
        let place = Place::new();
        for (name, value) in [("a/1.png", 10), ("b/1.tif", 20)] {
            GrayImage::from_pixel(4, 6, Luma([value])).save(place.path(name)).unwrap();
        }
        let folder = place.read();
        assert_eq!((folder.shape, folder.train.pixels), ([6, 4, 1], [[10; 24], [20; 24]].concat()));
        place.picture("b/2.png", 30);
        let folder = place.read();
        assert_eq!(folder.shape, [6, 4, 3]);
        assert_eq!(folder.train.pixels, [[10; 72], [20; 72], [30; 72]].concat());
        assert!(
            folder.notes[0].starts_with("2 pictures are grey and 1 in colour"),
            "{:?}",
            folder.notes
        );
    }

    #[test]
    fn all_formats_lie_side_by_side() {
        let place = Place::new();
        let names = ["a/1.png", "a/2.bmp", "a/3.gif", "a/4.ppm", "a/5.tif", "b/6.tiff", "b/7.pnm"];
        for (at, name) in names.iter().enumerate() {
            place.picture(name, at as u8 * 30);
        }
        place.picture("b/8.jpg", 7 * 30).picture("b/9.jpeg", 8 * 30);
        let folder = place.read();
        assert_eq!((folder.train.files.len(), &folder.left_out), (9, &vec![]));
        for (at, pixels) in folder.train.pixels.chunks_exact(72).enumerate() {
            assert!(
                pixels.iter().all(|value| value.abs_diff(at as u8 * 30) <= 1),
                "{at}: {pixels:?}"
            );
        }
    }

    #[test]
    fn sizes_become_one() {
        let place = Place::new();
        place.pictures(&["a/1.png", "b/1.png"]);
        RgbImage::from_fn(400, 600, |x, _| Rgb([if x < 200 { 0 } else { 200 }; 3]))
            .save(place.path("a/2.png"))
            .unwrap();
        let folder = place.read();
        assert_eq!(folder.shape, [6, 4, 3]);
        let row: Vec<u8> = folder.train.pixels[72..84].iter().step_by(3).copied().collect();
        assert!(row[0] == 0 && row[3] == 200 && row[1] < 60 && row[2] > 140, "{row:?}");
        assert!(folder.notes[0].contains("6 x 4 to 600 x 400"), "{:?}", folder.notes);
        let asked = read_folder(place.0.path(), Some([100, 90]), None, 1).unwrap();
        assert_eq!((asked.shape, asked.train.pixels.len()), ([100, 90, 3], 3 * 100 * 90 * 3));
    }

    #[test]
    fn the_result_does_not_depend_on_the_threads() {
        let place = Place::new();
        for at in 0..40u8 {
            place.picture(&format!("{}/{at}.png", if at % 3 == 0 { "a" } else { "b" }), at);
        }
        place.file("a/20.png", b"");
        let read = |workers| read_folder(place.0.path(), None, None, workers).unwrap();
        assert_eq!(read(1), read(3));
        assert_eq!(read(0), read(3));
    }

    #[test]
    fn folders_without_classes_are_refused_with_what_to_do() {
        let place = Place::new();
        assert!(place.error().contains("expected one folder for each class"), "{}", place.error());
        place.file("x/a.txt", b"");
        assert!(place.error().contains("1 .txt file"), "{}", place.error());
        place.pictures(&["1.png", "2.png"]);
        let error = place.error();
        assert!(
            error.contains("2 pictures and no class folders") && error.contains("cats"),
            "{error}"
        );
        place.pictures(&["only/one/1.png"]);
        let error = place.error();
        assert!(error.contains("only one class, \"only\""), "{error}");
        let inner = place.path("only").display().to_string();
        assert!(error.contains(&format!("give {inner}")), "{error}");
        let splits = Place::new();
        splits.pictures(&["train/1.png", "test/1.png"]);
        assert!(splits.error().contains("have no class folders"), "{}", splits.error());
        let error = read_folder(&place.path("nowhere"), None, None, 1).unwrap_err().to_string();
        assert!(error.contains("no such folder"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_but_not_in_circles() {
        use std::os::unix::fs::symlink;
        let (place, other) = (Place::new(), Place::new());
        place.picture("a/1.png", 1);
        other.picture("1.png", 2);
        symlink(other.0.path(), place.path("b")).unwrap();
        symlink(place.0.path(), place.path("a/up")).unwrap();
        symlink("nowhere", place.path("a/2.png")).unwrap();
        let folder = place.read();
        assert_eq!(place.labelled(&folder.train), [("a/1.png", 0), ("b/1.png", 1)]);
        assert_eq!(what(&folder), ["2 links: \"a/2.png\", \"a/up\""]);
    }

    #[test]
    fn pictures_are_brought_to_the_shape_of_a_model() {
        let place = Place::new();
        place.pictures(&["x/2.png", "1.png"]).file("3.png", b"").file("a.txt", b"");
        let (pictures, left_out, notes) = read_pictures(place.0.path(), [3, 2, 1], 2).unwrap();
        assert_eq!(notes, [""; 0]);
        assert_eq!(place.labelled(&pictures), [("1.png", -1), ("x/2.png", -1)]);
        assert_eq!(pictures.pixels, [[1; 6], [0; 6]].concat());
        assert_eq!(
            left_out.iter().map(|left| &left.what[..]).collect::<Vec<_>>(),
            ["1 .txt file", "1 picture"]
        );
        let (one, ..) = read_pictures(&place.path("1.png"), [6, 4, 3], 1).unwrap();
        assert_eq!(one.pixels, [1; 72]);
        let refused = |path: &Path, shape| read_pictures(path, shape, 1).unwrap_err().to_string();
        assert!(refused(&place.path("3.png"), [6, 4, 3]).contains("empty"));
        assert!(refused(&place.path("nowhere"), [6, 4, 3]).contains("nowhere"));
        assert!(refused(place.0.path(), [6, 4, 2]).contains("1 or 3 channels"));
    }

    #[test]
    fn transparent_pictures_lie_on_white_and_it_is_said() {
        let place = Place::new();
        for (name, column) in [("a/1.png", 0), ("b/1.png", 2)] {
            let ink = |x: u32, _: u32| image::Rgba([0, 0, 0, if x == column { 255 } else { 0 }]);
            image::RgbaImage::from_fn(4, 6, ink).save(place.path(name)).unwrap();
        }
        let folder = place.read();
        let row = |at: usize| &folder.train.pixels[at..at + 12];
        assert_eq!(row(0), [0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255]);
        assert_eq!(row(72), [255, 255, 255, 255, 255, 255, 0, 0, 0, 255, 255, 255]);
        let said = "2 pictures have transparent pixels, which are laid over white";
        assert_eq!(folder.notes, [said]);
        assert_eq!(read_pictures(place.0.path(), [6, 4, 3], 1).unwrap().2, [said]);
    }

    #[test]
    fn pictures_that_are_all_the_same_are_refused() {
        let place = Place::new();
        place.picture("train/a/1.png", 7).picture("train/b/1.png", 7).picture("test/a/1.png", 7);
        let error = place.error();
        assert!(error.contains("all 3 pictures are the same; give"), "{error}");
        assert!(error.starts_with(&place.0.path().display().to_string()), "{error}");
        place.picture("test/b/1.png", 8);
        assert_eq!(place.read().classes, ["a", "b"]);
        // White ink on nothing.
        let white = Place::new();
        for (name, alpha) in [("a/1.png", 0), ("b/1.png", 99)] {
            let pixel = image::Rgba([255, 255, 255, alpha]);
            image::RgbaImage::from_pixel(4, 6, pixel).save(white.path(name)).unwrap();
        }
        let error = white.error();
        assert!(error.contains("are the same (2 pictures have transparent pixels"), "{error}");
    }

    #[test]
    fn pictures_of_ten_bits_are_refused_and_of_sixteen_read() {
        let place = Place::new();
        let deep = |name: &str, value: u16| {
            let pixel = Luma([value]);
            let picture = image::ImageBuffer::<Luma<u16>, Vec<u16>>::from_pixel(4, 6, pixel);
            picture.save(place.path(name)).unwrap();
        };
        deep("a/1.png", 400);
        deep("b/1.tif", 1023);
        let error = place.error();
        assert!(error.contains("values up to 1023 of 65535"), "{error}");
        assert!(error.contains("(pixels // 4).astype(\"uint8\")"), "{error}");
        let new = |name: &str| read_pictures(&place.path(name), [6, 4, 1], 1);
        let error = new("").unwrap_err().to_string();
        assert!(error.contains("values up to 1023 of 65535") && error.contains("was trained on"));
        deep("c.png", 20_000);
        assert!(new("c.png").unwrap().2[0].ends_with("values up to 78 of 255"));
        deep("b/2.png", 65_535);
        let said =
            "3 pictures have 16 bits a channel: the upper 8 are used, values up to 255 of 255";
        let folder = place.read();
        assert_eq!(folder.train.pixels, [[2; 24], [4; 24], [255; 24]].concat());
        assert_eq!(folder.notes, [said]);
    }
}
