//! Reading the log again, by the contract of the storage trait: what a reader gets, how far back it reaches, and what is
//! given back.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use moltendb_node::error::Kind;
use moltendb_node::options::{
    Access, ChangeHistory, History, HistoryLimits, OpenOptions, Retention, StorageMode,
};
use moltendb_node::storage::{Host, LogReader, Lsn, Opened, Replayed, StorageBackend, inspect};

use crate::conformance_compaction::{compact, names};
use crate::{every_backend, open_with, options, payloads, queue};

type Commits = Vec<Vec<Vec<u8>>>;

fn write(opened: &Opened, commits: &mut Commits, count: u64) {
    for n in 0..count {
        write_one(opened, commits, payloads(n));
    }
}

fn write_one(opened: &Opened, commits: &mut Commits, payloads: Vec<Vec<u8>>) {
    let (_, _, completion) = queue(&*opened.backend, &payloads);
    opened.backend.drive();
    completion.wait().unwrap();
    commits.push(payloads);
}

/// A commit of this time.
fn dated(time: i64) -> Vec<Vec<u8>> {
    vec![[&time.to_le_bytes()[..], &[7; 1000]].concat()]
}

fn replace(opened: &Opened, commits: &[Vec<Vec<u8>>]) {
    let installed = compact(opened, commits);
    opened.backend.forget(&installed.retired);
}

fn content(commit: &Replayed) -> Vec<Vec<u8>> {
    commit.blocks.iter().map(|block| block.bytes.to_vec()).collect()
}

/// Reads from a commit to the last, in pieces of about so many bytes.
fn read_all(
    reader: &mut dyn LogReader,
    from: u64,
    last: usize,
    most: usize,
) -> moltendb_node::Result<Commits> {
    let mut read = Vec::new();
    let mut next = from;
    while next <= last as u64 {
        let piece = reader.read(Lsn(next), Lsn(last as u64), most)?;
        assert!(!piece.is_empty(), "nothing at {next} of {last}");
        for commit in piece {
            assert_eq!(commit.lsn.0, next);
            next += 1;
            read.push(content(&commit));
        }
    }
    Ok(read)
}

/// Everything from the first commit that is kept to the last is what was written, and nothing before can be read.
fn check(opened: &Opened, commits: &[Vec<Vec<u8>>]) -> u64 {
    let backend = &*opened.backend;
    let first = backend.history().unwrap().first.0;
    let mut reader = backend.log_reader().unwrap();
    for most in [1, 2000, 100_000] {
        let read = read_all(&mut *reader, first, commits.len(), most).unwrap();
        assert!(read == commits[first as usize - 1..], "from {first}, {most} bytes at once");
    }
    for from in first..=commits.len() as u64 {
        let one = reader.read(Lsn(from), Lsn(from), 1).unwrap();
        assert_eq!(one.iter().map(content).collect::<Vec<_>>(), commits[from as usize - 1..from as usize]);
        assert!(backend.salt_at(Lsn(from)).is_some());
    }
    if first > 1 {
        let error = reader.read(Lsn(first - 1), Lsn(first), 1).err().unwrap();
        assert_eq!(error.kind(), Kind::HistoryLost, "{error:?}");
        assert_eq!(backend.salt_at(Lsn(first - 1)), None);
    }
    assert!(reader.read(Lsn(commits.len() as u64 + 1), Lsn(commits.len() as u64), 1).unwrap().is_empty());
    first
}

fn keeping(max_age: Duration, max_bytes: u64) -> OpenOptions {
    let changes = ChangeHistory::Keep(HistoryLimits { max_age, max_bytes });
    OpenOptions { history: History { changes, ..History::default() }, ..options(StorageMode::Sync) }
}

fn segments(path: &Path) -> usize {
    names(path).iter().filter(|name| name.starts_with("seg-")).count()
}

fn directory() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    (dir, path)
}

const DAY: Duration = HistoryLimits::DEFAULT.max_age;

