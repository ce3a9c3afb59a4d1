//! From a path to a backend.
//!
//! - [`open`]: opens or creates
//! - `listing`: the names in the directory
//! - `unlock`: the key of a database, and another one
//! - [`recovery`]: checks and repairs
//! - [`clean`]: opening from a checkpoint
//! - [`inspect`]: reads everything and changes nothing
//! - `report`: what is said of each file
//! - `moment`: earlier states of a directory
//! - `past`: checks the segments of the history
//! - [`scrub`]: reads everything again while the database is open
//! - `whole`: the report of a database that opened

pub(crate) mod clean;
pub(crate) mod inspect;
pub(crate) mod listing;
pub(crate) mod moment;
pub(crate) mod open;
pub(crate) mod past;
pub(crate) mod recovery;
pub(crate) mod report;
pub(crate) mod scrub;
pub(crate) mod unlock;
pub(crate) mod whole;
