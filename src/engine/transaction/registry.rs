//! The open transactions of a session, by the numbers that the caller has given them.

use std::collections::HashMap;
use std::sync::Arc;

use super::transaction::Transaction;
use super::work::Origin;
use crate::engine::exec::locks::Mutex;
use crate::engine::operation::request::Isolation;
use crate::error::{Error, Kind, Result};

/// The transactions of a session. One that a time limit has ended stays until its caller ends it.
#[derive(Default)]
pub(crate) struct Transactions {
    open: Mutex<HashMap<u16, Arc<Transaction>>>,
}

impl Transactions {
    /// Begins one, at this time (ms): it may be left alone, and open, for so long (ms).
    pub(crate) fn begin(
        &self,
        number: u16,
        now: i64,
        limits: (i64, i64),
        kind: (Origin, Isolation),
    ) -> Result<()> {
        let mut open = self.open.lock();
        if number == 0 || open.contains_key(&number) {
            let message = "a transaction was begun with the number of another; please report it";
            return Err(Error::new(Kind::Internal, message));
        }
        open.insert(number, Transaction::new(now, limits, kind));
        Ok(())
    }

    /// The transaction with this number.
    pub(crate) fn get(&self, number: u16) -> Option<Arc<Transaction>> {
        self.open.lock().get(&number).cloned()
    }

    /// Forgets one that has ended.
    pub(crate) fn forget(&self, number: u16) {
        let ended = self.open.lock().remove(&number);
        drop(ended);
    }

    /// Ends those whose time is up; returns their cursors.
    pub(crate) fn expire(&self, now: i64) -> Vec<u64> {
        let open: Vec<Arc<Transaction>> = self.open.lock().values().cloned().collect();
        let ended = open.iter().filter(|one| one.expire(now));
        ended.flat_map(|one| one.take_cursors()).collect()
    }

    /// Ends all.
    pub(crate) fn abort_all(&self) {
        let open = std::mem::take(&mut *self.open.lock());
        for one in open.values() {
            one.abort();
        }
    }
}
