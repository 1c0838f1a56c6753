#!/usr/bin/env bash
# rand 0.8: a weighted subset of many rows with small weights is hardly random
#
# Believed:  `choose_multiple_weighted` depends on the ratio of the weights only, so probabilities that add up to 1
#            do as well as any other weights.
# Happens:   0.8 gives row i the key u^(1/w). With 100,000 rows of weight 1/100,000, over 99 keys in 100 underflow
#            to 0. The ties are settled by position: of 20 draws of a tenth of the rows, the same rows come again
#            and again. The same weights times 100,000 give what they should, and so does rand 0.9 with either.
# Hurts:     whoever draws a coreset or a minibatch by normalised importance. The subset depends on the rows' order,
#            and most rows never come. No error, no warning, and small tests with few rows pass.
# Versions:  rand 0.8.8 (the newest of 0.8, which many crates still ask for) against rand 0.9.5
# Source:    https://github.com/rust-random/rand/issues/1476 (there with three weights near 1e-8), mended in 0.9
# Cost:      about 20 s, 2 MB to download; a Rust tool chain (1.85 or later)
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/src"
cat > "$work/Cargo.toml" <<'TOML'
[package]
name = "weighted"
version = "0.0.0"
edition = "2021"
[dependencies]
rand08 = { package = "rand", version = "=0.8.8" }
rand09 = { package = "rand", version = "=0.9.5" }
[workspace]
TOML
cat > "$work/src/main.rs" <<'RUST'
const ROWS: usize = 100_000;
const DRAWS: usize = 20;

/// How many rows come at least once, and how often the most frequent one comes.
fn spread(mut draw: impl FnMut(&[usize]) -> Vec<usize>) -> (usize, usize) {
    let rows: Vec<usize> = (0..ROWS).collect();
    let mut times = vec![0; ROWS];
    for _ in 0..DRAWS {
        draw(&rows).into_iter().for_each(|row| times[row] += 1);
    }
    (times.iter().filter(|&&n| n > 0).count(), *times.iter().max().unwrap())
}

fn old(weight: f64) -> (usize, usize) {
    use rand08::{rngs::StdRng, seq::SliceRandom, SeedableRng};
    let mut rng = StdRng::seed_from_u64(1);
    spread(|rows| rows.choose_multiple_weighted(&mut rng, ROWS / 10, |_| weight).unwrap().copied().collect())
}

fn new(weight: f64) -> (usize, usize) {
    use rand09::{rngs::StdRng, seq::IndexedRandom, SeedableRng};
    let mut rng = StdRng::seed_from_u64(1);
    spread(|rows| rows.choose_multiple_weighted(&mut rng, ROWS / 10, |_| weight).unwrap().copied().collect())
}

fn main() {
    let fair = ROWS as f64 * (1.0 - 0.9f64.powi(DRAWS as i32));
    println!("{DRAWS} draws of {} from {ROWS} rows of equal weight; about {fair:.0} rows should come", ROWS / 10);
    let small = 1.0 / ROWS as f64;
    let mut holds = true;
    for (name, (distinct, most), expected) in [
        ("rand 0.8.8, weights 1", old(1.0), 87_000..89_000),
        ("rand 0.8.8, weights 1/100000", old(small), 20_000..27_000),
        ("rand 0.9.5, weights 1", new(1.0), 87_000..89_000),
        ("rand 0.9.5, weights 1/100000", new(small), 87_000..89_000),
    ] {
        println!("{name:29} {distinct:6} rows come, one of them {most} times");
        if !expected.contains(&distinct) {
            println!("CHANGED: {name}: expected {expected:?} rows, came {distinct}");
            holds = false;
        }
    }
    if !holds {
        std::process::exit(1);
    }
    println!("holds: small weights spoil the draw in rand 0.8 alone");
}
RUST
cargo run --quiet --release --manifest-path "$work/Cargo.toml"
