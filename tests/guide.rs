//! The guide is true: every command of README.md and docs/guide is run, page by page and in the order of the page.
//!
//! The first line of a block says more than its language. After `sh`, `data=mnist` and `python=numpy,sklearn` name what the
//! commands need (without it they are skipped), `steps=2` how many steps they train, `files=PAGE` the page that shows the
//! files that they read. After any other language, a file name: that block is a file that the commands of the page find.
//! Training is cut short by [`WRAPPER`].
#![cfg(unix)]
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Commands that are not run here: how they begin, and who runs them.
const ELSEWHERE: &[(&str, &str)] = &[
    ("array=$(sbatch", "scripts/cluster-test.sh"),
    ("bash table.sh", "scripts/cluster-test.sh"),
    ("cargo install --path native", "`cargo xtask test` builds the same package"),
    ("cargo run --release -p gleaner-core --example", "tests/library.rs"),
    ("cargo xtask bench-peers", "people, on a machine that is left alone"),
    ("cargo xtask test", "itself: this test is part of it"),
    ("eval \"$(scripts/wasm-toolchain.sh)\"", "`cargo xtask browser`"),
    ("for id in {mnist,fashion}", "people, when the models of the page have changed"),
    ("gleaner data fetch", "native/tests/fetching.rs, from a server of its own"),
    ("gleaner serve", "tests/serve.rs and tests/remote.rs"),
    ("gleaner train --data ag-news --features", "tests/texts.rs, with features of its own"),
    ("gleaner train --data cifar-10 --features", "tests/texts.rs, with features of texts"),
    ("gleaner train --data photos", "native/tests/datasets.rs, with pictures of its own"),
    ("gleaner train --device cuda:0,cuda:1", "people, on a machine with NVIDIA GPUs"),
    ("gleaner train --device vulkan", "tests/parity.rs, on a software GPU"),
    ("gleaner train --device ws://", "tests/remote.rs"),
    ("openssl rand", "tests/remote.rs, with tokens of its own"),
    ("python docs/embed_texts.py", "people: it takes a language model"),
    ("python docs/embed_images.py", "people: it takes a network trained on ImageNet"),
    ("sbatch --dependency", "scripts/cluster-test.sh"),
    ("scripts/browser-bench.sh", "people, on a machine that is left alone"),
    ("scripts/browser-test.sh", "`cargo xtask browser`"),
    ("scripts/cuda.sh build", "`cargo xtask gpu`, which only checks"),
    ("scripts/gpu-build.sh", "people, before they go to a machine with an NVIDIA GPU"),
    (
        "scripts/gpu-check.sh",
        "tests/gpu_check.rs on the CPU, people on a machine with an NVIDIA GPU",
    ),
    ("scripts/screenshots.sh", "people, when the page has changed"),
    ("scripts/wasm-lint.sh", "`cargo xtask clippy-wasm`"),
    ("snakemake --cores", "scripts/cluster-test.sh"),
    ("ssh -N", "people, with machines of their own"),
    ("target/release/gleaner train --device cuda", "people, on a machine with an NVIDIA GPU"),
    ("trunk build --release", "`cargo xtask browser`, with another profile"),
    ("trunk serve", "people, while they change the page"),
];

/// Most lines of the README: a front door, not a manual.
const README_LINES: usize = 120;

/// Steps of a training, unless a block says otherwise.
const STEPS: &str = "20";

/// The program under test as `gleaner`, with settings that make training and tables short. A model that has hardly learnt is
/// sure of nothing, so any threshold of the entropy becomes one that all samples pass.
const WRAPPER: &str = r#"#!/bin/sh
last=
for word; do
    shift
    case $last in
    --max-entropy) word=9 ;;
    --draws) word=1 ;;
    esac
    last=$word
    set -- "$@" "$word"
done
all=" $* "
case $all in
*' --resume '*) ;;
' train '*)
    set -- "$@" --set train.steps="$STEPS" --set train.baseline-steps="$STEPS" --set train.feature-epochs=1
    case $all in *' --augment-at '*) set -- "$@" --set augment.at=10 --set augment.every=5 ;; esac
    ;;
