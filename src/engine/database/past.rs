//! Earlier states of an open database: each is read into a store of its own, which nothing can be written to.

use std::path::Path;
use std::sync::Arc;

use super::database::Database;
use crate::engine::index_build::fill;
use crate::engine::recovery::replay::Replay;
use crate::engine::store::{Recovered, Store};
use crate::error::{Error, Kind, Result};
use crate::options::{Access, AutoCompact, AutoIndex, Creation, OpenOptions};
use crate::query::date::text_of;
use crate::storage::{Host, Lsn, Moment, Opened, PastReach, PastStorage, RecoveryReport};

impl Database {
    /// A handle of an earlier state of the database, to be read like any other: as it was after a commit, or after the newest one
    /// that is not later than a time. It is closed with this handle.
    pub fn as_of(self: &Arc<Self>, moment: Moment) -> Result<Arc<Database>> {
        self.check_open("asOf")?;
        let store = self.store();
        let newest = store.views().published();
        if let Moment::Lsn(lsn) = moment
            && lsn > newest
        {
            let message = format!("there is no commit {} yet; the newest one is {}", lsn.0, newest.0);
            return Err(Error::new(Kind::Argument, message));
        }
        let storage = store.shared_storage();
        let files = storage.past(moment, newest).map_err(|error| match storage.past_reach() {
            Some(reach) if error.kind() == Kind::HistoryLost => lost(moment, reach),
            _ => error,
        })?;
        let (host, options) = (store.host(), store.options());
        let at = self.at().unwrap_or(Path::new(""));
        let mut replay = Replay::new(at, options.memory_limit.bytes());
        files.load(&mut replay)?;
        let (database, over) = (storage.database_id(), Some(storage));
        let past = open(&host, (store.name(), at), options, replay.finish(), |lsn| {
            PastStorage::new(lsn, database, over, files)
        })?;
        self.add_past(past)
    }
}

/// The store of an earlier state that was loaded.
pub(super) fn open(
    host: &Host,
    (name, at): (&str, &Path),
    options: &OpenOptions,
    recovered: Recovered,
    storage: impl FnOnce(Lsn) -> PastStorage,
) -> Result<Arc<Store>> {
    let lsn = recovered.lsn;
    let report = RecoveryReport { clean: true, last_lsn: lsn.0, ..RecoveryReport::default() };
    let opened =
        Opened { backend: Arc::new(storage(lsn)), report, last_lsn: lsn, cipher: host.cipher.clone() };
    let options = OpenOptions {
        access: Access::ReadOnly,
        creation: Creation::Never,
        auto_compact: AutoCompact::Off,
        auto_index: AutoIndex::Off,
        scrub: None,
        checkpoint_from: u64::MAX,
        ..options.clone()
    };
    let recovered = Recovered { is_past: true, ..recovered };
    let store = Store::new((name.to_owned(), at), opened, host, options, recovered, |_, _, _| Ok(None));
    let catalogue = store.views().catalogue();
    fill::build_recovered(&store, &catalogue)?;
    store.measure_soon();
    store.cool();
    Ok(store)
}

fn lost(moment: Moment, reach: PastReach) -> Error {
    let wanted = match moment {
        Moment::Lsn(lsn) => format!("after commit {}", lsn.0),
        Moment::Time(time) => format!("at {}", text_of(time)),
    };
    let at = reach.time.map_or_else(String::new, |time| format!(", of {}", text_of(time)));
    let message = format!(
        "the state {wanted} is no longer kept; the oldest that is kept is the one after commit {}{at}. See the option history to keep more",
        reach.from.0
    );
    Error::new(Kind::HistoryLost, message)
}
