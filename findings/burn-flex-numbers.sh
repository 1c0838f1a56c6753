#!/usr/bin/env bash
# burn on the CPU: means of columns are off by 1 %, a sum changes from call to call, and NaN sorts first or last
#
# Believed:  `mean_dim` is as accurate as `mean`; on one machine the same sum gives the same bits; NaN sorts last.
# Happens:   in the `flex` backend
#            - `sum_dim(0)` and `mean_dim(0)` add the rows of a column in one f32, one after the other. The mean of
#              10,000 rows of 0.1 is 0.09999, that of a million is 0.10096; `mean` gives 0.1000 for the same tensor;
#            - `sum` adds from 4,194,304 values on by threads, in an order that depends on which thread is free. Two
#              calls on the same tensor differ in the last bits, so a seed does not repeat a run;
#            - `sort` goes by the sign bit of NaN. What x86 makes of 0/0 has it set, so a NaN that was computed sorts
#              before minus infinity and one that was written as `f32::NAN` after infinity. `topk` keeps the one and
#              drops the other.
# Hurts:     whoever standardises a large table on the device, compares runs bit by bit, or takes the top k of scores
#            to be safe from NaN: a diverged score hides at the wrong end.
# Versions:  burn 0.22.1 (the newest), features std, autodiff, flex, simd, rayon
# Source:    burn-flex, src/ops/reduce.rs (`sum_f32_parallel`, `reduce_dim_f32`) and src/ops/sort.rs (`total_cmp`). No
#            report known.
# Cost:      about 5 minutes on two cores, 60 MB to download, 1 GB on disk; Rust 1.95 or later, x86, 2 cores or more
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/src"
cat > "$work/Cargo.toml" <<'TOML'
[package]
name = "numbers"
version = "0.0.0"
edition = "2024"
[dependencies]
burn = { version = "=0.22.1", default-features = false, features = ["std", "autodiff", "flex", "simd", "rayon"] }
[profile.dev]
opt-level = 1
debug = false
[workspace]
TOML
cat > "$work/src/main.rs" <<'RUST'
use std::collections::BTreeSet;
use std::hint::black_box;

use burn::tensor::{Device, Tensor, TensorData};

fn read<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec_as().unwrap()
}

fn vector(values: &[f32]) -> Tensor<1> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), &Device::flex())
}

fn main() {
    let mut holds = true;
    let mut check = |what: &str, came: String, is: bool| {
        println!("{what:44} {came}");
        if !is {
            println!("CHANGED: {what}: came {came}, see the head of this script");
            holds = false;
        }
    };

    for (rows, low, high) in [(10_000, 0.0998, 0.099_995), (1_000_000, 0.1005, 0.102)] {
        let column = Tensor::<2>::full([rows, 2], 0.1, &Device::flex());
        let by_column = read(column.clone().mean_dim(0))[0];
        let all = read(column.mean())[0];
        let what = format!("mean_dim(0) and mean of {rows} x 2 of 0.1");
        let is = (low..high).contains(&by_column) && (all - 0.1).abs() < 5e-5;
        check(&what, format!("{by_column} {all}"), is);
    }

    let mut state = 1u64;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / 8_388_608.0 - 1.0
    };
    let values: Vec<f32> = (0..20_000_000).map(|_| draw()).collect();
    for (count, same) in [(4_194_303, true), (20_000_000, false)] {
        let tensor = vector(&values[..count]);
        let sums: BTreeSet<String> = (0..300).map(|_| read(tensor.clone().sum())[0].to_string()).collect();
        let what = format!("300 sums of the same {count} values");
        let some: Vec<&str> = sums.iter().take(3).map(String::as_str).collect();
        let came = format!("{} different ones, such as {}", sums.len(), some.join(" "));
        check(&what, came, (sums.len() == 1) == same);
    }

    let computed = black_box(0.0f32) / black_box(0.0f32);
    for (what, nan, place, kept) in [("computed NaN", computed, 0, 0), ("f32::NAN", f32::NAN, 3, 1)] {
        let scores = vector(&[1.0, nan, f32::NEG_INFINITY, 2.0]);
        let sorted = read(scores.clone().sort(0));
        check(&format!("sort of [1, {what}, -inf, 2]"), format!("{sorted:?}"), sorted[place].is_nan());
        let top = read(scores.topk(2, 0));
        let nans = top.iter().filter(|score| score.is_nan()).count();
        check("topk of the same, the 2 largest", format!("{top:?}"), nans == kept);
    }
    if !holds {
        std::process::exit(1);
    }
    println!("holds: column means drift, large sums vary, and NaN sorts by its sign");
}
RUST
cargo run --quiet --manifest-path "$work/Cargo.toml"
