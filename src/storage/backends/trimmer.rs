//! Gives back what the history no longer keeps while nothing else happens: a quiet database has no compactions that do it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::runtime::Handle;

use crate::storage::contract::backend::StorageBackend;
use crate::storage::host::system::Clock;

/// How long a segment may stay that is too old.
const EVERY: Duration = Duration::from_secs(60);

/// Looks from time to time, as long as there is the backend.
pub(crate) fn begin(runtime: &Handle, backend: &Arc<dyn StorageBackend>, clock: Arc<dyn Clock>) {
    runtime.spawn(trim_every(EVERY, Arc::downgrade(backend), clock));
}

async fn trim_every(pause: Duration, backend: Weak<dyn StorageBackend>, clock: Arc<dyn Clock>) {
    loop {
        tokio::time::sleep(pause).await;
        let Some(backend) = backend.upgrade() else { return };
        if !backend.history().is_some_and(|reach| reach.on && reach.bytes > 0) {
            continue;
        }
        let now = i64::try_from(clock.now_millis()).unwrap_or(i64::MAX);
        if tokio::task::spawn_blocking(move || backend.trim_history(now)).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::options::{ChangeHistory, History, HistoryLimits, OpenOptions};
    use crate::storage::{Block, Discard, FrameSize, Host, Lsn, open_disk};

    struct Hand(AtomicU64);

    impl Clock for Hand {
        fn now_millis(&self) -> u64 {
            self.0.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn a_database_to_which_nothing_happens_gives_back_what_is_too_old() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(Hand(AtomicU64::new(1_000_000)));
        let host = Host { clock: clock.clone(), ..Host::system() };
        let changes =
            ChangeHistory::Keep(HistoryLimits { max_age: Duration::from_secs(60), ..HistoryLimits::DEFAULT });
        let options =
            OpenOptions { history: History { changes, ..History::default() }, ..OpenOptions::default() };
        let backend = open_disk(&host, &dir.path().join("db"), &options, None, &mut Discard).unwrap().backend;
        let place = backend.reserve(&FrameSize { blocks: [8].into_iter().collect(), records: 1 }).unwrap();
        let bytes = 1_000_000_i64.to_le_bytes().into();
        let block = Block { place: place.blocks[0], base: 0, bytes, transient: false };
        let completion = backend.append(place, &[Arc::new(block)]);
        backend.drive();
        completion.wait().unwrap();
        let cut = backend.cut().unwrap();
        let mut sink = backend.begin_snapshot(&cut).unwrap();
        sink.block(0, 0, &1_000_000_i64.to_le_bytes()).unwrap();
        let installed = backend.install(cut, sink).unwrap();
        backend.forget(&installed.retired);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let task =
            runtime.spawn(trim_every(Duration::from_millis(1), Arc::downgrade(&backend), clock.clone()));
        std::thread::sleep(Duration::from_millis(30));
        assert_eq!(backend.history().unwrap().first, Lsn(1));
        clock.0.store(1_100_000, Ordering::Relaxed);
        while backend.history().unwrap().first == Lsn(1) {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(backend.history().unwrap().bytes, 0);
        drop(backend);
        runtime.block_on(task).unwrap();
    }
}
