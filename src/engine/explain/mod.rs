//! Explaining an operation: how it would be done, or was done.
//!
//! - [`subject`]: what is explained, and the answer

pub mod subject;
