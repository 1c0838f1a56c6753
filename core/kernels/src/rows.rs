//! Cells of maps as the rows of a matrix.

/// How many of `cells` rows of `maps` values to put side by side as one row, all rows alike: a loop over a handful of
/// values is hardly begun when it ends.
pub fn abreast(cells: usize, maps: usize) -> usize {
    /// Values that make a row long enough.
    const ENOUGH: usize = 128;
    let mut count = 1;
    while count * maps < ENOUGH && cells.is_multiple_of(2 * count) {
        count *= 2;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_share_the_cells_out_evenly_and_stop_when_long_enough() {
        for (cells, maps, expected) in
            [(784, 1, 16), (784, 16, 8), (784, 128, 1), (783, 1, 1), (6, 3, 2), (1 << 20, 3, 64)]
        {
            assert_eq!(abreast(cells, maps), expected, "{cells} cells of {maps}");
            assert_eq!(cells % expected, 0);
        }
    }
}