#[test]
fn published_commits_are_read_again_from_any_of_them_on() {
    every_backend(|case| {
        let (opened, _) = case.open();
        if !case.keeps() {
            assert!(opened.backend.log_reader().is_none() && opened.backend.history().is_none());
            assert_ne!(opened.backend.database_id(), [0; 16]);
            return;
        }
        let mut commits = Vec::new();
        write(&opened, &mut commits, 120);
        assert!(opened.backend.stats().segments > 1);
        assert_eq!(check(&opened, &commits), 1);
        let id = opened.backend.database_id();
        opened.backend.close().unwrap();
        drop(opened);
        let (opened, _) = case.open();
        assert_eq!(check(&opened, &commits), 1);
        assert_eq!(opened.backend.database_id(), id);
        write(&opened, &mut commits, 10);
        assert_eq!(check(&opened, &commits), 1);
    });
}

#[test]
fn without_a_reader_a_compaction_gives_everything_back_and_a_reader_goes_on_behind_it() {
    every_backend(|case| {
        if !case.keeps() {
            return;
        }
        let (opened, _) = case.open();
        let mut commits = Vec::new();
        write(&opened, &mut commits, 60);
        let mut reader = opened.backend.log_reader().unwrap();
        read_all(&mut *reader, 1, 60, 1 << 20).unwrap();
        let mut slow = opened.backend.log_reader().unwrap();
        slow.read(Lsn(1), Lsn(60), 1).unwrap();
        replace(&opened, &commits);
        let reach = opened.backend.history().unwrap();
        assert_eq!((reach.first, reach.bytes, reach.on), (Lsn(61), 0, false));
        assert_eq!(slow.read(Lsn(2), Lsn(60), 1).err().unwrap().kind(), Kind::HistoryLost);
        write(&opened, &mut commits, 3);
        let read = read_all(&mut *reader, 61, 63, 1).unwrap();
        assert!(read == commits[60..]);
        assert_eq!(check(&opened, &commits), 61);
    });
}

#[test]
fn once_it_is_kept_the_log_is_read_through_compactions_and_openings() {
    every_backend(|case| {
        if !case.keeps() {
            return;
        }
        let (opened, _) = case.open();
        let mut commits = Vec::new();
        write(&opened, &mut commits, 60);
        replace(&opened, &commits);
        write(&opened, &mut commits, 60);
        opened.backend.keep_history().unwrap();
        opened.backend.keep_history().unwrap();
        let mut opened = opened;
        for round in 0..3 {
            write(&opened, &mut commits, 30);
            let salt = opened.backend.salt_at(Lsn(61));
            let before = opened.backend.stats().bytes_on_disk;
            replace(&opened, &commits);
            let reach = opened.backend.history().unwrap();
            assert!(reach.on && reach.bytes > 20_000 && reach.bytes < before, "{reach:?} of {before}");
            assert!(opened.backend.stats().bytes_on_disk > reach.bytes);
            assert_eq!(check(&opened, &commits), 61);
            assert!(salt.is_some() && salt == opened.backend.salt_at(Lsn(61)), "the salt stays");
            if round > 0 {
                opened.backend.close().unwrap();
            }
            drop(opened);
            let (again, loaded) = case.open();
            assert!(loaded.into_iter().map(|(_, payloads)| payloads).eq(commits.iter().cloned()));
            assert_eq!(check(&again, &commits), 61);
            opened = again;
        }
        let read_only = OpenOptions { access: Access::ReadOnly, ..options(case.mode) };
        opened.backend.close().unwrap();
        drop(opened);
        let (opened, _) = open_with(&case.path, &read_only).unwrap();
        assert_eq!(check(&opened, &commits), 61);
    });
}

#[test]
fn more_bytes_than_the_limit_are_given_back_the_oldest_first() {
    let (_dir, path) = directory();
    let (opened, _) = open_with(&path, &keeping(DAY, 50_000)).unwrap();
    let mut commits = Vec::new();
    for _ in 0..6 {
        write(&opened, &mut commits, 60);
        replace(&opened, &commits);
        let reach = opened.backend.history().unwrap();
        assert!(reach.bytes <= 50_000, "{reach:?}");
        check(&opened, &commits);
    }
    let first = check(&opened, &commits);
    assert!(first > 1 && first < commits.len() as u64 - 40);
    opened.backend.close().unwrap();
    drop(opened);
    let before = segments(&path);
    let (opened, _) = open_with(&path, &keeping(DAY, 20_000)).unwrap();
    assert!(opened.backend.history().unwrap().bytes <= 20_000 && segments(&path) < before);
    assert!(check(&opened, &commits) > first);
    opened.backend.trim_history(0);
    assert!(check(&opened, &commits) > first);
}

