//! The data sets that gleaner knows by name: files, addresses, sizes, checksums, licences.

use gleaner_core::recipe::canonical;

/// A file of a data set.
#[derive(Clone, Copy, Debug)]
pub struct File {
    /// Official file name.
    pub name: &'static str,
    /// SHA-256 in hexadecimal; `None` where no checksum is known: such a file is "unverified".
    pub sha256: Option<&'static str>,
    /// The least and the most bytes that it can have; the same where its size is known.
    pub bytes: [u64; 2],
}

impl File {
    /// Its size where that is known.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        (self.bytes[0] == self.bytes[1]).then_some(self.bytes[0])
    }

    /// What is wrong with a size in bytes, if anything.
    #[must_use]
    pub fn wrong_size(&self, found: u64) -> Option<String> {
        let [least, most] = self.bytes;
        match self.size() {
            _ if (least..=most).contains(&found) => None,
            Some(size) => Some(format!("{found} bytes, expected {size}")),
            None => Some(format!("{found} bytes, expected {least} to {most}")),
        }
    }
}

/// A data set.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Name on the command line and folder under the data folder.
    pub name: &'static str,
    /// Number of classes.
    pub classes: usize,
    /// Training and test examples.
    pub sizes: [usize; 2],
    /// Alternative sets of files, the official one first; any complete one is enough.
    pub variants: &'static [&'static [File]],
    /// A set of files that holds some of the training examples only.
    pub subset: Option<Subset>,
    /// Address of the folder that holds the official files.
    pub base: &'static str,
    /// Archive under `base` that holds the official files, where they are not served one by one. It needs no checksum:
    /// each of its members is checked.
    pub archive: Option<File>,
    /// Licence and citation.
    pub licence: &'static str,
}

/// Part of a data set, which results cannot go by the name of the whole.
#[derive(Clone, Copy, Debug)]
pub struct Subset {
    /// What data and results are called.
    pub name: &'static str,
    /// Its files.
    pub files: &'static [File],
    /// Training examples in it.
    pub train: usize,
}

const fn known(name: &'static str, bytes: u64, sha256: &'static str) -> File {
    File { name, sha256: Some(sha256), bytes: [bytes, bytes] }
}

/// A file of which no checksum is published or no copy was at hand. The sizes are wide: they tell a file from a page
/// that says no, and end a transfer that does not end. What such a file holds, its reader says.
const fn unverified(name: &'static str, bytes: [u64; 2]) -> File {
    File { name, sha256: None, bytes }
}

/// The order of the files of an MNIST-like set: train images, train labels, test images and labels.
pub const IDX_FILES: [&str; 4] = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
];

