//! Documents in an order that no index gives.
//!
//! - `top_k`: the first of them, or all; `sorted`: the result, in memory or on disk

mod sorted;
pub(super) mod top_k;

pub(super) use sorted::SortedDocuments;
