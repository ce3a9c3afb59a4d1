//! Arrays.
//!
//! - `elements`: picking, joining, cutting
//! - `ranked`: extremes, sums and sorting; `percentile`: `$median` and `$percentile`
//! - `sets`: arrays as sets

pub(super) mod elements;
pub(in crate::query) mod percentile;
pub(super) mod ranked;
pub(super) mod sets;
