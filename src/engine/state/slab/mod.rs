//! The documents of a collection in insertion order: slots in pages, pages in chunks.
//!
//! A slot holds the newest version of a document and, while a view needs them, older ones. Slot numbers are never reused, so
//! a number is a permanent position in the natural order. A page of 64 slots is the unit of locking: a writer holds it for
//! the swap in one slot, a scan while it reads the page.
//!
//! - `slab`: the slots of one collection
//! - `page`: pages and chunks of slots, and what a view sees in a slot
//! - `below`: pages that come from a checkpoint, and go back
//! - `clock`: eviction and caching
//! - `lives`: slots after a restore, and copies of them

mod below;
mod clock;
mod lives;
mod page;
mod slab;

pub(crate) use below::Life;
pub(crate) use page::VisibleVersion;
pub(crate) use slab::Slab;

pub(crate) use super::version::{Content, OnDisk, SlotId, Span, Stamp, Version};
