//! A new database with an earlier state of a directory that nobody has open for writing, which may be damaged.

use std::path::Path;

use serde::Serialize;

use super::past;
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::maintenance::backup;
use crate::engine::recovery::replay::Replay;
use crate::engine::recovery::reported::Stoppable;
use crate::engine::store::Recovered;
use crate::error::{Error, Kind, Result};
use crate::options::{EncryptionKey, MEMORY, OpenOptions};
use crate::query::date::text_of;
use crate::storage::host::memory;
use crate::storage::{Directory, Host, Led, Lsn, Moment, PastStorage, Way};

/// What a new database holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecoveredTo {
    /// The last commit of the directory in it.
    pub lsn: u64,
    /// The time of that commit (ms since 1970); `None` where there is none.
    pub time: Option<i64>,
    /// Documents in it.
    pub documents: u64,
    /// Bytes of its files.
    pub bytes: u64,
    /// Why it holds an earlier moment than the one that was asked for.
    pub damage: Option<Damaged>,
}

/// Damage that the new database does not depend on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Damaged {
    /// The damaged file.
    pub file: Option<String>,
    /// The offset of the damage in it.
    pub offset: Option<u64>,
    /// What is wrong.
    pub message: String,
}

/// Which state a new database gets.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// The moment.
    pub moment: Moment,
    /// Whether an earlier one will do where the files are damaged before it.
    pub allow_partial: bool,
}

/// Makes a new database of a moment of the directory at `path`, which stays as it is. If that is encrypted, its key opens both.
pub fn recover_to(
    (path, key): (&str, Option<&EncryptionKey>),
    destination: &str,
    wanted: Wanted,
    interrupt: &Interrupt,
) -> Result<RecoveredTo> {
    recover_to_with(&Host::system(), (path, key), destination, wanted, interrupt)
}

/// [`recover_to`] on another file system, of a directory that is not encrypted.
pub fn recover_to_on(
    host: &Host,
    path: &str,
    destination: &str,
    wanted: Wanted,
    interrupt: &Interrupt,
) -> Result<RecoveredTo> {
    recover_to_with(host, (path, None), destination, wanted, interrupt)
}

/// [`recover_to`] on another file system.
pub fn recover_to_with(
    host: &Host,
    (path, key): (&str, Option<&EncryptionKey>),
    destination: &str,
    wanted: Wanted,
    interrupt: &Interrupt,
) -> Result<RecoveredTo> {
    if path.is_empty() || path == MEMORY {
        return Err(Error::new(Kind::Argument, "path must name the directory of a database"));
    }
    let mut options = OpenOptions::default();
    options.settle_memory(memory::allowed());
    let directory = Directory::open(host, Path::new(path), key)?;
    let found = find(&directory, wanted, &options, interrupt)?;
    let files = found.way.into_files();
    let at = directory.path();
    let database = directory.database();
    let time = Some(found.recovered.time).filter(|time| *time != i64::MIN);
    let store = past::open(directory.host(), (path, at), &options, found.recovered, |lsn| {
        PastStorage::new(lsn, database, None, files)
    })?;
    let made = backup::run(&store, (host, Some(at)), (Path::new(destination), None), interrupt)?;
    store.close()?;
    Ok(RecoveredTo {
        lsn: made.lsn,
        time,
        documents: made.documents,
        bytes: made.bytes,
        damage: found.damage.as_ref().map(described),
    })
}

struct Found {
    recovered: Recovered,
    way: Way,
    damage: Option<Error>,
}

/// Loads the state by the first way that leads there.
fn find(
    directory: &Directory,
    wanted: Wanted,
    options: &OpenOptions,
    interrupt: &Interrupt,
) -> Result<Found> {
    let mut failed = None;
    for way in directory.ways(wanted.moment) {
        let mut replay = Replay::new(directory.path(), options.memory_limit.bytes());
        let mut stoppable = Stoppable::new(&mut replay, interrupt);
        let led = way.and_then(|way| way.load(directory, &mut stoppable).map(|led| (way, led)));
        let (way, led) = match led {
            Ok(led) => led,
            // A snapshot is damaged: an older one, and the log behind it, may lead to the same state.
            Err(error) if error.is_damage() => {
                failed.get_or_insert(error);
                continue;
            }
            Err(error) => return Err(error),
        };
        let Led { to, damage, is_end } = led;
        if let (Moment::Lsn(lsn), true) = (wanted.moment, is_end) {
            let message = format!("there is no commit {}; the newest one is {}", lsn.0, to.last.0);
            return Err(Error::new(Kind::Argument, message));
        }
        let Some(error) = damage else {
            return Ok(Found { recovered: replay.finish(), way, damage: None });
        };
        if !wanted.allow_partial {
            return Err(partial(&error, to.last, to.time.or(way.since())));
        }
        drop(replay);
        let way = way.up_to(to.last);
        let mut replay = Replay::new(directory.path(), options.memory_limit.bytes());
        way.load(directory, &mut replay)?;
        return Ok(Found { recovered: replay.finish(), way, damage: Some(error) });
    }
    Err(failed.unwrap_or_else(|| {
        let message = "the directory keeps no state of that moment: its oldest snapshot is of a later one";
        Error::new(Kind::HistoryLost, message)
    }))
}

fn partial(error: &Error, last: Lsn, time: Option<i64>) -> Error {
    let at = time.map_or_else(String::new, |time| format!(", of {}", text_of(time)));
    let message = format!(
        "{}. The state after commit {}{at} is the newest that is whole; allowPartial takes it",
        error.message(),
        last.0
    );
    Error::new(error.kind(), message).with_details(error.details().clone())
}

fn described(error: &Error) -> Damaged {
    let details = error.details();
    Damaged {
        file: details.file.as_ref().map(|file| file.display().to_string()),
        offset: details.offset,
        message: error.message().to_owned(),
    }
}
