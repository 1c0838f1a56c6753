//! Pictures from numbers: grids of images as PNG, charts as SVG.

mod axis;
mod outliers;
pub mod picture;
pub mod plot;
pub mod reliability;
pub mod scatter;
pub mod svg;
pub mod tsne;
