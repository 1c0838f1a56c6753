//! Between JavaScript and the programs of the page: [`asked`] reads what comes, [`exchange`] writes what goes back, [`backend`] opens
//! the device.

pub mod asked;
pub mod backend;
pub mod exchange;
