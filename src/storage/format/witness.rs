//! Writes the records of [`super::witnessed`] into MANIFEST.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, MutexGuard};

use super::segment::SEGMENT_HEADER_LEN;
use super::witnessed::Witnessed;
use super::{manifest, witnessed};
use crate::error::{Error, Kind, Result};
use crate::storage::host::home::Home;
use crate::storage::host::system::Host;
use crate::storage::host::vfs::{OpenMode, write_all_at};

/// Writes the records of the open session.
pub(crate) struct Witness {
    host: Host,
    home: Arc<Home>,
    /// Held while MANIFEST is written or replaced.
    state: Mutex<State>,
    /// The newest segment that has a record of a frame.
    proven: AtomicU64,
}

/// The content of MANIFEST.
pub(crate) struct State {
    /// The newest record.
    pub(crate) record: Option<Witnessed>,
    /// Whether this session wrote it durably.
    pub(crate) ours: bool,
}

impl State {
    /// The newest record of this session, if that is newer.
    pub(crate) fn since(&self, other: Witnessed) -> Witnessed {
        let said = self.record.filter(|record| self.ours && record.age() > other.age());
        Witnessed { place: 0, ..said.unwrap_or(other) }
    }
}

impl Witness {
    /// Continues after the record of a session that was not closed.
    pub(crate) fn new(host: Host, home: Arc<Home>, record: Option<Witnessed>) -> Witness {
        let state = Mutex::new(State { record, ours: false });
        Witness { host, home, state, proven: AtomicU64::new(0) }
    }

    /// Records that the name and the header of this segment are durable. Returns the number of fsyncs.
    pub(crate) fn begun(&self, segment: u64) -> Result<u64> {
        self.say(Witnessed::begun(segment))
    }

    /// Records that the first `end` bytes of this segment are durable.
    pub(crate) fn proven(&self, segment: u64, end: u64) -> Result<()> {
        if end <= SEGMENT_HEADER_LEN || self.proven.load(Ordering::Acquire) >= segment {
            return Ok(());
        }
        self.say(Witnessed { segment, end, place: 0 })?;
        self.proven.fetch_max(segment, Ordering::AcqRel);
        Ok(())
    }

    /// Locks MANIFEST to replace it; when the guard is dropped, it must hold the new content.
    pub(crate) fn replacing(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    fn say(&self, new: Witnessed) -> Result<u64> {
        let mut state = self.state.lock();
        if state.ours && state.record.is_some_and(|record| record.age() >= new.age()) {
            return Ok(0);
        }
        let place = state.record.map_or(0, |record| (record.place + 1) % witnessed::PLACES);
        let path = self.home.dir().join(manifest::NAME);
        self.home.check()?;
        let open = self.host.vfs.open(&path, OpenMode::ReadWrite);
        let file = open.map_err(|error| Error::io("open", &path, error))?;
        let at = (manifest::LEN + place * witnessed::LEN) as u64;
        let macs = manifest::macs(&self.host.cipher);
        match write_all_at(&*file, at, &new.encode_sealed(&macs))
            .map_err(|error| Error::io("write", &path, error))
        {
            // The commit already has its space and is more important. The next segment tries again.
            Err(error) if error.kind() == Kind::StorageFull => {
                tracing::warn!(%error, "a new segment could not be recorded");
                return Ok(0);
            }
            result => result?,
        }
        let first = !state.ours;
        if first {
            file.sync_data().map_err(|error| Error::io("fsync", &path, error))?;
        }
        *state = State { record: Some(Witnessed { place, ..new }), ours: true };
        Ok(u64::from(first))
    }
}
