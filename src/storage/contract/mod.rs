//! The contract of every backend.
//!
//! - [`backend`]: the trait and its types
//! - `block`: payloads, where they are, and parts of them
//! - [`completion`]: the result of a durable call
//! - [`latch`]: after a failed write nothing more is written

pub(crate) mod backend;
mod block;
pub(crate) mod completion;
pub(crate) mod latch;
