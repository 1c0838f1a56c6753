//! Known data sets, by name under the data folder.

use std::env;
use std::fs;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use gleaner_core::data::formats::ag_news::{AG_NEWS_CLASSES, parse_ag_news};
use gleaner_core::data::formats::cifar::{
    CIFAR10_CLASSES, cifar100_classes, parse_cifar10, parse_cifar100,
};
use gleaner_core::data::formats::digits::digits;
use gleaner_core::data::formats::hepmass::parse_hepmass;
use gleaner_core::data::formats::idx::{parse_labels, parse_pair};
use gleaner_core::data::formats::miniboone::parse_miniboone;
use gleaner_core::data::formats::mosaic::{self, parse_mosaic};
use gleaner_core::data::formats::npz::with_features;
use gleaner_core::data::formats::protein::parse_protein;
use gleaner_core::data::formats::svhn::parse_svhn;
use gleaner_core::data::{Dataset, Examples, TextDataset, Values};

use super::reading::read_file;
use super::registry::{self, IDX_FILES};

/// A file of 10,000 of the 120,000 training texts.
const AG_NEWS_SAMPLE: &str = "train_sample10k";
/// Results on it are not comparable with published ones, so they do not go by the name of the data set.
pub const AG_NEWS_SAMPLE_NAME: &str = "ag-news-10k";

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
/// Unknown name, missing or unreadable file (the message names the path looked for), or a file
/// that is not what it claims to be.
pub fn load(name: &str, data_dir: &Path) -> Result<Loaded> {
    let name = registry::canonical(name);
    match name.as_str() {
        "digits" => Ok(Loaded::Examples(digits()?)),
        "ag-news" => Folder::open(&name, data_dir).ag_news().map(Loaded::Texts),
        _ if registry::is_known(&name) => {
            Folder::open(&name, data_dir).load().map(Loaded::Examples)
        }
        _ => bail!("there is no data set {name:?}"),
    }
}

/// Whether a known data set has its folder; what is no known data set is taken to be there.
pub fn is_there(name: &str, data_dir: &Path) -> bool {
    let name = registry::canonical(name);
    registry::find(&name).is_none() || Folder::open(&name, data_dir).path.exists()
}

/// The folder of a named data set.
struct Folder {
    name: String,
    path: PathBuf,
}

impl Folder {
    /// Both spellings are looked for: `fashion-mnist` and `fashion_mnist`.
    fn open(name: &str, data_dir: &Path) -> Self {
        let path = data_dir.join(name);
        let other = data_dir.join(name.replace('-', "_"));
        let path = if !path.exists() && other.exists() { other } else { path };
        Self { name: name.to_owned(), path }
    }

    /// Bytes of a file and the name to use in messages.
    fn read(&self, file: &str) -> Result<(Vec<u8>, String)> {
        let path = self.find(file)?;
        Ok((read_file(&path)?, path.display().to_string()))
    }

    /// Where a file is.
    fn find(&self, file: &str) -> Result<PathBuf> {
        let path = self.path.join(file);
        if !path.exists() {
            let dir = self.path.parent().unwrap_or(&self.path).display();
            bail!(
                "\"{}\" does not exist; run `gleaner data fetch {} --data-dir {dir}` or set GLEANER_DATA to the folder that holds {}/",
                path.display(),
                self.name,
                self.name
            );
        }
        Ok(path)
    }

    fn has(&self, file: &str) -> bool {
        self.path.join(file).exists()
    }

