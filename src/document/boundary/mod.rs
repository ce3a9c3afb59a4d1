//! Values in messages between JavaScript and Rust.
//!
//! - `incoming`: from a message to the stored form
//! - `outgoing`: from the stored form to a message

pub mod incoming;
pub mod outgoing;
