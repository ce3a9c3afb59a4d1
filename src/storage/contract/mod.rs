//! What every backend keeps.
//!
//! - [`backend`]: the trait, and what it speaks in
//! - [`completion`]: the end of a durable verb
//! - [`latch`]: after a failed write nothing more is written

pub mod backend;
pub mod completion;
pub mod latch;
