//! A column of words that grows cell by cell.

use std::collections::HashMap;

use crate::data::table::{Cells, MISSING};

/// Words so far, and where each of them stands.
#[derive(Default)]
pub(super) struct WordColumn {
    codes: Vec<u32>,
    words: Vec<String>,
    places: HashMap<String, u32>,
}

impl WordColumn {
    /// Adds a word, or a cell without one.
    pub(super) fn push(&mut self, word: Option<&str>) {
        let code = match word {
            None => MISSING,
            Some(word) => match self.places.get(word) {
                Some(&code) => code,
                None => {
                    let code = self.words.len() as u32;
                    self.words.push(word.to_owned());
                    self.places.insert(word.to_owned(), code);
                    code
                }
            },
        };
        self.codes.push(code);
    }

    /// Adds cells without a word until there are so many.
    pub(super) fn fill(&mut self, rows: usize) {
        self.codes.resize(rows, MISSING);
    }

    pub(super) fn into_cells(self) -> Cells {
        Cells::Words { codes: self.codes, words: self.words }
    }
}
