//! Which folders of a folder of pictures are classes, which are splits, and which hold pictures without label.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use gleaner_core::data::profile::LeftOut;
use gleaner_core::data::table::shortened;

use super::picture_files::{Folder, counted};

const UNLABELLED: [&str; 4] = ["unlabelled", "unlabeled", "unsup", "unsupervised"];

/// Files with their labels, in the order of the classes.
pub(super) type Labelled = Vec<(PathBuf, i64)>;

/// What every file is for.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// In alphabetical order.
    pub classes: Vec<String>,
    /// To train on; -1 without a label.
    pub train: Labelled,
    /// For validation.
    pub validation: Labelled,
    /// For the test.
    pub test: Labelled,
    /// Pictures that have no place.
    pub left_out: Vec<LeftOut>,
    /// What is to be looked at again.
    pub notes: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Split {
    Train,
    Validation,
    Test,
}

impl Split {
    /// What a folder is by its name: `train`, `Test`, `valid`, also `train_set` and `test-images`.
    fn of(name: &str) -> Option<Self> {
        let lower = name.to_lowercase();
        let mut words = lower.split(['_', '-', ' ', '.']);
        let first = words.next()?;
        if !words.all(|word| ["set", "data", "images", "pictures", "split"].contains(&word)) {
            return None;
        }
        match first {
            "train" | "training" | "trainset" => Some(Self::Train),
            "val" | "valid" | "validation" => Some(Self::Validation),
            "test" | "testing" | "testset" => Some(Self::Test),
            _ => None,
        }
    }
}

fn is_unlabelled(name: &str) -> bool {
    UNLABELLED.contains(&name.to_lowercase().as_str())
}

/// The names of the folders in which all pictures of a folder lie, where there is more than one way to go down.
fn parting(folder: &Folder) -> Vec<String> {
    match &folder.folders[..] {
        _ if !folder.files.is_empty() => Vec::new(),
        [only] => parting(only),
        several => several.iter().map(|folder| folder.name.clone()).collect(),
    }
}

/// The pictures of each class in train, validation and test.
#[derive(Default)]
struct Sorter {
    classes: BTreeMap<String, [Vec<PathBuf>; 3]>,
    unlabelled: Vec<PathBuf>,
    left_out: Vec<LeftOut>,
    notes: Vec<String>,
    /// The folders that were splits.
    splits: Vec<(Split, String)>,
    /// Of class folders that hold no pictures themselves, the names of the folders that do.
    inner: BTreeMap<String, Vec<String>>,
}

/// Says what every file is for.
///
/// # Errors
/// If there are no class folders, or only one.
pub(super) fn arrange(root: Folder, path: &Path) -> Result<Layout> {
    let source = path.display();
    let train = |folder: &Folder| Split::of(&folder.name) == Some(Split::Train);
    let mut sorter = Sorter::default();
    let count = root.count();
    if root.folders.iter().any(|folder| train(folder) && !folder.folders.is_empty()) {
        sorter.take_splits(root);
    } else {
        let named: Vec<&Folder> =
            root.folders.iter().filter(|folder| !is_unlabelled(&folder.name)).collect();
        if let Some(first) = named.first()
            && named.iter().all(|folder| Split::of(&folder.name).is_some())
        {
            bail!(
                "{source}: the splits {} have no class folders to train on; put the pictures of each class into a \
                 folder of its own below train/ (train/cats/, train/dogs/){}",
                shortened(named.iter().map(|folder| folder.name.as_str())),
                if named.len() == 1 && !first.folders.is_empty() {
                    format!(", or give {}", path.join(&first.name).display())
                } else {
                    String::new()
                }
            );
        }
        sorter.take_classes_and_tests(root);
    }
    if sorter.classes.is_empty() {
        bail!(
            "{source}: {} and no class folders; put the pictures of each class into a folder of its own ({})",
            counted(count, "picture", "pictures"),
            path.join("cats").display()
        );
    }
    if let Some((class, pictures)) = sorter.classes.first_key_value()
        && sorter.classes.len() == 1
    {
        bail!("{source}: only one class, {class:?}; {}", one_class(path, class, &pictures[0]));
    }
    sorter.look_again();
    Ok(sorter.layout())
}

/// What to do about a single class: what is below it may be the classes.
fn one_class(path: &Path, class: &str, pictures: &[PathBuf]) -> String {
    let inside = path.join(class);
    let deeper = pictures.iter().any(|file| {
        file.parent().is_some_and(|parent| parent != inside && parent.starts_with(&inside))
    });
    if deeper {
        format!("there are folders in it: if these are the classes, give {}", inside.display())
    } else {
        "put the pictures of each class into a folder of its own, and give the folder that holds these folders".into()
    }
}

impl Sorter {
    /// `train/` and what is beside it.
    fn take_splits(&mut self, root: Folder) {
        self.leave_loose(root.files.len(), "");
        for folder in root.folders {
            if let Some(split) = Split::of(&folder.name) {
                self.take_split(folder, split);
            } else if is_unlabelled(&folder.name) {
                self.unlabelled.extend(folder.pictures());
            } else {
                let pictures = counted(folder.count(), "picture", "pictures");
                let why = "beside train/, and neither validation/, test/ nor unlabelled/";
                self.left_out.push(LeftOut::new(format!("{}/: {pictures}", folder.name), why));
            }
        }
    }

