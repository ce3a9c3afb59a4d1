//! The contract of the storage trait for every backend: one suite, run over memory, sync and async; then what opening
//! refuses.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod conformance_compaction;
mod conformance_history;
mod loading;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use loading::Loaded;
use moltendb_node::error::Kind;
use moltendb_node::options::{Access, Creation, OpenOptions, StorageMode};
use moltendb_node::storage::{
    Block, Completion, FrameSize, Host, Loader, Opened, Place, Replayed, SnapshotBlock, StorageBackend,
    open_disk, open_memory,
};

type Commits = Vec<(u64, Vec<Vec<u8>>)>;

fn options(storage: StorageMode) -> OpenOptions {
    OpenOptions { storage, segment_size: 16 << 10, ..OpenOptions::default() }
}

fn open_with(path: &Path, options: &OpenOptions) -> moltendb_node::Result<(Opened, Commits)> {
    let mut loaded = Loaded::default();
    let opened = open_disk(&Host::system(), path, options, None, &mut loaded)?;
    Ok((opened, (1..).zip(loaded.commits().unwrap()).collect()))
}

fn queue(backend: &dyn StorageBackend, payloads: &[Vec<u8>]) -> (Place, Vec<Arc<Block>>, Completion) {
    let size = FrameSize {
        blocks: payloads.iter().map(|payload| payload.len() as u32).collect(),
        records: payloads.len() as u32,
    };
    let place = backend.reserve(&size).unwrap();
    let blocks: Vec<_> = payloads
        .iter()
        .zip(&place.blocks)
        .map(|(payload, place)| {
            Arc::new(Block { place: *place, base: 0, bytes: payload.clone().into(), transient: false })
        })
        .collect();
    let completion = backend.append(place.clone(), &blocks);
    (place, blocks, completion)
}

fn payloads(n: u64) -> Vec<Vec<u8>> {
    (0..1 + n % 3).map(|block| vec![(n + block) as u8; (n * 37 % 700) as usize]).collect()
}

struct Case {
    _dir: tempfile::TempDir,
    path: PathBuf,
    mode: StorageMode,
}

impl Case {
    fn open(&self) -> (Opened, Commits) {
        match self.mode {
            StorageMode::Memory => (open_memory(), Vec::new()),
            mode => open_with(&self.path, &options(mode)).unwrap(),
        }
    }

    fn keeps(&self) -> bool {
        self.mode != StorageMode::Memory
    }
}

fn every_backend(test: impl Fn(&Case)) {
    for mode in [StorageMode::Memory, StorageMode::Sync, StorageMode::Async] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        test(&Case { _dir: dir, path, mode });
    }
}

#[test]
fn commits_are_numbered_from_one_and_come_back_in_order() {
    every_backend(|case| {
        let (opened, commits) = case.open();
        assert!(opened.report.created && opened.report.clean && commits.is_empty());
        let mut expected = Vec::new();
        for n in 1..=200 {
            let (place, _, completion) = queue(&*opened.backend, &payloads(n));
            assert_eq!(place.lsn.0, n);
            opened.backend.drive();
            completion.wait().unwrap();
            expected.push((n, payloads(n)));
        }
        opened.backend.close().unwrap();
        drop(opened);
        if case.keeps() {
            let (opened, commits) = case.open();
            assert_eq!(commits, expected);
            assert!(opened.report.clean && !opened.report.created);
            assert!(opened.report.segments > 1, "the test must turn to a second segment");
            assert_eq!(opened.last_lsn.0, 200);
        }
    });
}

#[test]
fn a_database_that_was_not_closed_comes_back_whole_and_goes_on() {
    every_backend(|case| {
        if !case.keeps() {
            return;
        }
        let mut expected = Vec::new();
        for session in 0..4 {
            let (opened, commits) = case.open();
            assert_eq!(commits, expected);
            assert_eq!(opened.report.clean, session == 0);
            for n in session * 20 + 1..=session * 20 + 20 {
                let (_, _, completion) = queue(&*opened.backend, &payloads(n));
                opened.backend.drive();
                completion.wait().unwrap();
                expected.push((n, payloads(n)));
            }
        }
    });
}

#[test]
fn many_queued_frames_settle_in_order() {
    every_backend(|case| {
        let (opened, _) = case.open();
        let loaded = Arc::new(std::sync::Mutex::new(Vec::new()));
        for n in 1..=64u64 {
            let (_, _, completion) = queue(&*opened.backend, &[vec![n as u8; 100]]);
            let loaded = loaded.clone();
            completion.then(move |result| {
                result.unwrap();
                loaded.lock().unwrap().push(n);
            });
        }
        opened.backend.flush().wait().unwrap();
        assert_eq!(*loaded.lock().unwrap(), (1..=64).collect::<Vec<_>>());
        assert_eq!(opened.backend.stats().durable.0, 64);
    });
}

