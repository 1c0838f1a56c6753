//! No bytes, however strange, make a parser panic, hang or allocate without measure.

use proptest::prelude::*;

use super::ag_news::parse_ag_news;
use super::cifar::{parse_cifar10, parse_cifar100};
use super::csv::parse_csv;
use super::hepmass::parse_hepmass;
use super::idx::{parse_idx, write_idx};
use super::mat::{parse_mat, tests as mat};
use super::miniboone::parse_miniboone;
use super::mosaic::{CIFAR10, Layout, parse_mosaic};
use super::npy::{NpyArray, parse_npy, write_npy};
use super::npz::{parse_npz, write_npz};
use super::picture::decode_picture;
use super::protein::parse_protein;
use super::svhn::parse_svhn;
use super::text_csv::parse_text_csv;
use crate::data::words;

/// Every parser on the same bytes; what they return does not matter, that they return does.
fn parse_with_all(bytes: &[u8]) {
    let _ = parse_idx(bytes, "f");
    let _ = parse_cifar10(bytes, "f");
    let _ = parse_cifar100(bytes, "f");
    let _ = parse_mosaic(bytes, CIFAR10, "f");
    let _ = parse_mosaic(bytes, Layout { rows: 2, columns: 2, side: 2 }, "f");
    let _ = parse_mat(bytes, "f");
    let _ = parse_svhn(bytes, "f");
    let _ = parse_csv(bytes, None, "f");
    let _ = parse_protein(bytes, "f");
    let _ = parse_ag_news(bytes, "f");
    let _ = parse_miniboone(bytes, "f");
    let _ = parse_hepmass((&mut &*bytes, "f"), (&mut &*bytes, "g"), 2);
    let _ = parse_text_csv(bytes, "a", None, "f");
    let _ = words(&String::from_utf8_lossy(bytes));
    let _ = parse_npy(bytes, "f");
    let _ = parse_npz(bytes, "f", "f");
    let _ = decode_picture(bytes, "f");
}

/// Small valid files of every format.
fn seeds() -> Vec<Vec<u8>> {
    let labels: Vec<i64> = (0..12).map(|row| row % 2).collect();
    let x = NpyArray::f32(&[12, 2], vec![0.5; 24]);
    let y = NpyArray::i64(&[12], labels);
    let mut webp = Vec::new();
    image_webp::WebPEncoder::new(&mut webp)
        .encode(&[9; 4 * 4 * 3], 4, 4, image_webp::ColorType::Rgb8)
        .unwrap();
    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(4, 4, image::Rgb([1, 2, 3]))
        .write_to(&mut png, image::ImageFormat::Png)
        .unwrap();
    vec![
        write_idx(&[2, 2, 2], &[7; 8]),
        mat::file(&[mat::matrix("X", 9, &[2, 3], 2, &[1; 6]), mat::matrix("y", 9, &[1], 2, &[1])]),
        mat::matrix("X", 9, &[2, 3], 2, &[1; 6]),
        b"a,b,label\n1,2,0\n3,4,1\n".to_vec(),
        b"1,&lt;b&gt;goal&lt;/b&gt;,\"say \"\"x\"\"\"\n4,<a,quot;\n".to_vec(),
        write_npy(&x),
        write_npz(&[("x", x), ("y", y)]).unwrap(),
        webp,
        png.into_inner(),
        vec![1; 3073],
        format!(" 1 1\n{0}\n{0}\n", " 1.5".repeat(50)).into_bytes(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        parse_with_all(&bytes);
    }

    #[test]
    fn damaged_files_never_panic(
        seed in 0..11usize,
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        keep in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let mut bytes = seeds().swap_remove(seed);
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if cut {
            bytes.truncate(keep.index(bytes.len()));
        }
        parse_with_all(&bytes);
    }
}
