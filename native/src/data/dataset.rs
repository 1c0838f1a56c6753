//! Known data sets, by name under the data folder.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Error, Result, anyhow, bail, ensure};
use gleaner_core::data::formats::ag_news::{AG_NEWS_CLASSES, parse_ag_news};
use gleaner_core::data::formats::cifar::{
    CIFAR10_CLASSES, cifar100_classes, parse_cifar10, parse_cifar100,
};
use gleaner_core::data::formats::digits::digits;
use gleaner_core::data::formats::idx::{parse_labels, parse_pair};
use gleaner_core::data::formats::miniboone::parse_miniboone;
use gleaner_core::data::formats::mosaic::{self, parse_mosaic};
use gleaner_core::data::formats::npz::with_features;
use gleaner_core::data::formats::protein::parse_protein;
use gleaner_core::data::formats::svhn::parse_svhn;
use gleaner_core::data::{Dataset, Examples, TextDataset, Texts, Values};

use super::known_file::{miscounted, read_hepmass, short_webp, unfinished, unfinished_end};
use super::reading::read_file;
use super::registry::{self, Entry, IDX_FILES};

/// A reader: the bytes of a file and its name for messages.
type Parse<T> = fn(&[u8], &str) -> gleaner_core::error::Result<T>;

/// A file of 10,000 of the 120,000 training texts.
const AG_NEWS_SAMPLE: &str = "train_sample10k";

const FASHION_CLASSES: [&str; 10] = [
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
];

/// Where data sets are kept: `$GLEANER_DATA`, else `$XDG_CACHE_HOME/gleaner/data`, else
/// `~/.cache/gleaner/data`.
#[must_use]
pub fn default_data_dir() -> PathBuf {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("GLEANER_DATA").unwrap_or_else(|| {
        let cache = set("XDG_CACHE_HOME")
            .or_else(|| set("HOME").map(|home| home.join(".cache")))
            .unwrap_or_else(|| PathBuf::from(".cache"));
        cache.join("gleaner").join("data")
    })
}

/// What was found under a name.
#[derive(Debug)]
pub enum Loaded {
    /// Numbers.
    Examples(Dataset),
    /// Texts, whose words are still to be counted.
    Texts(TextDataset),
}

/// Loads a known data set (any spelling: `fashion-mnist`, `Fashion_MNIST`) from `data_dir`.
///
/// # Errors
/// Unknown name, missing or unreadable file (the message names the path looked for), a file that is not what it claims
/// to be, or not as many examples as the data set has.
pub fn load(name: &str, data_dir: &Path) -> Result<Loaded> {
    match registry::find(name) {
        Some(entry) => load_entry(entry, data_dir),
        None if registry::is_known(name) => Ok(Loaded::Examples(digits()?)),
        None => bail!("there is no data set {name:?}"),
    }
}

/// Loads the data set of an entry from `data_dir`.
///
/// # Errors
/// As [`load`].
pub fn load_entry(entry: &Entry, data_dir: &Path) -> Result<Loaded> {
    let folder = Folder::open(entry, data_dir);
    match entry.name {
        "ag-news" => folder.ag_news().map(Loaded::Texts),
        _ => folder.load().map(Loaded::Examples),
    }
}

/// Whether a known data set has its folder; what is no known data set is taken to be there.
pub fn is_there(name: &str, data_dir: &Path) -> bool {
    registry::find(name).is_none_or(|entry| Folder::open(entry, data_dir).path.exists())
}

/// The folder of a named data set.
struct Folder<'a> {
    entry: &'a Entry,
    path: PathBuf,
}

impl<'a> Folder<'a> {
    /// Both spellings are looked for: `fashion-mnist` and `fashion_mnist`.
    fn open(entry: &'a Entry, data_dir: &Path) -> Self {
        let path = data_dir.join(entry.name);
        let other = data_dir.join(entry.name.replace('-', "_"));
        let path = if !path.exists() && other.exists() { other } else { path };
        Self { entry, path }
    }

    /// Bytes of a file and the name to use in messages.
    fn read(&self, file: &str) -> Result<(Vec<u8>, String)> {
        let path = self.find(file)?;
        Ok((read_file(&path)?, path.display().to_string()))
    }

    /// As [`Self::read`], of a file of lines.
    fn read_lines(&self, file: &str) -> Result<(Vec<u8>, String)> {
        let (bytes, source) = self.read(file)?;
        match unfinished(&bytes) {
            Some(problem) => Err(self.refuse(&problem, &source)),
            None => Ok((bytes, source)),
        }
    }

    /// Where a file is.
    fn find(&self, file: &str) -> Result<PathBuf> {
        let path = self.path.join(file);
        if !path.exists() {
            let name = self.entry.name;
            bail!(
                "\"{}\" does not exist; run {} or set GLEANER_DATA to the folder that holds {name}/",
                path.display(),
                self.how_to_fetch()
            );
        }
        Ok(path)
    }