#[test]
fn blocks_are_read_back_and_verified() {
    every_backend(|case| {
        if !case.keeps() {
            return;
        }
        let (opened, _) = case.open();
        for n in 1..=40 {
            let (_, blocks, completion) = queue(&*opened.backend, &payloads(n));
            opened.backend.drive();
            completion.wait().unwrap();
            for block in blocks {
                assert_eq!(opened.backend.read(block.place).unwrap().bytes, block.bytes);
            }
        }
    });
}

#[test]
fn a_closed_backend_answers_closed() {
    every_backend(|case| {
        let (opened, _) = case.open();
        opened.backend.close().unwrap();
        assert_eq!(opened.backend.reserve(&FrameSize::default()).unwrap_err().kind(), Kind::Closed);
        assert_eq!(opened.backend.flush().wait().unwrap_err().kind(), Kind::Closed);
        assert_eq!(opened.backend.close().unwrap_err().kind(), Kind::Closed);
    });
}

#[test]
fn a_second_opening_is_refused_with_the_owner() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let (_opened, _) = open_with(&path, &options(StorageMode::Sync)).unwrap();
    let error = open_with(&path, &options(StorageMode::Sync)).err().unwrap();
    assert_eq!(error.kind(), Kind::Locked);
    assert_eq!(error.details().pid, Some(std::process::id()));
}

#[test]
fn a_read_only_opening_changes_nothing_and_reports_a_torn_tail() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let (opened, _) = open_with(&path, &options(StorageMode::Sync)).unwrap();
    for n in 1..=5 {
        let (_, _, completion) = queue(&*opened.backend, &payloads(n));
        opened.backend.drive();
        completion.wait().unwrap();
    }
    drop(opened);
    let segment = path.join("seg-0000000000000001.log");
    let frames = std::fs::read(&segment).unwrap().iter().rposition(|byte| *byte != 0).unwrap() as u64;
    std::fs::File::options().write(true).open(&segment).unwrap().set_len(frames - 9).unwrap();
    let listing = || {
        let mut files: Vec<_> = std::fs::read_dir(&path)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.clone(), std::fs::read(path).unwrap()))
            .collect();
        files.sort();
        files
    };
    let before = listing();
    let read_only = OpenOptions { access: Access::ReadOnly, ..options(StorageMode::Sync) };
    let (first, commits) = open_with(&path, &read_only).unwrap();
    let (second, _) = open_with(&path, &read_only).unwrap();
    assert_eq!(commits.len(), 4);
    assert!(first.report.bytes_cut > 0 && first.report.quarantine.is_none());
    assert_eq!(first.backend.reserve(&FrameSize::default()).unwrap_err().kind(), Kind::ReadOnly);
    first.backend.close().unwrap();
    drop(second);
    assert_eq!(listing(), before);
}

#[test]
fn a_frame_above_the_limit_is_refused_without_a_trace() {
    every_backend(|case| {
        let (opened, _) = case.open();
        let size = FrameSize { blocks: [200 << 20, 100 << 20].into_iter().collect(), records: 2 };
        assert_eq!(opened.backend.reserve(&size).unwrap_err().kind(), Kind::Limit);
        let (place, _, completion) = queue(&*opened.backend, &payloads(1));
        opened.backend.drive();
        completion.wait().unwrap();
        assert_eq!(place.lsn.0, 1);
    });
}

#[test]
fn creation_options_hold() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/b/db");
    let never = OpenOptions { creation: Creation::Never, ..options(StorageMode::Async) };
    assert_eq!(open_with(&path, &never).err().unwrap().kind(), Kind::Io);
    assert!(!path.exists());
    let must = OpenOptions { creation: Creation::MustBeNew, ..options(StorageMode::Async) };
    drop(open_with(&path, &must).unwrap());
    assert_eq!(open_with(&path, &must).err().unwrap().kind(), Kind::Io);
    drop(open_with(&path, &never).unwrap());
}

#[test]
fn queued_frames_share_one_fsync_and_a_lone_frame_costs_one() {
    let dir = tempfile::tempdir().unwrap();
    let (opened, _) = open_with(
        &dir.path().join("db"),
        &OpenOptions { storage: StorageMode::Sync, ..OpenOptions::default() },
    )
    .unwrap();
    // The first frame begins a segment: its header, its name, its witness record.
    for (frames, expected) in [(1, 4), (1, 1), (64, 1)] {
        let before = opened.backend.stats().syncs;
        let waiting: Vec<_> = (0..frames).map(|n| queue(&*opened.backend, &payloads(n)).2).collect();
        opened.backend.drive();
        waiting.into_iter().for_each(|completion| completion.wait().unwrap());
        assert_eq!(opened.backend.stats().syncs - before, expected);
    }
}

