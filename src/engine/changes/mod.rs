//! Change streams: what commits have changed, as events, in the order of the commits.
//!
//! An event is made from the records of a commit, which the log keeps as they are; nothing else is stored for it. So a stream needs
//! only its place: a commit's number and the number of a record in it.
//!
//! - `options`: what is watched, and from where on
//! - `token`: the place of an event as text, for a later stream
//! - `names`: names and shapes of collections at the time of a commit
//! - `event`, `description`: the event of a record, and what it says of an update
//! - `versions`: what one document was, instead of events
//! - `commits`: reading commits, from memory or from the log
//! - `start`: where a stream begins
//! - `stream`: reading on, from memory or from the log

pub(crate) mod commits;
mod description;
mod event;
mod names;
pub(crate) mod options;
mod start;
pub(crate) mod stream;
mod token;
mod versions;
