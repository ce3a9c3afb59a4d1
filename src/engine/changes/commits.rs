//! Reading published commits, from memory or from the log.

use crate::engine::format::record::Records;
use crate::engine::state::feed::{Ahead, Published};
use crate::engine::store::Store;
use crate::error::{Error, Kind, Result};
use crate::storage::{LogReader, Lsn};

/// Remembers the place in the log between two reads.
#[derive(Default)]
pub(crate) struct Reader(Option<Box<dyn LogReader>>);

/// Reads commits that are published, where they are.
pub(crate) fn read(
    store: &Store,
    reader: &mut Reader,
    next: Lsn,
    most: usize,
) -> Result<Option<Vec<Published>>> {
    let before = match store.feed().ahead(next, most as u64) {
        Ahead::Commits(commits) => return Ok(Some(commits)),
        Ahead::Nothing => return Ok(None),
        Ahead::Before(newest) => newest,
    };
    let to = before.min(store.views().published());
    if next > to {
        return Ok(None);
    }
    if reader.0.is_none() {
        reader.0 = store.storage().log_reader();
    }
    let Some(log) = &mut reader.0 else { return Err(lost(store, next)) };
    let commits = log.read(next, to, most)?;
    let commits = commits.into_iter();
    let published = commits.map(|commit| Published {
        lsn: commit.lsn,
        blocks: commit.blocks,
        touched: Default::default(),
    });
    Ok(Some(published.collect()))
}

/// The time of a commit.
pub(super) fn time_of(commit: &Published) -> i64 {
    commit.blocks.first().map_or(0, |block| Records::new(&block.bytes).time())
}

/// The error for a place that is not kept.
pub(super) fn lost(store: &Store, lsn: Lsn) -> Error {
    let oldest = oldest(store);
    let message = format!(
        "the events from commit {} on are no longer kept; the oldest that are begin with commit {}. Read the documents again and \
         begin a new stream, and raise history.changes to keep more",
        lsn.0, oldest.0
    );
    Error::new(Kind::HistoryLost, message)
}

/// The oldest commit that is kept.
pub(super) fn oldest(store: &Store) -> Lsn {
    store.storage().history().map_or_else(|| store.feed().oldest(), |reach| reach.first)
}
