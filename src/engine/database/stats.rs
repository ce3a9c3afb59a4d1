//! The statistics of a database.

use serde::Serialize;

use super::counts::DatabaseCounts;
use crate::engine::session::info::SuggestedIndex;
use crate::engine::store::scrub_state::ScrubStats;
use crate::engine::store::transaction_counts::TransactionCounts;
use crate::storage::{HistoryReach, PastReach};

/// Current statistics.
#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseStats {
    /// Collections of the database.
    pub collections: u64,
    /// Documents in them.
    pub documents: u64,
    /// The databases of the engine that have collections. What follows is of all of them, but for the counts of indexes and the
    /// suggested ones.
    pub databases: Vec<DatabaseCounts>,
    /// Bytes of documents in memory, including old versions.
    pub hot_bytes: u64,
    /// Bytes of memory that it may take, where that is limited.
    pub memory_limit: Option<u64>,
    /// Bytes of the newest version of every document, in memory or on disk.
    pub live_bytes: u64,
    /// Whether its files are encrypted.
    pub encrypted: bool,
    /// Segments on disk.
    pub segments: u64,
    /// Bytes of all files of the database.
    pub bytes_on_disk: u64,
    /// Bytes of temporary files of running operations.
    pub spill_bytes: u64,
    /// Bytes of memory that the places of documents take: slots in memory.
    pub slot_bytes: u64,
    /// About how many bytes of memory keys take.
    pub key_bytes: u64,
    /// Bytes of the newest checkpoint on disk, which are not in the sum.
    pub checkpoint_bytes: u64,
    /// Bytes of memory of its pages.
    pub cache_bytes: u64,
    /// Pages of it read so far.
    pub pages_read: u64,
    /// Bytes of commits that are not published yet.
    pub queued_bytes: u64,
    /// fsync and fdatasync calls since open.
    pub syncs: u64,
    /// The newest commit that reads see.
    pub last_lsn: u64,
    /// The newest commit known to be durable.
    pub durable_lsn: u64,
    /// Open views: those of open cursors and transactions.
    pub views: u64,
    /// About how many bytes of memory only they hold: older versions and entries of indexes, and what was dropped.
    pub view_bytes: u64,
    /// How long (ms) the oldest of them has been open.
    pub oldest_view_age: u64,
    /// The transactions.
    pub transactions: TransactionStats,
    /// Indexes of the collections of the database, without those on `_id`.
    pub indexes: u64,
    /// Bytes of memory that the indexes of all databases take.
    pub index_bytes: u64,
    /// How far back the past is kept; `None` in memory.
    pub history: Option<HistoryStats>,
    /// The scrub; `None` where there is none.
    pub scrub: Option<ScrubStats>,
    /// Indexes suggested by costly scans.
    pub suggested_indexes: Vec<SuggestedIndex>,
}

/// The transactions of all databases.
#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TransactionStats {
    /// How many are open: from their first operation on.
    pub open: u64,
    /// How long (ms) the oldest of them has been.
    pub oldest_age: u64,
    /// About how many bytes of memory their writes take.
    pub bytes: u64,
    /// Those that were committed since the database was opened.
    pub commits: u64,
    /// Those that were not.
    pub aborts: u64,
    /// Writes and commits that were refused because of what others had changed.
    pub conflicts: u64,
}

impl TransactionStats {
    /// The current ones, at this time (ms).
    pub(super) fn of(counts: &TransactionCounts, now: i64) -> TransactionStats {
        let (open, since) = counts.open();
        let (commits, aborts, conflicts) = counts.ended();
        let oldest_age = since.map_or(0, |since| (now - since).max(0) as u64);
        TransactionStats { open: open as u64, oldest_age, bytes: counts.bytes(), commits, aborts, conflicts }
    }
}

/// How far back the past is kept.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct HistoryStats {
    /// The log that can be read, whatever is kept.
    pub log: LogReach,
    /// The log for change streams; `None` while nothing is kept for them.
    pub changes: Option<KeptChanges>,
    /// Earlier states; `None` while compactions keep none.
    pub past: Option<KeptPast>,
}

/// How far back the log can be read.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct LogReach {
    /// The oldest commit; one more than the last if there is none.
    pub from: u64,
    /// Its time (ms since 1970).
    pub time: Option<i64>,
}

/// How far back earlier states are kept.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct KeptPast {
    /// The oldest state is the one after this commit.
    pub from: u64,
    /// Its time (ms since 1970); `None`: there was no commit before, or it is not known.
    pub time: Option<i64>,
    /// Bytes of snapshots that are kept only for it.
    pub bytes: u64,
}

/// How far back the log is kept.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct KeptChanges {
    /// The oldest commit; one more than the last if there is none.
    pub from: u64,
    /// Its time (ms since 1970).
    pub time: Option<i64>,
    /// Bytes of files that are kept only for it.
    pub bytes: u64,
}

impl HistoryStats {
    /// Both, as storage tells them.
    pub(crate) fn of(log: HistoryReach, past: Option<PastReach>) -> HistoryStats {
        let HistoryReach { first, time, bytes, on } = log;
        let changes = on.then_some(KeptChanges { from: first.0, time, bytes });
        let past = past.filter(|past| past.on).map(|past| {
            let PastReach { from, time, bytes, .. } = past;
            KeptPast { from: from.0, time, bytes }
        });
        HistoryStats { log: LogReach { from: first.0, time }, changes, past }
    }
}