const MNIST: &[File] = &[
    known(
        IDX_FILES[0],
        9_912_422,
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    ),
    known(IDX_FILES[1], 28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
    known(
        IDX_FILES[2],
        1_648_877,
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    ),
    known(IDX_FILES[3], 4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
];

const FASHION: &[File] = &[
    known(
        IDX_FILES[0],
        26_421_880,
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    ),
    known(IDX_FILES[1], 29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
    known(
        IDX_FILES[2],
        4_422_102,
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    ),
    known(IDX_FILES[3], 5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
];

const KMNIST: &[File] = &[
    known(
        IDX_FILES[0],
        18_165_135,
        "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
    ),
    known(IDX_FILES[1], 29_497, "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"),
    known(
        IDX_FILES[2],
        3_041_136,
        "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
    ),
    known(IDX_FILES[3], 5_120, "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"),
];

const BATCH: u64 = 30_730_000;

const CIFAR10_BIN: &[File] = &[
    known(
        "data_batch_1.bin",
        BATCH,
        "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
    ),
    known(
        "data_batch_2.bin",
        BATCH,
        "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
    ),
    known(
        "data_batch_3.bin",
        BATCH,
        "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
    ),
    known(
        "data_batch_4.bin",
        BATCH,
        "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
    ),
    known(
        "data_batch_5.bin",
        BATCH,
        "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
    ),
    known(
        "test_batch.bin",
        BATCH,
        "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
    ),
];

const CIFAR10_MOSAICS: &[File] = &[
    known(
        "data_batch_1.webp",
        17_103_616,
        "a96e093c1910a3383bee8e5edecdedb57a6c785e6175c34d8f7ad973fc2a4fc6",
    ),
    known(
        "data_batch_2.webp",
        17_146_842,
        "b02f666bd28977dd1dde78326464acfcf165add768f2c48c727b5f7be62da718",
    ),
    known(
        "data_batch_3.webp",
        17_155_912,
        "87d2cf78736125556233d43ffcd3ddbe695aeb7b824d7ed6b66109850a5d1de8",
    ),
    known(
        "data_batch_4.webp",
        17_127_924,
        "f41df0ed31f34cd58f8b19d9da67ed5296b2f55704e1f8f30b45d15e329937d3",
    ),
    known(
        "data_batch_5.webp",
        17_106_860,
        "858cca32ece0b9e1d8464b51679d9620f190eb78e39b441cf4ab9769b74e9b88",
    ),
    known(
        "test_batch.webp",
        17_134_118,
        "8971ef90860676757950366c509f0cefb6616bafce6c7c03445db2dd78167ef4",
    ),
    known(
        "train-labels-idx1-ubyte.gz",
        24_710,
        "410199ecd3cfee5000de2a5f8c844f13661a9ed891b35b40f06f97d155e6504b",
    ),
    known(
        "test-labels-idx1-ubyte.gz",
        5_102,
        "c972da06aba2897f33e547779bae338551f62d9035e67bc47003d3fbb7287b92",
    ),
];

/// What a gzip of six batches can have, whoever packed it.
const CIFAR_ARCHIVE: [u64; 2] = [100_000_000, 300_000_000];

// Both checksums are the ones published with the reader of red-datasets. Binary records that were rebuilt from the
// pictures of another copy have the one of the training file, and its md5 in gotch's table.
const CIFAR100: &[File] = &[
    known(
        "train.bin",
        153_700_000,
        "f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29",
    ),
    known(
        "test.bin",
        30_740_000,
        "d8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a",
    ),
];

// The training labels are those of all five batches.
const CIFAR100_30K: &[File] = &[
    known(
        "train_batch_1.webp",
        17_201_566,
        "658f64d2d89b9eace82dc0f670af5607e2a3cf95262cdc06b800b80a506edc8c",
    ),
    known(
        "train_batch_2.webp",
        17_304_126,
        "46ccce84a66d5e2f3c6f75c4db962e90a10ebbe9023acb337776f039c4cdf10c",
    ),
    known(
        "train_batch_3.webp",
        17_231_738,
        "db02966c22f3ff806075b214530f813bd05992ffccf6fb3be1372a9d65deabc9",
    ),
    known(
        "test_batch.webp",
        17_262_522,
        "524b6140861fd618f89caaf4d3f91f7915adb4d266869b649436835cae56c8e9",
    ),
    known(
        "train-labels-idx1-ubyte.gz",
        42_075,
        "e875fa4a32472531c0c06d274c2d9fe6f025ecfc7605ba45da22f22c2d77f427",
    ),
    known(
        "test-labels-idx1-ubyte.gz",
        228,
        "3ce5007b8ee0c5c299176c77c4e43e08143a5cef10f87b009e652cfc96322f02",
    ),
];

// As published with torchvision's prototype reader and in tables of other readers; no copy was at hand.
const SVHN: &[File] = &[
    known(
        "train_32x32.mat",
        182_040_794,
        "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
    ),
    known(
        "test_32x32.mat",
        64_275_384,
        "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
    ),
];

/// 140,000 events as short as they can be, and several times the files of millions.
const HEPMASS: [u64; 2] = [5_000_000, 20_000_000_000];

const CASP_GZ: &[File] = &[known(
    "CASP.csv.gz",
    1_639_405,
    "7c2b7bc2a75f4ea24f943bb275ac9db25b6f3978df8b72663fa85aeaadee9912",
)];

// As published with Hugging Face's reader, beside the checksum of the test file, which a copy at hand has.
const AG_NEWS_TRAIN: File = known(
    "train.csv",
    29_470_338,
    "76a0a2d2f92b286371fe4d4044640910a04a803fdd2538e0f3f29a5c6f6b672e",
);

const AG_NEWS_TEST: File = known(
    "test.csv",
    1_857_427,
    "521465c2428ed7f02f8d6db6ffdd4b5447c1c701962353eb2c40d548c3c85699",
);

const AG_NEWS_TEST_GZ: File = known(
    "test.csv.gz",
    748_824,
    "3c277beb6ce3dd635407635cb90a7c5ceaf87168fabb3be218e39aa2b097f706",
);

const AG_NEWS_SAMPLE_GZ: File = known(
    "train_sample10k.csv.gz",
    1_022_525,
    "550ff1461725a2bbe9f29d2c6fd160ca2f0b916d86c38e0f5c58084295706fde",
);

/// All data sets that are read from files; `digits` is embedded in the program.
pub const ENTRIES: &[Entry] = &[
    Entry {
        name: "mnist",
        classes: 10,
        sizes: [60_000, 10_000],
        variants: &[MNIST],
        base: "https://ossci-datasets.s3.amazonaws.com/mnist",
        subset: None,
        archive: None,
        licence: "CC BY-SA 3.0 as commonly stated; Y. LeCun, C. Cortes, C. Burges",
    },
    Entry {
        name: "fashion-mnist",
        classes: 10,
        sizes: [60_000, 10_000],
        variants: &[FASHION],
        base: "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
        subset: None,
        archive: None,
        licence: "MIT; H. Xiao, K. Rasul, R. Vollgraf, 2017",
    },
    Entry {
        name: "kmnist",
        classes: 10,
        sizes: [60_000, 10_000],
        variants: &[KMNIST],
        base: "http://codh.rois.ac.jp/kmnist/dataset/kmnist",
        subset: None,
        archive: None,
        licence: "CC BY-SA 4.0; T. Clanuwat et al., 2018, doi:10.20676/00000341",
    },
    Entry {
        name: "cifar-10",
        classes: 10,
        sizes: [50_000, 10_000],
        variants: &[CIFAR10_BIN, CIFAR10_MOSAICS],
        base: "https://www.cs.toronto.edu/~kriz",
        subset: None,
        archive: Some(unverified("cifar-10-binary.tar.gz", CIFAR_ARCHIVE)),
        licence: "no formal licence, research use with citation; A. Krizhevsky, 2009",
    },
    Entry {
        name: "cifar-100",
        classes: 100,
        sizes: [50_000, 10_000],
        variants: &[CIFAR100],
        base: "https://www.cs.toronto.edu/~kriz",
        // 300 pictures of each class.
        subset: Some(Subset { name: "cifar-100-30k", files: CIFAR100_30K, train: 30_000 }),
        archive: Some(unverified("cifar-100-binary.tar.gz", CIFAR_ARCHIVE)),
        licence: "no formal licence, research use with citation; A. Krizhevsky, 2009",
    },
    Entry {
        name: "svhn",
        classes: 10,
        sizes: [73_257, 26_032],
        variants: &[SVHN],
        base: "http://ufldl.stanford.edu/housenumbers",
        subset: None,
        archive: None,
        licence: "non-commercial use; Y. Netzer et al., 2011",
    },
    Entry {
        name: "protein",
        classes: 10,
        sizes: [41_157, 4_573],
        variants: &[&[unverified("CASP.csv", [3_000_000, 5_000_000])], CASP_GZ],
        base: "https://archive.ics.uci.edu/ml/machine-learning-databases/00265",
        subset: None,
        archive: None,
        licence: "CC BY 4.0; P. S. Rana, UCI, doi:10.24432/C5QW3H",
    },
    Entry {
        name: "ag-news",
        classes: 4,
        sizes: [120_000, 7_600],
        variants: &[
            &[AG_NEWS_TRAIN, AG_NEWS_TEST],
            &[unverified("train.csv.gz", [5_000_000, 30_000_000]), AG_NEWS_TEST_GZ],
        ],
        subset: Some(Subset {
            name: "ag-news-10k",
            files: &[AG_NEWS_SAMPLE_GZ, AG_NEWS_TEST_GZ],
            train: 10_000,
        }),
        base: "https://raw.githubusercontent.com/mhjabreel/CharCnn_Keras/master/data/ag_news_csv",
        archive: None,
        licence: "research and other non-commercial use; A. Gulli; X. Zhang, J. Zhao, Y. LeCun, 2015",
    },
    // No copy of the files was at hand, and no checksum: their readers are written from public descriptions and from the code of
    // FlowGMM, and have met fixtures only.
    Entry {
        name: "miniboone",
        classes: 2,
        sizes: [65_700, 7_298],
        variants: &[
            &[unverified("MiniBooNE_PID.txt", [20_000_000, 200_000_000])],
            &[unverified("MiniBooNE_PID.txt.gz", [5_000_000, 200_000_000])],
        ],
        subset: None,
        base: "https://archive.ics.uci.edu/ml/machine-learning-databases/00199",
        archive: None,
        licence: "CC BY 4.0 as UCI states; B. Roe et al., 2005",
    },
    Entry {
        name: "hepmass",
        classes: 2,
        sizes: [140_000, 140_000],
        variants: &[
            &[unverified("1000_train.csv.gz", HEPMASS), unverified("1000_test.csv.gz", HEPMASS)],
            &[unverified("1000_train.csv", HEPMASS), unverified("1000_test.csv", HEPMASS)],
            &[unverified("all_train.csv.gz", HEPMASS), unverified("all_test.csv.gz", HEPMASS)],
            &[unverified("all_train.csv", HEPMASS), unverified("all_test.csv", HEPMASS)],
        ],
        subset: None,
        base: "https://archive.ics.uci.edu/ml/machine-learning-databases/00347",
        archive: None,
        licence: "CC BY 4.0 as UCI states; P. Baldi et al., 2016",
    },
];

/// Height, width and channels of an example of a set of images that gleaner knows by name, and its number of classes; no file is read.
/// `None` for anything else.
pub fn images(name: &str) -> Option<([usize; 3], usize)> {
    let shape = match canonical(name).as_str() {
        // The only one without an entry: it is part of the program.
        "digits" => return Some(([8, 8, 1], 10)),
        "mnist" | "fashion-mnist" | "kmnist" => [28, 28, 1],
        "cifar-10" | "cifar-100" | "svhn" => [32, 32, 3],
        _ => return None,
    };
    find(name).map(|entry| (shape, entry.classes))
}

/// What is to be said of results on data of this name, if they are a subset.
#[must_use]
pub fn caveat(name: &str) -> Option<String> {
    let subset = |entry: &Entry| entry.subset.filter(|subset| subset.name == name);
    ENTRIES.iter().find_map(|entry| {
        let Subset { train, .. } = subset(entry)?;
        let (all, whole) = (entry.sizes[0], entry.name);
        Some(format!(
            "{name}: {train} of the {all} training examples of {whole}; results are not comparable with published ones"
        ))
    })
}

/// Whether a data set goes by that name, in any spelling: one that can be fetched, or the built-in digits.
#[must_use]
pub fn is_known(name: &str) -> bool {
    canonical(name) == "digits" || find(name).is_some()
}

/// The data set of that name, in any spelling.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    let name = canonical(name);
    ENTRIES.iter().find(|entry| entry.name == name)
}
