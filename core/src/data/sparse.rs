//! Rows of counts that are mostly zero, compressed: what texts are as bags of words.

/// Rows of counts. Of each row only what is not zero is kept: 25 words of a vocabulary of 30,000, say.
#[derive(Clone, Debug, PartialEq)]
pub struct SparseRows {
    columns: usize,
    /// Where the entries of each row end.
    ends: Vec<usize>,
    places: Vec<u32>,
    counts: Vec<f32>,
}

impl SparseRows {
    /// No rows yet, of so many columns.
    #[must_use]
    pub fn new(columns: usize) -> Self {
        Self { columns, ends: Vec::new(), places: Vec::new(), counts: Vec::new() }
    }

    /// Adds a row: columns and what stands there, every column once.
    ///
    /// # Panics
    /// There is no such column.
    pub fn push(&mut self, row: impl IntoIterator<Item = (u32, f32)>) {
        for (place, count) in row {
            assert!((place as usize) < self.columns, "column {place} of {}", self.columns);
            self.places.push(place);
            self.counts.push(count);
        }
        self.ends.push(self.places.len());
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.ends.len()
    }

    /// Number of columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Columns of a row and what stands there; zero everywhere else.
    ///
    /// # Panics
    /// The row is out of range.
    pub fn row(&self, row: usize) -> impl Iterator<Item = (usize, f32)> {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        let entries = start..self.ends[row];
        let places = self.places[entries.clone()].iter().map(|&place| place as usize);
        places.zip(self.counts[entries].iter().copied())
    }

    /// Everything that is kept, row by row.
    #[must_use]
    pub fn counts(&self) -> &[f32] {
        &self.counts
    }

    /// The chosen rows, in the given order.
    ///
    /// # Panics
    /// A row is out of range.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        let mut out = Self::new(self.columns);
        for &row in rows {
            out.push(self.row(row).map(|(place, count)| (place as u32, count)));
        }
        out
    }

    /// The chosen rows with their zeros, row-major `[rows.len(), columns]`.
    ///
    /// # Panics
    /// A row is out of range.
    #[must_use]
    pub fn dense(&self, rows: &[usize]) -> Vec<f32> {
        let mut out = vec![0.0; rows.len() * self.columns];
        for (&row, out) in rows.iter().zip(out.chunks_exact_mut(self.columns.max(1))) {
            for (place, count) in self.row(row) {
                out[place] = count;
            }
        }
        out
    }

    /// Appends the rows of `other`.
    ///
    /// # Panics
    /// The numbers of columns differ.
    pub fn append(&mut self, other: &Self) {
        assert_eq!(self.columns, other.columns, "columns");
        let before = self.places.len();
        self.ends.extend(other.ends.iter().map(|end| before + end));
        self.places.extend_from_slice(&other.places);
        self.counts.extend_from_slice(&other.counts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> SparseRows {
        let mut rows = SparseRows::new(4);
        rows.push([(1, 2.0), (3, 1.0)]);
        rows.push([]);
        rows.push([(0, 5.0)]);
        rows
    }

    #[test]
    fn rows_come_back_with_their_zeros() {
        let (rows, none) = (rows(), [0.0; 4]);
        assert_eq!(rows.dense(&[2, 0]), [5.0, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0, 1.0]);
        assert_eq!(rows.dense(&[1]), none);
        assert_eq!(rows.row(0).collect::<Vec<_>>(), [(1, 2.0), (3, 1.0)]);
    }

    #[test]
    fn chosen_and_appended_rows_are_those_of_the_dense_ones() {
        let rows = rows();
        let chosen = rows.select(&[2, 1, 0, 2]);
        assert_eq!(chosen.dense(&[0, 1, 2, 3]), rows.dense(&[2, 1, 0, 2]));
        let mut both = rows.clone();
        both.append(&chosen);
        assert_eq!(both.rows(), 7);
        assert_eq!(both.dense(&[3, 5, 6, 0]), rows.dense(&[2, 0, 2, 0]));
    }
}
