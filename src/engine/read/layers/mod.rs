//! What a transaction reads: what it has written, over the state of its view.
//!
//! - [`source`]: what an operation reads
//! - [`defined_views`]: the views that programs have made, and reads of them as pipelines
//! - [`own`]: what its transaction has written to a collection
//! - [`read_set`]: what a serializable one has read
//! - `overlay`: the documents of both that match, as one

pub(crate) mod defined_views;
pub(super) mod overlay;
pub(crate) mod own;
pub(crate) mod read_set;
pub(crate) mod source;
