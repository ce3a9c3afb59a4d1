//! The real commit queue and completions, compiled here under the module paths that they use.

pub use contract::backend::{Block, BlockPlace, Lsn, Part};
pub use scenarios::ALL;

pub mod contract;
mod log;
/// Named by the contract; no part of the models.
pub mod pages {
    pub mod pointer {
        pub struct Pointer;
    }
}
mod scenarios;