    /// The classes of a split.
    fn take_split(&mut self, split_folder: Folder, split: Split) {
        let Folder { name, files, folders } = split_folder;
        if folders.is_empty() && split != Split::Train {
            let what = format!("{name}/: {}", counted(files.len(), "picture", "pictures"));
            let why = "without class folders nothing can be tested on them; give the folder as unlabelled pictures to \
                       train on them";
            self.left_out.push(LeftOut::new(what, why));
            return;
        }
        self.leave_loose(files.len(), &format!("{name}/"));
        for folder in folders {
            if !is_unlabelled(&folder.name) {
                self.take_class(folder, split);
            } else if split == Split::Train {
                self.unlabelled.extend(folder.pictures());
            } else {
                let pictures = counted(folder.count(), "picture", "pictures");
                let what = format!("{name}/{}/: {pictures}", folder.name);
                self.left_out
                    .push(LeftOut::new(what, "without a label nothing can be tested on them"));
            }
        }
        self.splits.push((split, name));
    }

    /// Class folders, and beside them perhaps splits that hold folders of the same names.
    fn take_classes_and_tests(&mut self, root: Folder) {
        self.leave_loose(root.files.len(), "");
        let may_be_split =
            |folder: &Folder| Split::of(&folder.name).is_some() && !folder.folders.is_empty();
        let classes: Vec<String> = root
            .folders
            .iter()
            .filter(|folder| !may_be_split(folder))
            .map(|folder| folder.name.clone())
            .collect();
        let known = |folder: &Folder| classes.contains(&folder.name);
        for folder in root.folders {
            if is_unlabelled(&folder.name) {
                self.unlabelled.extend(folder.pictures());
            } else if let Some(split) = Split::of(&folder.name)
                && may_be_split(&folder)
                && folder.folders.iter().all(known)
            {
                self.take_split(folder, split);
            } else {
                self.take_class(folder, Split::Train);
            }
        }
    }

    fn take_class(&mut self, folder: Folder, split: Split) {
        let name = folder.name.clone();
        let inner = parting(&folder);
        if inner.len() > 1 {
            self.inner.entry(name.clone()).or_default().extend(inner);
        }
        self.classes.entry(name).or_default()[split as usize].extend(folder.pictures());
    }

    fn leave_loose(&mut self, count: usize, of: &str) {
        if count > 0 {
            let pictures = counted(count, "picture", "pictures");
            let (place, them) = match of {
                "" => (String::new(), if count == 1 { "it" } else { "them" }),
                of => (format!(" of {of}"), if count == 1 { "it" } else { "them" }),
            };
            let what = format!("{pictures} beside the class folders{place}");
            let why = format!("no label; put {them} into a folder unlabelled/ to use {them}");
            self.left_out.push(LeftOut::new(what, why));
        }
    }

    /// Notes about classes that are not in every split, or that may be no classes.
    fn look_again(&mut self) {
        let mut lower: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for name in self.classes.keys() {
            lower.entry(name.to_lowercase()).or_default().push(name);
        }
        for names in lower.values().filter(|names| names.len() > 1) {
            let names = shortened(names.iter().copied());
            self.notes.push(format!(
                "the classes {names} differ in capitals alone: each is a class of its own"
            ));
        }
        if self.inner.len() == self.classes.len()
            && let Some((class, inner)) = self.inner.first_key_value()
        {
            self.notes.push(format!(
                "every class folder holds its pictures in further folders ({class:?}: {}): if the classes are these, \
                 give that folder, and call splits train/ and test/",
                shortened(inner.iter().map(String::as_str))
            ));
        }
        let kinds = [
            (Split::Train, "train on"),
            (Split::Validation, "validate on"),
            (Split::Test, "test on"),
        ];
        for (split, purpose) in kinds {
            let folders: Vec<&str> = self
                .splits
                .iter()
                .filter(|(kind, _)| *kind == split)
                .map(|(_, name)| name.as_str())
                .collect();
            if folders.len() > 1 {
                let folders = shortened(folders.into_iter());
                self.notes.push(format!("the folders {folders} are used as one, to {purpose}"));
            }
            let used = self.classes.values().any(|files| !files[split as usize].is_empty());
            let without: Vec<&str> = self
                .classes
                .iter()
                .filter(|(_, files)| files[split as usize].is_empty())
                .map(|(name, _)| name.as_str())
                .collect();
            if used && !without.is_empty() {
                let (classes, them) =
                    if without.len() == 1 { ("class", "it") } else { ("classes", "them") };
                let without = shortened(without.into_iter());
                self.notes.push(format!(
                    "the {classes} {without}: there is no picture of {them} to {purpose}"
                ));
            }
        }
    }

    fn layout(self) -> Layout {
        let mut layout = Layout { left_out: self.left_out, notes: self.notes, ..Layout::default() };
        for (label, (class, [train, validation, test])) in self.classes.into_iter().enumerate() {
            let with =
                |files: Vec<PathBuf>| files.into_iter().map(move |file| (file, label as i64));
            layout.train.extend(with(train));
            layout.validation.extend(with(validation));
            layout.test.extend(with(test));
            layout.classes.push(class);
        }
        layout.train.extend(self.unlabelled.into_iter().map(|file| (file, -1)));
        layout
    }
}
