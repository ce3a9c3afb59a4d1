//! The time that documents and expressions see: the clock's, unless the program has set another, or the store is of an earlier state; and
//! what else is different there.

use std::sync::atomic::Ordering;

use super::snapshots::Snapshots;
use super::store::Store;
use crate::error::{Error, Kind, Result};

impl Store {
    /// Refuses the name of a view where documents are stored.
    pub(crate) fn check_stores(&self, name: &str) -> Result<()> {
        self.applied_collection(name).map_or(Ok(()), |collection| collection.check_stores(name))
    }

    /// The states that it can be put back in.
    pub(crate) fn snapshots(&self) -> &Snapshots {
        &self.snapshots
    }

    /// The time of what is written now (ms since 1970).
    pub(crate) fn time(&self) -> i64 {
        match self.set_time.load(Ordering::Acquire) {
            i64::MIN => self.now(),
            set => set,
        }
    }

    /// Sets that time, or gives it back to the clock.
    pub(crate) fn set_time(&self, time: Option<i64>) {
        self.set_time.store(time.unwrap_or(i64::MIN), Ordering::Release);
    }

    /// The time that a statement sees (ms): of an earlier state its own.
    pub(crate) fn statement_time(&self) -> i64 {
        self.moment().filter(|time| *time != i64::MIN).unwrap_or_else(|| self.time())
    }

    /// Whether it is an earlier state of a database.
    pub(crate) fn is_past(&self) -> bool {
        self.moment().is_some()
    }

    /// The error of a write where nothing can be written.
    pub(crate) fn read_only(&self) -> Error {
        let name = self.name();
        let message = match self.moment() {
            Some(_) => format!(
                "this is an earlier state of {name}, which cannot be changed; write to the database itself"
            ),
            None => format!("{name} was opened with readOnly; open it without that option to write"),
        };
        Error::new(Kind::ReadOnly, message)
    }
}
