//! Small writes on the caller's own thread.
//!
//! A hop to another thread and back costs tens of microseconds, a small write two or three: resolving it in memory, and
//! a `write` of some hundred bytes into the page cache. So writes that name their `_id`s are done in the call that
//! submits them, as long as nothing has to wait (`promptly`); the first that would have to, and all writes after it, take
//! their lane.
//!
//! What holds all the same:
//!
//! - Writes commit in the order of the calls: the lane is entered only while it is idle, and left before anything is
//!   pushed to it.
//! - An answer settles when its commit is published, on whichever thread publishes it; here that is mostly this one.
//! - In sync mode nothing is done here: an fdatasync is waiting.
//! - What a commit leaves behind (documents to turn cold, a compaction that pays) is seen to on the lane, now and then.

use std::sync::atomic::Ordering;

use smallvec::smallvec;

use super::lane::Job;
use super::limits::Watch;
use super::operation::{Operation, Task};
use super::promptly::promptly;
use super::session::{Outcome, Session, writes_by_id};
use crate::error::{Error, Kind};
use crate::storage::FrameSize;

/// Documents of an operation that is done here.
const DOCUMENTS: usize = 64;
/// Writes after which the lane has a look at what they left behind.
const STRETCH: u64 = 256;

impl Session {
    /// Does the writes that can be done here, from the first on; answers what is left, in order.
    pub(super) fn direct(&self, work: Vec<Task>) -> Vec<Task> {
        if !work.iter().any(|task| is_direct(&task.operation)) {
            return work;
        }
        let least = FrameSize { blocks: smallvec![0], records: 1 };
        if !self.store.storage().is_prompt(&least) {
            return work;
        }
        let Some(turn) = self.writes.try_enter(&self.runtime) else { return work };
        let mut left = Vec::new();
        let mut done = 0;
        let mut in_order = true;
        for task in work {
            if !in_order || !is_direct(&task.operation) {
                in_order &= !writes_by_id(&task.operation);
                left.push(task);
                continue;
            }
            let watch = Watch::start(&task.limits, self.store.now());
            let outcome = promptly(|| {
                self.guarded(true, &watch, || {
                    let defect = || Error::new(Kind::Internal, "a write was taken for another operation");
                    let write = self.write(&task.name, &task.operation, &watch);
                    write.map_or_else(|| Outcome::Now(None, Err(defect())), Outcome::Published)
                })
            });
            match outcome {
                Some(outcome) => {
                    done += 1;
                    self.answer(outcome, task.reply);
                }
                None => {
                    in_order = false;
                    left.push(task);
                }
            }
        }
        let driven = done == 0 || self.store.storage().drive_promptly();
        drop(turn);
        let due = self.since_upkeep.fetch_add(done, Ordering::Relaxed) + done >= STRETCH;
        if due || !driven || self.store.is_too_warm() {
            self.since_upkeep.store(0, Ordering::Relaxed);
            let nothing: Job = Box::new(|| {});
            self.writes.push(&self.runtime, [nothing]);
        }
        left
    }
}

/// Whether this is a write by `_id` that makes one commit.
fn is_direct(operation: &Operation) -> bool {
    match operation {
        Operation::Insert { documents, .. } => documents.len() <= DOCUMENTS,
        Operation::Set { entries } => entries.len() <= DOCUMENTS,
        Operation::DeleteId { .. } => true,
        Operation::Update { .. }
        | Operation::Replace { .. }
        | Operation::Delete { .. }
        | Operation::FindOneAnd { .. } => writes_by_id(operation),
        _ => false,
    }
}
