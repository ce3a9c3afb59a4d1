//! The binding to Node.js: borrow, call, convert. The only room that names napi; `docs/boundary.md` has the byte formats.
//!
//! - [`native`]: the entry points
//! - [`transfer`]: the entry points of verify, export and import
//! - [`environment`]: what one JavaScript environment has open, and what happens at its end
//! - [`port`]: one instance of the facade: its handles, shapes and results
//! - [`buffers`]: the two buffers shared with JavaScript; the one file with unsafe code
//! - [`outbox`]: results on their way from tokio to JavaScript
//! - [`wake`]: the callback that notifies JavaScript of results
//! - [`request`]: bytes to operations; `opcodes`: their codes and flags
//! - [`answer`]: answers and errors to bytes
//! - [`options`]: JSON to open options
//! - `log`: where the log of the core goes
//! - [`failure`]: errors and panics to exceptions

pub mod answer;
pub mod buffers;
pub mod environment;
pub mod failure;
mod log;
pub mod native;
mod opcodes;
pub mod options;
pub mod outbox;
pub mod port;
pub mod request;
pub mod transfer;
pub mod wake;
