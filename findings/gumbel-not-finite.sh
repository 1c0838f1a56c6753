#!/usr/bin/env bash
# Gumbel noise in Rust: rand_distr gives infinity in f32, statrs gives NaN always
#
# Believed:  a library's Gumbel sampler is free of the trap that everyone knows from -ln(-ln(u)) by hand: u = 0 or 1.
# Happens:   rand_distr's `Gumbel<f32>` draws u from (0, 1], the end 1 with it, so about one draw in 16.8 million is
#            +infinity. `Gumbel<f64>` has the same flaw once in 2^53. statrs' `Gumbel` takes the logarithm of a
#            negative number: every draw is NaN, at any parameters, though its density and moments are right.
# Hurts:     whoever trains with Gumbel-softmax or samples by the Gumbel-max trick. A softmax with one infinity in it
#            is NaN. 100 relaxed labels of 10 classes a step meet the infinity about every 17,000 steps, so whether a
#            run lives depends on its seed.
# Versions:  rand_distr 0.6.0 and 0.5.1, statrs 0.19.1 (each the newest of its line)
# Source:    rand_distr, src/gumbel.rs: `OpenClosed01`. statrs: https://github.com/statrs-dev/statrs/issues/461
# Cost:      about 30 s, 5 MB to download; a Rust tool chain (1.89 or later)
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/src"
cat > "$work/Cargo.toml" <<'TOML'
[package]
name = "gumbel"
version = "0.0.0"
edition = "2021"
[dependencies]
rand09 = { package = "rand", version = "=0.9.5" }
rand10 = { package = "rand", version = "=0.10.4" }
rand_distr05 = { package = "rand_distr", version = "=0.5.1" }
rand_distr06 = { package = "rand_distr", version = "=0.6.0" }
statrs = { version = "=0.19.1", default-features = false, features = ["std", "rand"] }
[workspace]
TOML
cat > "$work/src/main.rs" <<'RUST'
const DRAWS: usize = 200_000_000;
/// 200 million / 2^24 = 11.9 are due; this leaves room for another generator's luck.
const DUE: std::ops::RangeInclusive<usize> = 2..=30;

fn count(name: &str, draws: usize, expected: std::ops::RangeInclusive<usize>, mut draw: impl FnMut() -> f64) -> bool {
    let (mut infinite, mut nan, mut most) = (0, 0, f64::MIN);
    for _ in 0..draws {
        let x = draw();
        match x {
            x if x.is_nan() => nan += 1,
            x if x.is_infinite() => infinite += 1,
            x => most = most.max(x),
        }
    }
    let most = if nan == draws { "none".into() } else { most.to_string() };
    println!("{name:25} {draws:9} draws  infinite {infinite}  NaN {nan}  greatest finite {most}");
    let holds = expected.contains(&(infinite + nan));
    if !holds {
        println!("CHANGED: {name}: expected {expected:?} draws not finite, came {}", infinite + nan);
    }
    holds
}

fn main() {
    let mut nine = <rand09::rngs::StdRng as rand09::SeedableRng>::seed_from_u64(1);
    let mut ten = <rand10::rngs::StdRng as rand10::SeedableRng>::seed_from_u64(1);
    let gumbel05 = rand_distr05::Gumbel::<f32>::new(0.0, 1.0).unwrap();
    let gumbel06 = rand_distr06::Gumbel::<f32>::new(0.0, 1.0).unwrap();
    let statrs = statrs::distribution::Gumbel::new(0.0, 1.0).unwrap();
    let holds = [
        count("rand_distr 0.5.1, f32", DRAWS, DUE, || rand_distr05::Distribution::sample(&gumbel05, &mut nine).into()),
        count("rand_distr 0.6.0, f32", DRAWS, DUE, || rand_distr06::Distribution::sample(&gumbel06, &mut ten).into()),
        count("statrs 0.19.1", 1000, 1000..=1000, || rand10::distr::Distribution::<f64>::sample(&statrs, &mut ten)),
    ];
    if holds.contains(&false) {
        std::process::exit(1);
    }
    println!("holds: Gumbel noise from these crates is not always finite");
}
RUST
cargo run --quiet --release --manifest-path "$work/Cargo.toml"
