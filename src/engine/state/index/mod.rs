//! An index of a collection: its entries, by key and slot.
//!
//! - `index`: the index as commits and readers use it
//! - `layers`: entries that do not change: of a checkpoint, or on the way to one
//! - `events`: changes that some views do not see

mod events;
mod index;
mod layers;

pub use index::Index;
pub(crate) use layers::Layer;