    fn how_to_fetch(&self) -> String {
        let dir = self.path.parent().unwrap_or(&self.path).display();
        format!("`gleaner data fetch {} --data-dir {dir}`", self.entry.name)
    }

    fn refuse(&self, problem: &str, source: &str) -> Error {
        anyhow!(
            "{source}: {problem}; it is cut short or not the official file: delete it and run {}",
            self.how_to_fetch()
        )
    }

    /// Refuses other than the `expected` number of examples.
    fn count(&self, found: usize, expected: usize, source: &str) -> Result<()> {
        miscounted(found, expected).map_or(Ok(()), |problem| Err(self.refuse(&problem, source)))
    }

    fn has(&self, file: &str) -> bool {
        self.path.join(file).exists()
    }

    fn load(&self) -> Result<Dataset> {
        let [train, test] = self.entry.sizes;
        match self.entry.name {
            "cifar-10" if !self.has("data_batch_1.bin") && self.has("data_batch_1.webp") => {
                self.mosaics("cifar-10", names(&CIFAR10_CLASSES), "data_batch", 5)
            }
            "cifar-10" => {
                let batch = |file: &str, count| self.split(file, count, parse_cifar10);
                let mut all = batch("data_batch_1.bin", train / 5)?;
                for number in 2..=5 {
                    let file = format!("data_batch_{number}.bin");
                    all.append(batch(&file, train / 5)?, &file)?;
                }
                self.dataset(names(&CIFAR10_CLASSES), all, batch("test_batch.bin", test)?)
            }
            // Three of five batches, by a name of their own.
            "cifar-100" if !self.has("train.bin") && self.has("train_batch_1.webp") => {
                self.mosaics("cifar-100-30k", cifar100_classes(), "train_batch", 3)
            }
            "cifar-100" => {
                let split = |file: &str, count| self.split(file, count, parse_cifar100);
                self.dataset(
                    cifar100_classes(),
                    split("train.bin", train)?,
                    split("test.bin", test)?,
                )
            }
            "svhn" => {
                let split = |file: &str, count| self.split(file, count, parse_svhn);
                let train = split("train_32x32.mat", train)?;
                self.dataset(numbered(10), train, split("test_32x32.mat", test)?)
            }
            "protein" => self.table("CASP.csv", parse_protein),
            "miniboone" => self.table("MiniBooNE_PID.txt", parse_miniboone),
            "hepmass" => self.hepmass(),
            _ => self.idx(),
        }
    }

    /// A file of one split, which must have `expected` examples.
    fn split(&self, file: &str, expected: usize, parse: Parse<Examples>) -> Result<Examples> {
        let (bytes, source) = self.read(file)?;
        let examples = parse(&bytes, &source)?;
        self.count(examples.len(), expected, &source)?;
        Ok(examples)
    }

    /// A table whose rows the reader divides into the splits.
    fn table(&self, file: &str, parse: Parse<Dataset>) -> Result<Dataset> {
        let (bytes, source) = self.read_lines(&self.packed_or_plain(file))?;
        let data = parse(&bytes, &source)?;
        self.count(data.train.len() + data.test.len(), self.entry.sizes.iter().sum(), &source)?;
        Ok(data)
    }

    /// The name of a file, with `.gz` where only that is there.
    fn packed_or_plain(&self, file: &str) -> String {
        let packed = format!("{file}.gz");
        if !self.has(file) && self.has(&packed) { packed } else { file.to_owned() }
    }

    /// The set of one mass, or else the one of all, by a name of its own. The files are read as far as they are
    /// needed.
    fn hepmass(&self) -> Result<Dataset> {
        let all = !self.has("1000_train.csv.gz") && !self.has("1000_train.csv");
        let all = all && (self.has("all_train.csv.gz") || self.has("all_train.csv"));
        let (masses, features) = if all { ("all", 28) } else { ("1000", 27) };
        let path = |split: &str| self.find(&self.packed_or_plain(&format!("{masses}_{split}.csv")));
        let (train, test) = (path("train")?, path("test")?);
        for path in [&train, &test] {
            if let Some(problem) = unfinished_end(path)? {
                return Err(self.refuse(&problem, &path.display().to_string()));
            }
        }
        let (train_name, test_name) = (train.display().to_string(), test.display().to_string());
        let mut data = read_hepmass((&train, &train_name), (&test, &test_name), features)?;
        for (split, size, source) in [
            (&data.train, self.entry.sizes[0], train_name),
            (&data.test, self.entry.sizes[1], test_name),
        ] {
            self.count(split.len(), size, &source)?;
        }
        if all {
            data.name += "-all";
        }
        Ok(data)
    }

