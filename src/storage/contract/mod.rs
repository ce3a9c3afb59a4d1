//! The contract of every backend.
//!
//! - [`backend`]: the trait and its types
//! - [`completion`]: the result of a durable call
//! - [`latch`]: after a failed write nothing more is written

pub(crate) mod backend;
pub(crate) mod completion;
pub(crate) mod latch;