' reproduce '*)
    case $all in *' --draws '*) ;; *) set -- "$@" --draws 1 ;; esac
    set -- "$@" --only M2 --set train.steps="$STEPS"
    ;;
esac
exec 'PROGRAM' "$@"
"#;

macro_rules! pages {
    ($($test:ident: $page:literal,)*) => {
        const PAGES: &[&str] = &[$($page),*];

        mod every_command_runs_in {
            $(#[test]
            fn $test() {
                super::run_page($page);
            })*
        }
    };
}

pages! {
    the_readme: "README.md",
    the_index: "docs/guide/README.md",
    browser: "docs/guide/browser.md",
    cluster: "docs/guide/cluster.md",
    teach: "docs/guide/teach.md",
    coresets: "docs/guide/coresets.md",
    gpu: "docs/guide/gpu.md",
    library: "docs/guide/library.md",
    models: "docs/guide/models.md",
    own_data: "docs/guide/own-data.md",
    predict: "docs/guide/predict.md",
    read_checkpoint: "docs/guide/read-checkpoint.md",
    reproducing_papers: "docs/guide/reproducing-papers.md",
    runs: "docs/guide/runs.md",
    sampling_and_filtering: "docs/guide/sampling-and-filtering.md",
    texts_and_tables: "docs/guide/texts-and-tables.md",
    traps: "docs/guide/traps.md",
}

#[test]
fn every_page_has_a_test_and_a_line_in_the_index() {
    let index = read("docs/guide/README.md");
    let files = fs::read_dir(repository().join("docs/guide")).unwrap();
    let names: BTreeSet<String> =
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    for name in &names {
        assert!(PAGES.contains(&format!("docs/guide/{name}").as_str()), "{name} has no test");
        let line = index.lines().any(|line| line.contains(&format!("]({name})")));
        assert!(line || name == "README.md", "docs/guide/README.md has no line for {name}");
    }
    assert_eq!(names.len() + 1, PAGES.len(), "a test has no page: {PAGES:?}, {names:?}");
}

#[test]
fn every_relative_link_leads_somewhere() {
    for page in PAGES {
        for (line, target) in links(&read(page)) {
            let (file, anchor) = target.split_once('#').unwrap_or((target.as_str(), ""));
            let here = repository().join(page);
            let there = match file {
                "" => here,
                file => here.parent().unwrap().join(file),
            };
            assert!(there.exists(), "{page}:{line}: {target} is not there");
            let found =
                anchor.is_empty() || anchors(&fs::read_to_string(&there).unwrap()).contains(anchor);
            assert!(found, "{page}:{line}: {file} has no heading for #{anchor}");
        }
    }
}

#[test]
fn every_recipe_that_is_named_exists() {
    for page in PAGES {
        let text = read(page);
        let words = text.split(|c: char| c.is_whitespace() || "`()".contains(c));
        for recipe in words.filter(|w| w.starts_with("recipes/") && w.ends_with(".toml")) {
            assert!(repository().join(recipe).is_file(), "{page}: {recipe} is not there");
        }
    }
}

#[test]
fn the_readme_is_short() {
    let lines = read("README.md").lines().count();
    assert!(
        lines <= README_LINES,
        "{lines} lines, of {README_LINES} at most: move some to the guide"
    );
}

#[test]
fn every_command_that_is_run_elsewhere_is_on_some_page() {
    let said: Vec<String> = PAGES
        .iter()
        .flat_map(|page| blocks(&read(page)))
        .filter(Block::is_shell)
        .flat_map(|block| commands(&block))
        .map(|command| command.text)
        .collect();
    for (beginning, _) in ELSEWHERE {
        let found = said.iter().any(|command| command.starts_with(beginning));
        assert!(found, "no page says `{beginning}` any more: remove it from ELSEWHERE");
    }
}

/// A fenced block.
#[derive(Debug)]
struct Block {
    /// The language and what follows it.
    words: Vec<String>,
    /// Number of its first line of text, counted from 1.
    line: usize,
    /// Its lines.
    text: Vec<String>,
}

