#![allow(dead_code, reason = "the files come whole")]

#[path = "../../../../src/engine/format/put.rs"]
mod put;
#[path = "../../../../src/engine/format/record.rs"]
pub mod record;
#[path = "../../../../src/engine/format/record_writer.rs"]
mod record_writer;
#[path = "../../../../src/engine/format/span.rs"]
pub mod span;
