//! Compresses the licences that the program prints: 213 kB become 35.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;

const TEXT: &str = "../docs/third-party.txt";

fn main() -> std::io::Result<()> {
    writeln!(std::io::stdout(), "cargo::rerun-if-changed={TEXT}")?;
    let folder = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    let packed = File::create(folder.join("third-party.txt.gz"))?;
    let mut packed = GzEncoder::new(packed, Compression::best());
    std::io::copy(&mut File::open(TEXT)?, &mut packed)?;
    packed.finish()?;
    Ok(())
}
