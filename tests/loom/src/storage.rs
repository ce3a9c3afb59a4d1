//! The real commit queue and completions, compiled here in the folders that they name each other by.

pub use contract::backend::{Block, BlockPlace, Lsn};
pub use scenarios::ALL;

pub mod contract;
mod log;
mod scenarios;
