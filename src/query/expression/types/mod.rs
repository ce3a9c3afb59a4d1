//! Types of values.
//!
//! - `convert`: conversions; `sizes`: sizes in bytes

pub(super) mod convert;
pub(super) mod sizes;