/// A command as it is typed; lines that end in a backslash are put together.
#[derive(Debug)]
struct Typed {
    line: usize,
    text: String,
}

impl Block {
    fn is_shell(&self) -> bool {
        self.words.first().is_some_and(|language| language == "sh")
    }

    /// What follows `key=` on its first line, separated by commas.
    fn values(&self, key: &str) -> Vec<&str> {
        let values = self.words.iter().filter_map(|word| word.strip_prefix(key)?.strip_prefix('='));
        values.flat_map(|value| value.split(',')).collect()
    }

    /// What the commands need and this machine lacks.
    fn lacks(&self) -> Option<String> {
        let data = self.values("data").into_iter().find(|name| !has_data(name));
        let data = data.map(|name| format!("GLEANER_DATA names no folder with {name}"));
        data.or_else(|| {
            let packages = self.values("python");
            let missing = !packages.is_empty() && !python_imports(&packages);
            missing.then(|| format!("{} has no {}", python(), packages.join(", ")))
        })
    }
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(page: &str) -> String {
    fs::read_to_string(repository().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"))
}

/// The fenced blocks of a page, from top to bottom.
fn blocks(text: &str) -> Vec<Block> {
    let (mut blocks, mut open) = (Vec::new(), None);
    for (number, line) in text.lines().enumerate() {
        match (open.take(), line.strip_prefix("```")) {
            (None, Some(words)) => {
                let words = words.split_whitespace().map(str::to_owned).collect();
                open = Some(Block { words, line: number + 2, text: Vec::new() });
            }
            (Some(block), Some(_)) => blocks.push(block),
            (Some(mut block), None) => {
                block.text.push(line.to_owned());
                open = Some(block);
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed: {open:?}");
    blocks
}

fn commands(block: &Block) -> Vec<Typed> {
    let (mut commands, mut begun) = (Vec::new(), None::<Typed>);
    for (number, line) in block.text.iter().enumerate() {
        let line = line.trim();
        let mut command = begun
            .take()
            .unwrap_or_else(|| Typed { line: block.line + number, text: String::new() });
        match line.strip_suffix('\\') {
            Some(part) => {
                command.text += part;
                begun = Some(command);
            }
            None => {
                command.text += line;
                commands.push(command);
            }
        }
    }
    commands.retain(|command| !command.text.is_empty() && !command.text.starts_with('#'));
    commands
}

/// Runs what a page says, in a folder of its own.
fn run_page(page: &str) {
    let folder = Folder::new(page);
    let mut run = 0;
    for block in blocks(&read(page)) {
        if !block.is_shell() {
            folder.write_files(&[block]);
            continue;
        }
        for other in block.values("files") {
            folder.write_files(&blocks(&read(other)));
        }
        let lacks = block.lacks();
        for typed in commands(&block) {
            let place = format!("{page}:{}: {}", typed.line, typed.text);
            if ELSEWHERE.iter().any(|(beginning, _)| typed.text.starts_with(beginning)) {
                continue;
            }
            let known = ["gleaner ", "python ", "cargo run --release -- "];
            let ours = typed
                .text
                .split("&& ")
                .all(|part| known.iter().any(|start| part.starts_with(start)));
            assert!(
                ours,
                "{place}\nis neither run here nor in the table ELSEWHERE of tests/guide.rs"
            );
            match &lacks {
                Some(lacks) => eprintln!("skipped: {place}: {lacks}"),
                None => folder.run(&typed.text, &block, &place),
            }
            run += usize::from(lacks.is_none());
        }
    }
    eprintln!("{page}: {run} commands run");
}

/// A temporary folder in which the folders of the repository are found, removed at the end unless a command failed.
struct Folder(PathBuf);

impl Folder {
    fn new(page: &str) -> Self {
        let name = page.replace('/', "-").replace(".md", "");
        let path = std::env::temp_dir().join(format!("gleaner-{}-{name}", std::process::id()));
        let folder = Self(path);
        fs::create_dir_all(folder.0.join("bin")).unwrap();
        for shared in ["docs", "recipes", "scripts", "web"] {
            symlink(repository().join(shared), folder.0.join(shared)).unwrap();
        }
        let program = Path::new(env!("CARGO_BIN_EXE_gleaner_under_test")).canonicalize().unwrap();
        folder.script("gleaner", &WRAPPER.replace("PROGRAM", &program.display().to_string()));
        folder.script("python", &format!("#!/bin/sh\nexec '{}' \"$@\"\n", python()));
        folder
    }

    fn script(&self, name: &str, text: &str) {
        let path = self.0.join("bin").join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Writes the files that a page shows, in folders that may not be there yet.
    fn write_files(&self, blocks: &[Block]) {
        for block in blocks.iter().filter(|block| !block.is_shell()) {
            let Some(name) = block.words.get(1) else { continue };
            let path = self.0.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, block.text.join("\n") + "\n").unwrap();
        }
    }

    fn run(&self, text: &str, block: &Block, place: &str) {
        let mut path = OsString::from(self.0.join("bin"));
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let mut command = Command::new("sh");
        command
            .args(["-c", &text.replace("cargo run --release -- ", "gleaner ")])
            .current_dir(&self.0)
            .stdin(Stdio::null())
            .env("PATH", path)
            .env("STEPS", block.values("steps").first().unwrap_or(&STEPS))
            // What the user of this machine has fetched must not make a command work that says nothing of it.
            .env("XDG_CACHE_HOME", self.0.join("cache"));
        match data_folder().filter(|_| !block.values("data").is_empty()) {
            Some(data) => command.env("GLEANER_DATA", data),
            None => command.env_remove("GLEANER_DATA"),
        };
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "{place}\nended with {}, in {}\n{}{}",
            output.status,
            self.0.display(),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }
}

fn data_folder() -> Option<PathBuf> {
    let folder = std::env::var_os("GLEANER_DATA").filter(|folder| !folder.is_empty())?;
    Some(PathBuf::from(folder).canonicalize().unwrap())
}

/// Whether a data set is there, by either spelling of its folder.
fn has_data(name: &str) -> bool {
    data_folder().is_some_and(|folder| {
        [name.to_owned(), name.replace('-', "_")].iter().any(|n| folder.join(n).is_dir())
    })
}

/// Python; a path is made absolute, for the commands have a folder of their own.
fn python() -> String {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    match python.contains('/') {
        true => std::path::absolute(python).unwrap().display().to_string(),
        false => python,
    }
}

fn python_imports(packages: &[&str]) -> bool {
    let import = format!("import {}", packages.join(", "));
    let said = Command::new(python()).args(["-c", &import]).output();
    said.is_ok_and(|said| said.status.success())
}

/// Lines and targets of the links of a page that lead to its own repository, pictures included, blocks left out.
fn links(text: &str) -> Vec<(usize, String)> {
    let (mut links, mut inside) = (Vec::new(), false);
    for (number, line) in text.lines().enumerate() {
        inside ^= line.starts_with("```");
        for part in line.split("](").skip(1).filter(|_| !inside) {
            let target = part.split(')').next().unwrap_or_default();
            if !target.contains("://") {
                links.push((number + 1, target.to_owned()));
            }
        }
    }
    links
}

/// What leads to the headings of a page: in small letters, a hyphen for a space, without punctuation; the second of a
/// name ends in -1.
fn anchors(text: &str) -> BTreeSet<String> {
    let (mut seen, mut inside) = (BTreeMap::<String, usize>::new(), false);
    let mut anchors = BTreeSet::new();
    for line in text.lines() {
        inside ^= line.starts_with("```");
        let heading = line.trim_start_matches('#');
        if inside || heading.len() == line.len() || !heading.starts_with(' ') {
            continue;
        }
        let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        let name = kept.collect::<String>().to_lowercase().replace(' ', "-");
        let count = seen.entry(name.clone()).or_default();
        anchors.insert(if *count == 0 { name } else { format!("{name}-{count}") });
        *count += 1;
    }
    anchors
}
