//! Writes all files of a database again, with another data key.
//!
//! - `aside`: new files beside those of the database, of which they are no part until MANIFEST names them
//! - `copy`: one segment or snapshot, written again
//! - `reseal`: all of them, under numbers above those in use

pub(crate) mod aside;
mod copy;
pub(crate) mod reseal;