#[test]
fn commits_that_are_too_old_are_given_back_also_while_nothing_is_written() {
    let (_dir, path) = directory();
    let hour = Duration::from_secs(3600);
    let (opened, _) = open_with(&path, &keeping(hour, 1 << 30)).unwrap();
    let now = i64::try_from(Host::system().clock.now_millis()).unwrap();
    let mut commits = Vec::new();
    // Two an hour, of the last ten hours.
    for n in (1..=20).rev() {
        write_one(&opened, &mut commits, dated(now - n * 1_800_000 + 60_000));
        replace(&opened, &commits);
    }
    // Each segment has one; the next one's time says when it ends.
    assert_eq!(check(&opened, &commits), 18);
    assert_eq!(opened.backend.history().unwrap().time, Some(now - 3 * 1_800_000 + 60_000));
    opened.backend.trim_history(now + 1_900_000);
    assert_eq!(check(&opened, &commits), 20);
    opened.backend.trim_history(now + 3_590_000);
    assert_eq!(check(&opened, &commits), 20, "the last one ends with the compaction");
    opened.backend.trim_history(now + 3_700_000);
    let reach = opened.backend.history().unwrap();
    assert_eq!((reach.first, reach.bytes, reach.time, reach.on), (Lsn(21), 0, None, true));
    assert_eq!(segments(&path), 1);
    write_one(&opened, &mut commits, dated(now));
    assert_eq!(check(&opened, &commits), 21);
}

#[test]
fn what_is_too_old_goes_with_the_opening_and_off_gives_everything_back() {
    let (_dir, path) = directory();
    let (opened, _) = open_with(&path, &keeping(DAY * 30, 1 << 30)).unwrap();
    let now = i64::try_from(Host::system().clock.now_millis()).unwrap();
    let mut commits = Vec::new();
    let day = 86_400_000;
    for n in [5, 3, 0] {
        write_one(&opened, &mut commits, dated(now - n * day));
        replace(&opened, &commits);
    }
    assert_eq!(check(&opened, &commits), 1);
    opened.backend.close().unwrap();
    drop(opened);
    // The default keeps a day of what was begun.
    let (opened, _) = open_with(&path, &options(StorageMode::Sync)).unwrap();
    assert!(opened.backend.history().unwrap().on);
    assert_eq!(check(&opened, &commits), 2);
    opened.backend.close().unwrap();
    drop(opened);
    let off = OpenOptions {
        history: History { changes: ChangeHistory::Off, ..History::default() },
        ..options(StorageMode::Sync)
    };
    let (opened, _) = open_with(&path, &off).unwrap();
    opened.backend.keep_history().unwrap();
    assert!(!opened.backend.history().unwrap().on);
    assert_eq!(check(&opened, &commits), 4);
    assert_eq!(segments(&path), 1);
    write_one(&opened, &mut commits, dated(now));
    replace(&opened, &commits);
    assert_eq!(check(&opened, &commits), 5);
}

#[test]
fn files_that_are_still_read_are_kept_until_they_are_forgotten() {
    let (_dir, path) = directory();
    let (opened, _) = open_with(&path, &keeping(DAY, 0)).unwrap();
    let mut commits = Vec::new();
    write(&opened, &mut commits, 60);
    let (place, blocks, completion) = queue(&*opened.backend, &payloads(9));
    opened.backend.drive();
    completion.wait().unwrap();
    commits.push(payloads(9));
    let installed = compact(&opened, &commits);
    opened.backend.trim_history(i64::MAX);
    assert_eq!(opened.backend.read(place.blocks[0]).unwrap().bytes, blocks[0].bytes);
    assert_eq!(check(&opened, &commits), 1);
    opened.backend.forget(&installed.retired);
    assert_eq!(check(&opened, &commits), commits.len() as u64 + 1);
    assert_eq!(segments(&path), 1);
}

