//! The end of a commit: it is published, and what waits for it goes on.

use std::sync::Arc;

use smallvec::SmallVec;

use super::publish_waiters::PublishWaiters;
use crate::engine::exec::backpressure::Backpressure;
use crate::engine::state::catalogue::Catalogue;
use crate::engine::state::collection::Collection;
use crate::engine::state::feed::{Feed, Published, Touched};
use crate::engine::state::views::{Superseded, Views};
use crate::error::{Error, Result};
use crate::storage::{Block, Lsn, poisoned_by};

/// The end of a commit: counters, publication, garbage, waiters.
pub(crate) struct Publisher {
    pub(super) views: Arc<Views>,
    pub(super) waiting: PublishWaiters,
    pub(super) budget: Backpressure,
    pub(super) feed: Arc<Feed>,
}

impl Publisher {
    /// Called when a commit's completion has settled, in LSN order.
    pub(crate) fn settled(
        &self,
        lsn: Lsn,
        result: Result<()>,
        catalogue: Option<Arc<Catalogue>>,
        counts: &[(Arc<Collection>, i64)],
        superseded: Vec<Superseded>,
        (blocks, whole, restores): (SmallVec<[Arc<Block>; 2]>, bool, bool),
    ) {
        match result {
            Ok(()) => {
                for (collection, by) in counts {
                    collection.change_count(*by);
                }
                self.views.publish(lsn, catalogue, superseded);
                if self.feed.is_on() {
                    let collections = counts.iter().map(|(collection, _)| collection.number()).collect();
                    let touched = Touched { collections, whole, restores };
                    self.feed.publish(Published { lsn, blocks, touched });
                }
                self.waiting.published(lsn);
            }
            Err(cause) => {
                tracing::error!(lsn = lsn.0, error = %cause, "a commit could not be made durable");
                self.poison(&cause);
            }
        }
    }

    /// Nothing more is published; every waiter gets the error.
    pub(crate) fn poison(&self, cause: &Error) {
        self.waiting.poison(&poisoned_by(cause));
        self.feed.wake_all();
    }
}

/// Queue space, released when dropped: after publication, or whatever ends a commit before.
pub(crate) struct Room {
    pub(super) publisher: Arc<Publisher>,
    pub(super) bytes: u64,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.publisher.budget.give(self.bytes);
    }
}
