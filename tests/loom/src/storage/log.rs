#![allow(dead_code, reason = "the files come whole")]

#[path = "../../../../src/storage/log/queue.rs"]
pub mod queue;