#[test]
fn generations_in_backup_are_read_there_until_they_are_removed() {
    let (_dir, path) = directory();
    let options = OpenOptions { retention: Retention { generations: 2 }, ..keeping(DAY, 1 << 30) };
    let (opened, _) = open_with(&path, &options).unwrap();
    let mut commits = Vec::new();
    let mut ends = Vec::new();
    for _ in 0..4 {
        write(&opened, &mut commits, 40);
        replace(&opened, &commits);
        ends.push(commits.len() as u64);
    }
    assert_eq!(check(&opened, &commits), ends[1] + 1);
    assert_eq!(opened.backend.history().unwrap().bytes, 0, "they are kept as backups");
    opened.backend.close().unwrap();
    drop(opened);
    let (opened, _) = open_with(&path, &options).unwrap();
    assert_eq!(check(&opened, &commits), ends[1] + 1);
    drop(opened);
    let (backup, loaded) = open_with(&path.join("backup/4"), &crate::options(StorageMode::Sync)).unwrap();
    assert_eq!(loaded.len(), commits.len());
    assert!(!backup.backend.history().unwrap().on, "a backup has no history of its own");
    drop(backup);
    std::fs::remove_dir_all(path.join("backup")).unwrap();
    let (opened, _) = open_with(&path, &options).unwrap();
    assert_eq!(check(&opened, &commits), ends[3] + 1);
}

#[test]
fn damage_is_told_with_file_and_offset_to_the_reader_and_to_verify_and_opening_does_not_mind() {
    let (_dir, path) = directory();
    let (opened, _) = open_with(&path, &keeping(Duration::MAX, 1 << 30)).unwrap();
    let mut commits = Vec::new();
    write(&opened, &mut commits, 60);
    replace(&opened, &commits);
    write(&opened, &mut commits, 2);
    opened.backend.close().unwrap();
    drop(opened);
    let visit = || {
        let found = inspect(&Host::system(), &path, &mut |_| None).unwrap();
        assert_eq!(found.last_lsn.0, commits.len() as u64);
        found.files.into_iter().filter_map(|file| Some((file.file, file.first_damage?))).collect::<Vec<_>>()
    };
    assert_eq!(visit(), []);
    let kept: Vec<_> = names(&path).into_iter().filter(|name| name.starts_with("seg-")).collect();
    assert!(kept.len() > 2);
    for (nth, name) in kept[..kept.len() - 1].iter().enumerate() {
        let file = path.join(name);
        let whole = std::fs::read(&file).unwrap();
        for at in (0..whole.len()).step_by(71).chain([whole.len() - 1]) {
            let mut bytes = whole.clone();
            bytes[at] ^= 4;
            std::fs::write(&file, &bytes).unwrap();
            let damage = visit();
            assert_eq!(damage.len(), 1, "{name} at {at}: {damage:?}");
            assert_eq!(&damage[0].0, name);
            let (opened, loaded) = open_with(&path, &keeping(Duration::MAX, 1 << 30)).unwrap();
            assert_eq!(loaded.len(), commits.len());
            let mut reader = opened.backend.log_reader().unwrap();
            let error = read_all(&mut *reader, 1, commits.len(), 3000).err().unwrap();
            assert_eq!(error.kind(), Kind::Corrupt, "{name} at {at}: {error:?}");
            assert_eq!(error.details().file.as_deref(), Some(&*file));
            assert!(
                error.details().offset.unwrap() <= at as u64 && at < 64
                    || error.details().offset.unwrap() >= 64
            );
            let first = opened.backend.history().unwrap().first.0;
            assert_eq!(first > 1, at < 64 && nth < kept.len(), "{name} at {at}");
            drop(opened);
        }
        std::fs::write(&file, &whole).unwrap();
    }
    // Without one of them the history begins after it.
    std::fs::remove_file(path.join(&kept[1])).unwrap();
    assert_eq!(visit(), [], "a history that begins later is whole");
    let (opened, _) = open_with(&path, &keeping(Duration::MAX, 1 << 30)).unwrap();
    assert!(check(&opened, &commits) > 1);
    assert_eq!(segments(&path), kept.len() - 1, "a state may be made of what is below a gap");
    opened.backend.close().unwrap();
    drop(opened);
    let (opened, _) = open_with(&path, &keeping(Duration::MAX, 1)).unwrap();
    assert_eq!(check(&opened, &commits), commits.len() as u64 - 1);
    assert_eq!(segments(&path), 1, "the limits give it up");
}

