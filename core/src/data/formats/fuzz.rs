//! No bytes, however strange, make a parser panic, hang or allocate without measure: every parser, and small files of every format to
//! begin with. The tests here are quick; `fuzz/` looks longer.
#![allow(clippy::unwrap_used, reason = "files that are made here are whole")]

use super::ag_news::parse_ag_news;
use super::arrays::{read_arrays, read_npy_pair};
use super::cifar::{parse_cifar10, parse_cifar100};
use super::csv::read_csv;
use super::hepmass::parse_hepmass;
use super::idx::{parse_idx, write_idx};
use super::json_lines::read_json;
use super::mat::{made as mat, parse_mat};
use super::miniboone::parse_miniboone;
use super::mosaic::{CIFAR, Layout, parse_mosaic};
use super::npy::{NpyArray, parse_npy, write_npy};
use super::npz::{Npz, NpzWriter, write_npz};
use super::npz_rows::Selection;
use super::picture::{decode_picture, picture_head};
use super::protein::parse_protein;
use super::svhn::parse_svhn;
use crate::data::words;

/// Every parser of tables and texts. What they return does not matter, that they return does.
pub fn parse_tables(bytes: &[u8]) {
    let _ = read_csv(bytes, "f");
    let _ = read_json(bytes, "f");
    let _ = parse_protein(bytes, "f");
    let _ = parse_ag_news(bytes, "f");
    let _ = parse_miniboone(bytes, "f");
    let _ = parse_hepmass((&mut &*bytes, "f"), (&mut &*bytes, "g"), 2);
    let _ = words(&String::from_utf8_lossy(bytes));
}

/// Every parser of arrays.
pub fn parse_arrays(bytes: &[u8]) {
    let _ = parse_idx(bytes, "f");
    let _ = parse_cifar10(bytes, "f");
    let _ = parse_cifar100(bytes, "f");
    let _ = parse_mat(bytes, "f");
    let _ = parse_svhn(bytes, "f");
    if let Ok(x) = parse_npy(bytes, "f") {
        let _ = read_npy_pair(x.clone(), Some(&x), "f");
    }
    if let Ok(mut npz) = Npz::open(bytes, "f") {
        let _ = read_arrays(&mut npz);
        for name in npz.names() {
            let _ = (npz.range(&name), npz.rows(&name, &[1, 0]), npz.kept_shape(&name));
        }
        let (of, rows, whole, without) = (2, &[1, 0, 1][..], None, &["y"][..]);
        let mut to = NpzWriter::new(std::io::Cursor::new(Vec::new()));
        let _ = npz.hand_on(&Selection { of, rows, whole, without }, &mut to);
    }
}

/// Every parser of pictures.
pub fn parse_pictures(bytes: &[u8]) {
    let _ = parse_mosaic(bytes, CIFAR, "f");
    let _ = parse_mosaic(bytes, Layout { rows: 2, columns: 2, side: 2 }, "f");
    let _ = picture_head(bytes, "f");
    if let Ok(picture) = decode_picture(bytes, "f") {
        let _ = picture.fitted([3, 2, 3]);
    }
}

/// Small tables and texts.
pub fn tables() -> Vec<Vec<u8>> {
    vec![
        b"a,b,label\n1,2,0\n3,4,1\n".to_vec(),
        b"a;b\n1,5;\"x\"\"\"\n1.234,5;\"y\ny\"\n".to_vec(),
        b"{\"a\":1,\"b\":[1,2]}\n{\"a\":\"x\",\"b\":[3,null]}\n".to_vec(),
        b"{\"a\":{\"0\":1,\"1\":2},\"b\":{\"0\":\"x\",\"1\":null}}".to_vec(),
        b"{\"0\":{\"a\":1,\"b\":\"x\"},\"1\":{\"b\":null,\"a\":2}}".to_vec(),
        b"{\"columns\":[\"a\",[\"b\",1]],\"index\":[0,1],\"data\":[[1,\"x\"],[2,null]]}".to_vec(),
        b"{\"schema\":{\"primaryKey\":[\"i\"]},\"data\":[{\"i\":0,\"a\":1}]}".to_vec(),
        b"[[\"a\",\"b\"],[1,\"x\"],[2,[3]]]".to_vec(),
        b"a,b\n1,x\n\xef\xbb\xbf\"a\",b\n2,y\n".to_vec(),
        b",s,s,y\n,l,w,\nid,,,\n0,1,2,x\n1,3,4,y\n".to_vec(),
        b"a,b\n\"5,1\",\"1,234\"\n".to_vec(),
        b"1,&lt;b&gt;goal&lt;/b&gt;,\"say \"\"x\"\"\"\n4,<a,quot;\n".to_vec(),
        format!(" 1 1\n{0}\n{0}\n", " 1.5".repeat(50)).into_bytes(),
    ]
}

