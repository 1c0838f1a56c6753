//! Copies of pictures that are moved by some pixels: whoever knows that pictures may lie elsewhere learns more from few of them.

use gleaner_core::data::{Examples, Values};

/// Copies of each picture: moved to all eight sides.
pub const COPIES: usize = 8;

/// Where to, in shifts.
const SIDES: [[isize; 2]; COPIES] =
    [[-1, -1], [-1, 0], [-1, 1], [0, -1], [0, 1], [1, -1], [1, 0], [1, 1]];

/// [`COPIES`] of each of some pictures, one picture's after the other's, moved by `shift` pixels. What comes in at a side is what was there.
/// `None` of what are no pictures, or of no shift.
pub fn copies(examples: &Examples, rows: &[usize], shift: usize) -> Option<Examples> {
    let &[height, width, channels] = &examples.shape[..] else { return None };
    if shift == 0 {
        return None;
    }
    let pictures = examples.gather(rows);
    let mut values = Vec::with_capacity(pictures.len() * COPIES);
    for picture in pictures.chunks_exact(height * width * channels) {
        for [down, right] in SIDES {
            let from = |at: usize, side: isize, length: usize| {
                let from = at as isize - side * shift as isize;
                from.clamp(0, length as isize - 1) as usize
            };
            for y in 0..height {
                for x in 0..width {
                    let at = (from(y, down, height) * width + from(x, right, width)) * channels;
                    values.extend_from_slice(&picture[at..at + channels]);
                }
            }
        }
    }
    let labels = rows.iter().flat_map(|&row| [examples.labels[row]; COPIES]).collect();
    Some(Examples { values: Values::F32(values), shape: examples.shape.clone(), labels })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_moved_to_all_sides() {
        let picture: Vec<f32> = (0..9).map(|value| value as f32).collect();
        let examples =
            Examples { values: Values::F32(picture), shape: vec![3, 3, 1], labels: vec![4] };
        let moved = copies(&examples, &[0], 1).unwrap();
        assert_eq!(moved.labels, [4; 8]);
        // Down and to the right: the first row and column stay.
        assert_eq!(moved.gather(&[7]), [0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 3.0, 3.0, 4.0]);
        // To the left.
        assert_eq!(moved.gather(&[3]), [1.0, 2.0, 2.0, 4.0, 5.0, 5.0, 7.0, 8.0, 8.0]);
        assert!(copies(&examples, &[0], 0).is_none());
        assert!(copies(&Examples { shape: vec![9], ..examples }, &[0], 1).is_none());
    }
}
