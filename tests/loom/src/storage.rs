//! The real commit queue and completions, compiled here, with what they name.

#![allow(dead_code, reason = "the files come whole")]

#[path = "../../../src/storage/backend.rs"]
pub mod backend;
#[path = "../../../src/storage/completion.rs"]
pub mod completion;
#[path = "../../../src/storage/queue.rs"]
mod queue;

pub use backend::{Block, BlockPlace, Lsn};
pub use scenarios::ALL;

mod scenarios;
