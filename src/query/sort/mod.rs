//! Sort orders, and the keys that documents have in them.
//!
//! - [`spec`]: the paths of a sort, each with its `direction`
//! - `candidate`: the values of a document at a path, and which of them it sorts by
//! - [`key`]: the key of a document; `head`: its first 64 bits, which decide most comparisons; `bytes`: its form on disk
//! - [`ranker`]: a sort prepared for many documents

mod bytes;
mod candidate;
mod direction;
mod head;
mod key;
mod ranker;
mod spec;

pub(crate) use key::SortKey;
pub(crate) use ranker::Ranker;
pub use spec::Sort;
