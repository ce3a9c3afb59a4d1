//! Where a stream begins: a token or a time becomes a place in the log.

use super::commits::{Reader, lost, oldest, read, time_of};
use super::options::{Begin, Moment};
use super::token::{Token, TokenKind};
use crate::engine::store::Store;
use crate::error::{Error, Kind, Result};
use crate::storage::Lsn;

/// The next record that a stream reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    /// Its commit.
    pub(super) lsn: Lsn,
    /// How many records of the commit are done.
    pub(super) record: u32,
}

/// The place where a stream begins, and the time before which its commits are passed over.
pub(super) fn resolve(
    store: &Store,
    begin: Begin,
    reader: &mut Reader,
) -> Result<(Position, Option<Moment>)> {
    match begin {
        Begin::After(lsn) => Ok((Position { lsn: Lsn(lsn.0 + 1), record: 0 }, None)),
        Begin::Token(token) => Ok((after_token(store, token)?, None)),
        Begin::Time(moment) => at_time(store, moment, reader),
        Begin::Oldest => Ok((Position { lsn: oldest(store), record: 0 }, None)),
    }
}

fn after_token(store: &Store, token: Token) -> Result<Position> {
    let other = |what: &str| {
        let message = format!(
            "the resume token is of {what}, so the events after it cannot be told; read the documents again and begin a new stream"
        );
        Error::new(Kind::HistoryLost, message)
    };
    if token.database != identity(store) {
        return Err(other("another database"));
    }
    if token.lsn > store.views().published() {
        return Err(other("a commit that this database does not have"));
    }
    match store.storage().salt_at(token.lsn) {
        Some(salt) if salt != token.salt => {
            return Err(other("commits that this database has lost and written anew"));
        }
        None if token.lsn > Lsn(0) && store.storage().history().is_some() => {
            return Err(lost(store, token.lsn));
        }
        _ => {}
    }
    Ok(match token.kind {
        TokenKind::Mark => Position { lsn: Lsn(token.lsn.0 + 1), record: 0 },
        TokenKind::Event | TokenKind::Invalidate => {
            Position { lsn: token.lsn, record: token.record.saturating_add(1) }
        }
    })
}

/// The part of the database's id that tokens have.
pub(super) fn identity(store: &Store) -> [u8; 8] {
    let id = store.storage().database_id();
    id.first_chunk().copied().unwrap_or_default()
}

/// Searches the first commit of this moment or later: times never go back.
fn at_time(store: &Store, moment: Moment, reader: &mut Reader) -> Result<(Position, Option<Moment>)> {
    let reach = store.storage().history();
    // Times go back where a database in memory was put back in an earlier state.
    let first = oldest(store).max(Lsn(store.feed().restored().0 + 1));
    let newest = store.views().published();
    let mut has_come = |lsn: u64| -> Result<bool> {
        let commits = read(store, reader, Lsn(lsn), 1)?.unwrap_or_default();
        Ok(commits.first().is_some_and(|commit| moment.has_come(time_of(commit), commit.lsn)))
    };
    let (mut low, mut high) = (first.0, newest.0 + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        if has_come(middle)? {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    if low == first.0 && first.0 > 1 {
        // What came before may be of that time as well, unless it is known how late the commit before was: where none is kept, that is the
        // newest one.
        let before =
            if first > newest { Some(store.newest_time()) } else { reach.and_then(|reach| reach.time) };
        let known = match moment {
            Moment::Millis(millis) => before.is_some_and(|time| millis > time),
            Moment::Cluster(seconds, number) => {
                let is_later = |time: i64| (seconds, number) > (time.div_euclid(1_000), (first.0 - 1) as u32);
                number == first.0 as u32 || before.is_some_and(is_later)
            }
        };
        if !known {
            return Err(lost(store, Lsn(first.0 - 1)));
        }
    }
    Ok((Position { lsn: Lsn(low), record: 0 }, Some(moment)))
}