/// Small files of arrays.
pub fn arrays() -> Vec<Vec<u8>> {
    let labels: Vec<i64> = (0..12).map(|row| row % 2).collect();
    let x = NpyArray::f32(&[12, 2], vec![0.5; 24]);
    let y = NpyArray::i64(&[12], labels);
    vec![
        write_idx(&[2, 2, 2], &[7; 8]),
        mat::file(&[mat::matrix("X", 9, &[2, 3], 2, &[1; 6]), mat::matrix("y", 9, &[1], 2, &[1])]),
        mat::matrix("X", 9, &[2, 3], 2, &[1; 6]),
        write_npy(&x),
        write_npz(&[("x", x), ("y", y)]).unwrap(),
        vec![1; 3073],
        write_npy(&NpyArray::texts(["three", "four"])),
        sparse(),
    ]
}

/// Small pictures.
pub fn pictures() -> Vec<Vec<u8>> {
    let mut webp = Vec::new();
    image_webp::WebPEncoder::new(&mut webp)
        .encode(&[9; 4 * 4 * 3], 4, 4, image_webp::ColorType::Rgb8)
        .unwrap();
    let picture = |format: image::ImageFormat| {
        let mut bytes = std::io::Cursor::new(Vec::new());
        let picture = image::RgbImage::from_pixel(4, 4, image::Rgb([1, 2, 3]));
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    };
    vec![
        webp,
        picture(image::ImageFormat::Png),
        picture(image::ImageFormat::Jpeg),
        picture(image::ImageFormat::Tiff),
        picture(image::ImageFormat::Gif),
        clear_picture(),
    ]
}

/// A picture with 16 bits a channel that is half transparent.
fn clear_picture() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let pixel = image::LumaA([1000, 1 << 15]);
    let picture = image::ImageBuffer::<image::LumaA<u16>, Vec<u16>>::from_pixel(4, 4, pixel);
    image::DynamicImage::ImageLumaA16(picture)
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

/// A matrix of two rows as SciPy writes it, with labels and names of classes.
fn sparse() -> Vec<u8> {
    let list = |values: &[i64]| NpyArray::i64(&[values.len()], values.to_vec());
    write_npz(&[
        ("format", NpyArray { shape: vec![], ..NpyArray::texts(["csr"]) }),
        ("shape", list(&[2, 3])),
        ("data", list(&[1, 2])),
        ("indices", list(&[2, 0])),
        ("indptr", list(&[0, 1, 2])),
        ("y", NpyArray::texts(["a", "b"])),
        ("classes", NpyArray::texts(["a", "b"])),
    ])
    .unwrap()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::npy::NpyValues;
    use super::*;

    fn parse_with_all(bytes: &[u8]) {
        parse_tables(bytes);
        parse_arrays(bytes);
        parse_pictures(bytes);
    }

    fn seeds() -> Vec<Vec<u8>> {
        [tables(), arrays(), pictures()].concat()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            parse_with_all(&bytes);
        }

        /// Checksums keep damaged arrays of an archive from its readers, so that these are whole, and senseless.
        #[test]
        fn senseless_arrays_never_panic(
            names in prop::sample::select(vec![
                vec!["format", "shape", "data", "indices", "indptr", "row", "col", "y"],
                vec!["x", "y", "x_test", "y_test", "unlabelled", "classes"],
                vec!["arr_0", "arr_1", "arr_2", "arr_3"],
            ]),
            format in prop::sample::select(vec!["csr", "csc", "coo"]),
            arrays in prop::collection::vec((prop::collection::vec(0..4usize, 0..5), 0..4), 8),
            values in prop::collection::vec(-2..6i64, 256),
        ) {
            let array = |at: usize| {
                let (shape, kind) = arrays[at].clone();
                let values = values[..shape.iter().product()].to_vec();
                let texts = || values.iter().map(ToString::to_string).collect();
                let values = match kind {
                    0 => NpyValues::U8(values.iter().map(|&value| value as u8).collect()),
                    1 => NpyValues::F32(values.iter().map(|&value| value as f32 / 2.0).collect()),
                    2 => NpyValues::Text(texts()),
                    _ => NpyValues::I64(values),
                };
                NpyArray { shape, values }
            };
            let shape = NpyArray::i64(&[2], values[..2].to_vec());
            let named = names.iter().enumerate().map(|(at, &name)| match name {
                "format" => (name, NpyArray { shape: vec![], ..NpyArray::texts([format]) }),
                // Of senseless lists most are no shape.
                "shape" if values[2] > 0 => (name, shape.clone()),
                _ => (name, array(at)),
            });
            let bytes = write_npz(&named.collect::<Vec<_>>()).unwrap();
            parse_with_all(&bytes);
        }

        #[test]
        fn damaged_files_never_panic(
            seed in any::<prop::sample::Index>(),
            flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
            keep in any::<prop::sample::Index>(),
            cut in any::<bool>(),
        ) {
            let mut seeds = seeds();
            let mut bytes = seeds.swap_remove(seed.index(seeds.len()));
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
}
