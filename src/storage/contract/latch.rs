//! The poison latch: after a failed write nothing more is written.
//!
//! After a failed write or fsync it is unknown which bytes are on the disk, and a second fsync would report success for
//! pages that the kernel has already dropped. So the first failure trips the latch: every waiting and later write is
//! refused. Published data can still be read. Only reopening, which reads the disk, clears it.

use std::sync::OnceLock;

use crate::error::{Error, Kind, Result};

/// Remembers the first failure.
#[derive(Default)]
pub(crate) struct Latch {
    poison: OnceLock<Error>,
}

impl Latch {
    /// The first failure, if any.
    pub(crate) fn check(&self) -> Result<()> {
        self.poison.get().map_or(Ok(()), |error| Err(error.clone()))
    }

    /// Trips the latch, unless it is tripped already; returns the error of every later write.
    pub(crate) fn trip(&self, cause: &Error) -> Error {
        self.poison.get_or_init(|| poisoned_by(cause)).clone()
    }
}

/// The error of every write after this failure.
pub(crate) fn poisoned_by(cause: &Error) -> Error {
    if cause.kind() == Kind::StoragePoisoned {
        return cause.clone();
    }
    let message = format!(
        "an earlier write failed, so nothing more is written: {}; close the database and open it again",
        cause.message()
    );
    Error::new(Kind::StoragePoisoned, message).with_details(cause.details().clone())
}

pub(crate) fn closed() -> Error {
    Error::new(Kind::Closed, "the database is closed")
}
