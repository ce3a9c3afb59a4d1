//! Change streams and live queries: what follows the commits.
//!
//! - `streams`: those that are open; `reads`: reading them, and waiting

mod reads;
pub(super) mod streams;
