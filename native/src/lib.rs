//! Gleaner.