    fn load(&self) -> Result<Dataset> {
        match self.name.as_str() {
            "cifar-10" if !self.has("data_batch_1.bin") && self.has("data_batch_1.webp") => {
                let classes = names(&CIFAR10_CLASSES);
                self.dataset(classes, self.cifar10_mosaics(true)?, self.cifar10_mosaics(false)?)
            }
            "cifar-10" => {
                let (bytes, source) = self.read("data_batch_1.bin")?;
                let mut train = parse_cifar10(&bytes, &source)?;
                for batch in 2..=5 {
                    let (bytes, source) = self.read(&format!("data_batch_{batch}.bin"))?;
                    train.append(parse_cifar10(&bytes, &source)?, &source)?;
                }
                let (bytes, source) = self.read("test_batch.bin")?;
                self.dataset(names(&CIFAR10_CLASSES), train, parse_cifar10(&bytes, &source)?)
            }
            "cifar-100" => {
                let split = |file: &str| -> Result<Examples> {
                    let (bytes, source) = self.read(file)?;
                    Ok(parse_cifar100(&bytes, &source)?)
                };
                self.dataset(cifar100_classes(), split("train.bin")?, split("test.bin")?)
            }
            "svhn" => {
                let split = |file: &str| -> Result<Examples> {
                    let (bytes, source) = self.read(file)?;
                    Ok(parse_svhn(&bytes, &source)?)
                };
                self.dataset(numbered(10), split("train_32x32.mat")?, split("test_32x32.mat")?)
            }
            "protein" => {
                let packed = !self.has("CASP.csv") && self.has("CASP.csv.gz");
                let (bytes, source) = self.read(if packed { "CASP.csv.gz" } else { "CASP.csv" })?;
                Ok(parse_protein(&bytes, &source)?)
            }
            "miniboone" => {
                let file = self.packed_or_plain("MiniBooNE_PID.txt");
                let (bytes, source) = self.read(&file)?;
                Ok(parse_miniboone(&bytes, &source)?)
            }
            "hepmass" => self.hepmass(),
            _ => self.idx(),
        }
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
        let open = |split: &str| -> Result<(BufReader<fs::File>, String)> {
            let path = self.find(&self.packed_or_plain(&format!("{masses}_{split}.csv")))?;
            let source = path.display().to_string();
            let file = fs::File::open(&path).with_context(|| format!("cannot read {source}"))?;
            Ok((BufReader::new(file), source))
        };
        let ((mut train, train_name), (mut test, test_name)) = (open("train")?, open("test")?);
        let mut data = parse_hepmass((&mut train, &train_name), (&mut test, &test_name), features)?;
        if all {
            data.name += "-all";
        }
        Ok(data)
    }

    /// The official files, or else the sample of 10,000 training texts, by a name of its own.
    fn ag_news(&self) -> Result<TextDataset> {
        let split = |stem: &str| -> Result<_> {
            let (bytes, source) = self.read(&self.packed_or_plain(&format!("{stem}.csv")))?;
            Ok(parse_ag_news(&bytes, &source)?)
        };
        let has =
            |stem: &str| self.has(&format!("{stem}.csv")) || self.has(&format!("{stem}.csv.gz"));
        let (name, stem) = match !has("train") && has(AG_NEWS_SAMPLE) {
            true => (AG_NEWS_SAMPLE_NAME, AG_NEWS_SAMPLE),
            false => (self.name.as_str(), "train"),
        };
        let (train, test) = (split(stem)?, split("test")?);
        Ok(TextDataset { name: name.to_owned(), classes: names(&AG_NEWS_CLASSES), train, test })
    }

    fn idx(&self) -> Result<Dataset> {
        let split = |images: &str, labels: &str| -> Result<Examples> {
            let (images, images_name) = self.read_idx(images)?;
            let (labels, labels_name) = self.read_idx(labels)?;
            Ok(parse_pair((&images, &images_name), (&labels, &labels_name), 10)?)
        };
        let train = split(IDX_FILES[0], IDX_FILES[1])?;
        let test = split(IDX_FILES[2], IDX_FILES[3])?;
        let classes = match self.name.as_str() {
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

    fn cifar10_mosaics(&self, train: bool) -> Result<Examples> {
        let (labels_file, batches): (&str, &[&str]) = if train {
            let batches =
                &["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"];
            ("train-labels-idx1-ubyte.gz", batches)
        } else {
            ("test-labels-idx1-ubyte.gz", &["test_batch"])
        };
        let (bytes, labels_name) = self.read(labels_file)?;
        let labels = parse_labels(&bytes, 10, &labels_name)?;
        let mut pixels = Vec::new();
        for batch in batches {
            let (bytes, source) = self.read(&format!("{batch}.webp"))?;
            pixels.extend(parse_mosaic(&bytes, mosaic::CIFAR10, &source)?);
        }
        Ok(Examples::new(Values::U8(pixels), vec![32, 32, 3], labels, &labels_name)?)
    }

    fn dataset(&self, classes: Vec<String>, train: Examples, test: Examples) -> Result<Dataset> {
        let source = self.path.display().to_string();
        Ok(Dataset::new(&self.name, classes, train, test, &source)?)
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
    *data = with_features(data, &read_file(path)?, &path.display().to_string())?;
    Ok(())
}
