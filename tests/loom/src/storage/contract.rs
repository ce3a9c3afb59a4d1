#![allow(dead_code, reason = "the files come whole")]

#[path = "../../../../src/storage/contract/backend.rs"]
pub mod backend;
#[path = "../../../../src/storage/contract/block.rs"]
mod block;
#[path = "../../../../src/storage/contract/completion.rs"]
pub mod completion;
