//! Finds that go on: live queries, whose result follows the commits, and tailable cursors.
//!
//! - `live`: the steps of a live query; `window`: the documents of its result in order
//! - `tail`: the steps of a tailable cursor

pub(crate) mod live;
pub(crate) mod tail;
mod window;
