//! Explain: how an operation would be executed, or was executed.
//!
//! - [`subject`]: the explained operation, and the result

pub(crate) mod subject;