#[test]
fn a_closed_database_tells_its_readers() {
    let (_dir, path) = directory();
    let (opened, _) = open_with(&path, &keeping(DAY, 1 << 30)).unwrap();
    let mut commits = Vec::new();
    write(&opened, &mut commits, 60);
    let mut reader = opened.backend.log_reader().unwrap();
    reader.read(Lsn(1), Lsn(60), 1).unwrap();
    opened.backend.close().unwrap();
    assert_eq!(reader.read(Lsn(2), Lsn(60), 1).err().unwrap().kind(), Kind::Closed);
    assert_eq!(opened.backend.keep_history().unwrap_err().kind(), Kind::Closed);
    opened.backend.trim_history(i64::MAX);
}

#[test]
fn a_reader_beside_writers_compactions_and_trims_gets_every_commit_or_is_told() {
    for (mode, most) in [(StorageMode::Sync, 30_000), (StorageMode::Async, 1 << 30)] {
        let (_dir, path) = directory();
        let limits = keeping(DAY, most);
        let (opened, _) = open_with(&path, &OpenOptions { storage: mode, ..limits }).unwrap();
        let (commits, published) = (Mutex::new(Vec::new()), AtomicUsize::new(0));
        let done = AtomicBool::new(false);
        let lost = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let (backend, commits, published, done, lost) =
                (&*opened.backend, &commits, &published, &done, &lost);
            let writers: Vec<_> = (0..2u64)
                .map(|thread| {
                    scope.spawn(move || {
                        for n in 0..600 {
                            let mut all = commits.lock().unwrap();
                            let (place, _, completion) = queue(backend, &payloads(thread * 600 + n));
                            all.push(payloads(thread * 600 + n));
                            drop(all);
                            backend.drive();
                            completion.wait().unwrap();
                            published.fetch_max(place.lsn.0 as usize, Ordering::AcqRel);
                        }
                    })
                })
                .collect();
            for piece in [1, 700, 50_000] {
                scope.spawn(move || follow(backend, commits, (published, done, lost), piece));
            }
            scope.spawn(move || {
                while !done.load(Ordering::Acquire) {
                    let (cut, before) = {
                        let commits = commits.lock().unwrap();
                        (backend.cut().unwrap(), commits.clone())
                    };
                    let mut sink = backend.begin_snapshot(&cut).unwrap();
                    crate::loading::write_snapshot(&mut *sink, &before, 40, || {}).unwrap();
                    let installed = backend.install(cut, sink).unwrap();
                    backend.trim_history(0);
                    backend.forget(&installed.retired);
                }
            });
            writers.into_iter().for_each(|writer| writer.join().unwrap());
            done.store(true, Ordering::Release);
        });
        let commits = commits.into_inner().unwrap();
        check(&opened, &commits);
        assert!(lost.load(Ordering::Relaxed) == 0 || most < 1 << 30, "nothing is lost where all is kept");
    }
}

/// Reads on and on, and begins again where the history begins when it is too late.
fn follow(
    backend: &dyn StorageBackend,
    commits: &Mutex<Commits>,
    (published, done, lost): (&AtomicUsize, &AtomicBool, &AtomicUsize),
    piece: usize,
) {
    let mut reader = backend.log_reader().unwrap();
    let (mut next, mut seen) = (1, BTreeSet::new());
    loop {
        let ended = done.load(Ordering::Acquire);
        let last = published.load(Ordering::Acquire) as u64;
        if next > last {
            if ended {
                return;
            }
            std::thread::yield_now();
            continue;
        }
        match reader.read(Lsn(next), Lsn(last), piece) {
            Ok(read) => {
                assert!(!read.is_empty());
                let commits = commits.lock().unwrap();
                for commit in read {
                    assert_eq!(commit.lsn.0, next);
                    assert!(content(&commit) == commits[next as usize - 1], "commit {next}");
                    assert!(seen.insert(next));
                    next += 1;
                }
            }
            Err(error) => {
                assert_eq!(error.kind(), Kind::HistoryLost, "{error:?}");
                lost.fetch_add(1, Ordering::Relaxed);
                let first = backend.history().unwrap().first.0;
                assert!(first > next, "{first} {next}");
                next = first;
            }
        }
    }
}