#[test]
fn writers_on_many_threads_lose_nothing() {
    every_backend(|case| {
        let (opened, _) = case.open();
        let commit_lock = std::sync::Mutex::new(());
        std::thread::scope(|scope| {
            for thread in 0..4u64 {
                let (backend, commit_lock) = (&*opened.backend, &commit_lock);
                scope.spawn(move || {
                    for n in 0..100 {
                        let guard = commit_lock.lock().unwrap();
                        let (_, _, completion) = queue(backend, &payloads(thread * 100 + n));
                        drop(guard);
                        backend.drive();
                        completion.wait().unwrap();
                    }
                });
            }
        });
        opened.backend.close().unwrap();
        drop(opened);
        if case.keeps() {
            let (_, commits) = case.open();
            let mut found: Vec<_> = commits.into_iter().map(|(_, payloads)| payloads).collect();
            let mut expected: Vec<_> = (0..400).map(payloads).collect();
            found.sort();
            expected.sort();
            assert_eq!(found, expected);
        }
    });
}

#[test]
fn the_async_backend_flushes_by_itself_and_ends_with_its_last_reference() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(1).build().unwrap();
    let options = options(StorageMode::Async);
    let path = dir.path().join("db");
    let opened =
        open_disk(&Host::system(), &path, &options, Some(runtime.handle().clone()), &mut Loaded::default())
            .unwrap();
    let (_, _, completion) = queue(&*opened.backend, &payloads(1));
    opened.backend.drive();
    completion.wait().unwrap();
    let start = std::time::Instant::now();
    while opened.backend.stats().durable.0 < 1 {
        assert!(start.elapsed().as_secs() < 10, "nothing flushed");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    drop(opened);
    assert_eq!(open_with(&path, &options).unwrap().1.len(), 1);
}

#[cfg(unix)]
#[test]
fn links_foreign_files_and_newer_versions_are_refused_and_nothing_is_touched() {
    let dir = tempfile::tempdir().unwrap();
    let sync = options(StorageMode::Sync);
    let file = dir.path().join("file");
    std::fs::write(&file, "x").unwrap();
    assert_eq!(open_with(&file, &sync).err().unwrap().kind(), Kind::Io);

    let home = dir.path().join("home");
    std::fs::create_dir(&home).unwrap();
    std::fs::write(home.join("notes.txt"), "x").unwrap();
    assert_eq!(open_with(&home, &sync).err().unwrap().kind(), Kind::Io);
    assert_eq!(std::fs::read_dir(&home).unwrap().count(), 1);

    for name in ["LOCK", "MANIFEST", "seg-0000000000000001.log"] {
        let path = dir.path().join("linked").join(name);
        std::fs::create_dir_all(&path).unwrap();
        std::os::unix::fs::symlink(&file, path.join(name)).unwrap();
        let error = open_with(&path, &sync).err().unwrap();
        assert!(error.kind() == Kind::Io && error.message().contains("symbolic link"), "{error:?}");
        assert_eq!(std::fs::read_dir(&path).unwrap().count(), 1);
    }
    assert_eq!(std::fs::read(&file).unwrap(), b"x");

    let newer = dir.path().join("newer");
    open_with(&newer, &sync).unwrap().0.backend.close().unwrap();
    let mut bytes = std::fs::read(newer.join("MANIFEST")).unwrap();
    bytes[8] = 3;
    let crc = crc32c::crc32c(&bytes[..508]);
    bytes[508..].copy_from_slice(&crc.to_le_bytes());
    std::fs::write(newer.join("MANIFEST"), &bytes).unwrap();
    assert_eq!(open_with(&newer, &sync).err().unwrap().kind(), Kind::Version);
}

/// Accepts frames up to an LSN, and refuses that one.
struct Refusing {
    until: u64,
    loaded: Vec<u64>,
}

impl Loader for Refusing {
    fn database_block(&mut self, _: SnapshotBlock) -> moltendb_node::Result<()> {
        Ok(())
    }

    fn documents(&self, _: SnapshotBlock) -> moltendb_node::Result<()> {
        Ok(())
    }

    fn frame(&mut self, frame: Replayed) -> moltendb_node::Result<()> {
        self.loaded.push(frame.lsn.0);
        if frame.lsn.0 == self.until {
            return Err(moltendb_node::Error::new(Kind::BadQuery, "enough"));
        }
        Ok(())
    }
}

#[test]
fn a_long_log_is_loaded_in_order_and_up_to_the_frame_that_the_loader_refuses() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let options =
        OpenOptions { segment_size: 64 << 20, storage: StorageMode::Async, ..OpenOptions::default() };
    let open = |until| {
        let mut loader = Refusing { until, loaded: Vec::new() };
        let opened = open_disk(&Host::system(), &path, &options, None, &mut loader);
        (opened, loader.loaded)
    };
    let backend = open(0).0.unwrap().backend;
    for n in 0..6_000 {
        let queued = queue(&*backend, &[vec![n as u8; 1 + n % 2_000]]);
        backend.drive();
        queued.2.wait().unwrap();
    }
    backend.close().unwrap();
    drop(backend);
    for until in [1, 2, 3_000, 6_000] {
        let (refused, loaded) = open(until);
        assert_eq!(refused.err().unwrap().message(), "enough");
        assert_eq!(loaded, (1..=until).collect::<Vec<_>>());
    }
    let (opened, loaded) = open(0);
    assert_eq!(opened.unwrap().report.frames_replayed, 6_000);
    assert_eq!(loaded, (1..=6_000).collect::<Vec<_>>());
}