    /// The official files, or else the sample of 10,000 training texts, by a name of its own.
    fn ag_news(&self) -> Result<TextDataset> {
        let split = |stem: &str, expected: usize| -> Result<Texts> {
            let (bytes, source) = self.read_lines(&self.packed_or_plain(&format!("{stem}.csv")))?;
            let texts = parse_ag_news(&bytes, &source)?;
            self.count(texts.labels.len(), expected, &source)?;
            Ok(texts)
        };
        let has =
            |stem: &str| self.has(&format!("{stem}.csv")) || self.has(&format!("{stem}.csv.gz"));
        let [train, test] = self.entry.sizes;
        let (name, stem, train) = match self.entry.subset.filter(|_| !has("train")) {
            Some(subset) if has(AG_NEWS_SAMPLE) => (subset.name, AG_NEWS_SAMPLE, subset.train),
            _ => (self.entry.name, "train", train),
        };
        let (train, test) = (split(stem, train)?, split("test", test)?);
        Ok(TextDataset { name: name.to_owned(), classes: names(&AG_NEWS_CLASSES), train, test })
    }

    fn idx(&self) -> Result<Dataset> {
        let split = |images: &str, labels: &str, expected: usize| -> Result<Examples> {
            let (images, images_name) = self.read_idx(images)?;
            let (labels, labels_name) = self.read_idx(labels)?;
            let examples = parse_pair((&images, &images_name), (&labels, &labels_name), 10)?;
            self.count(examples.len(), expected, &images_name)?;
            Ok(examples)
        };
        let train = split(IDX_FILES[0], IDX_FILES[1], self.entry.sizes[0])?;
        let test = split(IDX_FILES[2], IDX_FILES[3], self.entry.sizes[1])?;
        let classes = match self.entry.name {
            "fashion-mnist" => names(&FASHION_CLASSES),
            _ => numbered(10),
        };
        self.dataset(classes, train, test)
    }

    /// The gzip file, or the same file already unpacked.
    fn read_idx(&self, file: &str) -> Result<(Vec<u8>, String)> {
        let plain = file.trim_end_matches(".gz");
        self.read(if !self.has(file) && self.has(plain) { plain } else { file })
    }

    /// The training batches, by number, and the test batch, as one picture each.
    fn mosaics(
        &self,
        name: &str,
        classes: Vec<String>,
        stem: &str,
        count: usize,
    ) -> Result<Dataset> {
        let batches: Vec<String> = (1..=count).map(|number| format!("{stem}_{number}")).collect();
        let [train, test] = self.entry.sizes;
        let train = self.of_mosaics(&batches, "train-labels-idx1-ubyte.gz", train)?;
        let test =
            self.of_mosaics(&["test_batch".to_owned()], "test-labels-idx1-ubyte.gz", test)?;
        let source = self.path.display().to_string();
        Ok(Dataset::new(name, classes, train, test, &source)?)
    }

    /// One split. Its labels are those of all batches that there are.
    fn of_mosaics(&self, batches: &[String], labels: &str, expected: usize) -> Result<Examples> {
        let (bytes, labels_name) = self.read(labels)?;
        let mut labels = parse_labels(&bytes, self.entry.classes, &labels_name)?;
        self.count(labels.len(), expected, &labels_name)?;
        labels.truncate(batches.len() * mosaic::CIFAR.tiles());
        let mut pixels = Vec::new();
        for batch in batches {
            let (bytes, source) = self.read(&format!("{batch}.webp"))?;
            if let Some(problem) = short_webp(&bytes) {
                return Err(self.refuse(&problem, &source));
            }
            pixels.extend(parse_mosaic(&bytes, mosaic::CIFAR, &source)?);
        }
        Ok(Examples::new(Values::U8(pixels), vec![32, 32, 3], labels, &labels_name)?)
    }

    fn dataset(&self, classes: Vec<String>, train: Examples, test: Examples) -> Result<Dataset> {
        let source = self.path.display().to_string();
        Ok(Dataset::new(self.entry.name, classes, train, test, &source)?)
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn numbered(classes: usize) -> Vec<String> {
    (0..classes).map(|class| class.to_string()).collect()
}

/// Puts the rows of an .npz in the place of the examples.
///
/// # Errors
/// If it cannot be read, or its rows are not as many.
pub fn put_features(data: &mut Dataset, path: &Path) -> Result<()> {
    let wanted = || {
        let [train, test] = [&data.train, &data.test].map(Examples::len);
        format!(
            "--features {}: give an .npz with x and x_test, a row for each of the {train} training and {test} test examples of {}",
            path.display(),
            data.name
        )
    };
    ensure!(path.exists(), "{}; there is no such file", wanted());
    let features = with_features(data, &read_file(path)?, &path.display().to_string());
    *data = features.with_context(wanted)?;
    Ok(())
}
