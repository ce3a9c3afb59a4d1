//! The poison latch: after a failed write nothing more is written.
//!
//! After a failed write or fsync nobody can tell which bytes are on the disk, and a second fsync would answer
//! "fine" for pages that the kernel already gave up. So the first failure latches: every waiting and later
//! write is refused, reads of what is published go on, and only reopening, which reads the disk, heals.

use std::sync::OnceLock;

use crate::error::{Error, Kind, Result};

/// Remembers the first failure.
#[derive(Default)]
pub struct Latch {
    poison: OnceLock<Error>,
}

impl Latch {
    /// The first failure, if there was one.
    pub fn check(&self) -> Result<()> {
        self.poison.get().map_or(Ok(()), |error| Err(error.clone()))
    }

    /// Latches, unless it has already; returns what every write is refused with from now on.
    pub fn trip(&self, cause: &Error) -> Error {
        self.poison
            .get_or_init(|| {
                let message = format!(
                    "an earlier write failed, so nothing more is written: {}; close the database and open it again",
                    cause.message()
                );
                Error::new(Kind::StoragePoisoned, message).with_details(cause.details().clone())
            })
            .clone()
    }
}

pub(crate) fn closed() -> Error {
    Error::new(Kind::Closed, "the database is closed")
}
