//! Every I/O operation of a script fails once, in each possible way. The failure is reported, nothing acknowledged is lost,
//! and the database opens again. `FAULT_SCRIPTS=` sets the number of scripts, `SEED=` repeats one.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod crash_reopening;
mod fault_scripts;
mod loading;
#[expect(dead_code, reason = "crashes are the matter of crash_sim")]
mod sim;

use std::io::ErrorKind;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fault_scripts::{Life, Script};
use loading::{Loaded, write_snapshot};
use moltendb_node::error::{Kind, Result};
use moltendb_node::options::{
    ChangeHistory, History, HistoryLimits, OpenOptions, PastHistory, PastLimits, Retention, StorageMode,
};
use moltendb_node::storage::{Block, FrameSize, Host, Lsn, Opened, open_disk};
use sim::{Fault, Sim};

fn open(sim: &Sim, mode: StorageMode) -> (Result<Opened>, Vec<Vec<u8>>) {
    open_keeping(sim, mode, 0)
}

fn open_keeping(sim: &Sim, mode: StorageMode, generations: u32) -> (Result<Opened>, Vec<Vec<u8>>) {
    open_in(&sim.process(), mode, generations)
}

fn open_in(host: &Host, mode: StorageMode, generations: u32) -> (Result<Opened>, Vec<Vec<u8>>) {
    let options = OpenOptions {
        storage: mode,
        segment_size: 4096,
        retention: Retention { generations },
        ..OpenOptions::default()
    };
    let mut loaded = Loaded::default();
    let opened = open_disk(host, Path::new("/db"), &options, None, &mut loaded);
    let commits = if opened.is_ok() { loaded.commits().unwrap() } else { Vec::new() };
    (opened, commits.into_iter().flatten().collect())
}

fn commit(opened: &Opened, payload: &[u8]) -> Result<()> {
    let size = FrameSize { blocks: [payload.len() as u32].into_iter().collect(), records: 1 };
    let nonblocking = opened.backend.is_nonblocking(&size);
    let place = opened.backend.reserve(&size)?;
    let block = Arc::new(Block { place: place.blocks[0], base: 0, bytes: payload.into(), transient: false });
    let completion = opened.backend.append(place, &[block]);
    if !nonblocking || !opened.backend.drive_nonblocking() {
        opened.backend.drive();
    }
    completion.wait()
}

fn payload(n: usize) -> Vec<u8> {
    vec![n as u8 + 1; 900]
}

/// Two sessions, a few segments, one clean close, one kill. Returns the acknowledged commits, and the errors.
fn script(sim: &Sim, mode: StorageMode) -> (Vec<Vec<u8>>, Vec<Kind>) {
    let (mut answered, mut errors) = (Vec::new(), Vec::new());
    let mut n = 0;
    for session in 0..3 {
        let (opened, loaded) = open(sim, mode);
        assert!(loaded.len() >= answered.len() || opened.is_err(), "answered commits are gone");
        let opened = match opened {
            Ok(opened) => opened,
            Err(error) => {
                errors.push(error.kind());
                continue;
            }
        };
        answered = loaded;
        let mut poisoned = false;
        for _ in 0..6 {
            n += 1;
            match commit(&opened, &payload(n)) {
                Ok(()) => {
                    assert!(!poisoned, "a poisoned log took a write");
                    answered.push(payload(n));
                }
                Err(error) => {
                    poisoned |= error.kind() == Kind::StoragePoisoned;
                    errors.push(error.kind());
                }
            }
        }
        if session != 1 {
            errors.extend(opened.backend.close().err().map(|error| error.kind()));
        }
    }
    (answered, errors)
}

#[test]
fn every_failing_operation_is_reported_and_loses_nothing_that_was_answered() {
    let faults = [
        Fault::Error(ErrorKind::Other),
        Fault::Error(ErrorKind::StorageFull),
        Fault::Error(ErrorKind::Interrupted),
        Fault::ShortWrite,
    ];
    for mode in [StorageMode::Sync, StorageMode::Async] {
        for fault in faults {
            for k in 1.. {
                let sim = Sim::new(k);
                sim.fail(k, fault);
                let (answered, errors) = script(&sim, mode);
                let Some(verb) = sim.faulted() else { break };
                let context = format!("{mode:?}, operation {k} ({verb}) {fault:?}: {errors:?}");
                // Nothing depends on sizes and locks, OWNER, and freed space; a short or interrupted read or write is
                // continued, an interrupted lock retried.
                let quiet = fault == Fault::ShortWrite
                    || (fault == Fault::Error(ErrorKind::Interrupted)
                        && matches!(verb, "read" | "write" | "lock"))
                    || matches!(verb, "open" | "set_len" | "write" | "allocate");
                assert!(quiet || !errors.is_empty(), "not reported: {context}");
                assert!(
                    errors
                        .iter()
                        .all(|kind| matches!(kind, Kind::Io | Kind::StorageFull | Kind::StoragePoisoned)),
                    "{context}"
                );
                let (opened, loaded) = open(&sim, mode);
                assert!(opened.is_ok(), "does not open again: {context} {:?}", opened.err());
                assert!(loaded.starts_with(&answered), "answered commits are gone: {context}");
            }
        }
    }
}

/// Runs a script with the k-th operation failing; `None` when it has no k-th. Returns the operation that failed.
fn fails_at(script: &Script, k: u64, fault: Fault) -> Option<&'static str> {
    let sim = Sim::new(k);
    sim.fail(k, fault);
    let life = Life::through(script, &sim);
    let verb = sim.faulted()?;
    let context = format!("operation {k} ({verb}) {fault:?} of {script:?}");
    let life = life.unwrap_or_else(|what| panic!("{what}: {context}"));
    // Nothing depends on sizes and locks, OWNER, and freed space; a short or interrupted read or write is continued.
    let quiet = matches!(fault, Fault::ShortWrite | Fault::Full)
        || (fault == Fault::Error(ErrorKind::Interrupted) && matches!(verb, "read" | "write" | "lock"))
        || matches!(verb, "open" | "set_len" | "write" | "allocate")
        || !script.tells_all();
    assert!(quiet || !life.errors.is_empty(), "not reported: {context}");
    let known = |kind: &Kind| match kind {
        Kind::Io | Kind::StorageFull | Kind::StoragePoisoned => true,
        Kind::Locked => fault == Fault::Locked,
        _ => false,
    };
    assert!(life.errors.iter().all(known), "{:?}: {context}", life.errors);
    life.ends_well().unwrap_or_else(|what| panic!("{what}: {context}"));
    Some(verb)
}

/// Every operation of a script, in every way that it can fail; returns their number.
fn fails_everywhere(script: &Script) -> u64 {
    let mut faults = 0;
    for k in 1.. {
        let Some(verb) = fails_at(script, k, Fault::Error(ErrorKind::Other)) else { break };
        let mut also = vec![Fault::Error(ErrorKind::Interrupted)];
        if verb == "write" {
            also.push(Fault::ShortWrite);
        }
        if matches!(
            verb,
            "write" | "allocate" | "mkdir" | "open" | "rename" | "set_len" | "sync_data" | "sync_all"
        ) {
            also.push(Fault::Error(ErrorKind::StorageFull));
        }
        if matches!(verb, "write" | "allocate" | "mkdir") {
            also.push(Fault::Full);
        }
        if verb == "lock" {
            also.push(Fault::Locked);
        }
        faults += 1 + also.len() as u64;
        for fault in also {
            fails_at(script, k, fault);
        }
    }
    faults
}

#[test]
fn every_failing_operation_of_scripts_drawn_from_seeds_loses_nothing() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    if let Some(seed) = number("SEED") {
        fails_everywhere(&Script::new(seed));
        return;
    }
    let scripts = number("FAULT_SCRIPTS").unwrap_or(20);
    let (next, faults) = (AtomicU64::new(0), Mutex::new(0));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= scripts {
                        return;
                    }
                    *faults.lock().unwrap() += fails_everywhere(&Script::new(seed));
                }
            });
        }
    });
    println!("{scripts} scripts, {} faults", faults.into_inner().unwrap());
}

/// Compacts, with a commit during it.
fn compact(opened: &Opened, answered: &mut Vec<Vec<u8>>, errors: &mut Vec<Kind>, n: usize) -> Result<()> {
    let cut = opened.backend.cut()?;
    let commits: Vec<_> = answered.iter().map(|payload| vec![payload.clone()]).collect();
    assert_eq!(cut.lsn.0, commits.len() as u64);
    let mut sink = opened.backend.begin_snapshot(&cut)?;
    match commit(opened, &payload(n)) {
        Ok(()) => answered.push(payload(n)),
        Err(error) => errors.push(error.kind()),
    }
    write_snapshot(&mut *sink, &commits, 2, || {})?;
    // A checkpoint that cannot be written is none, and changes nothing else.
    let pages = opened.backend.begin_checkpoint(&cut).and_then(|mut pages| {
        pages.page(&[7; 100], 1)?;
        pages.so_far()?;
        Ok(pages)
    });
    let installed = opened.backend.install(cut, sink)?;
    let ended = pages.and_then(|pages| opened.backend.end_checkpoint(pages, b"catalogue"));
    errors.extend(ended.err().map(|error| error.kind()));
    opened.backend.forget(&installed.retired);
    Ok(())
}

/// Three sessions that compact, the second without a close. Returns the acknowledged commits, and the errors.
fn compactions(sim: &Sim, mode: StorageMode, keep: u32) -> (Vec<Vec<u8>>, Vec<Kind>) {
    let (mut answered, mut errors) = (Vec::new(), Vec::new());
    for session in 0..3 {
        let (opened, loaded) = open_keeping(sim, mode, keep);
        assert!(loaded.len() >= answered.len() || opened.is_err(), "answered commits are gone");
        let opened = match opened {
            Ok(opened) => opened,
            Err(error) => {
                errors.push(error.kind());
                continue;
            }
        };
        answered = loaded;
        for n in 0..2 {
            let before = opened.backend.stats().snapshot_bytes;
            if let Err(error) = compact(&opened, &mut answered, &mut errors, session * 9 + n) {
                errors.push(error.kind());
                let after = opened.backend.stats().snapshot_bytes;
                assert_eq!(before, after, "a failed compaction changed something");
                if error.kind() == Kind::StoragePoisoned {
                    break;
                }
            }
            // The commit after a failed compaction, and the next compaction, must work as usual.
            match commit(&opened, &payload(session * 9 + n + 4)) {
                Ok(()) => answered.push(payload(session * 9 + n + 4)),
                Err(error) => errors.push(error.kind()),
            }
        }
        if session != 1 {
            errors.extend(opened.backend.close().err().map(|error| error.kind()));
        }
    }
    (answered, errors)
}

#[test]
fn every_failing_operation_of_a_compaction_leaves_the_old_or_the_new_generation() {
    let faults = [
        Fault::Error(ErrorKind::Other),
        Fault::Error(ErrorKind::StorageFull),
        Fault::Error(ErrorKind::Interrupted),
        Fault::ShortWrite,
    ];
    for (mode, keep) in
        [(StorageMode::Sync, 0), (StorageMode::Sync, 2), (StorageMode::Async, 0), (StorageMode::Async, 1)]
    {
        for fault in faults {
            for k in 1.. {
                let sim = Sim::new(k);
                sim.fail(k, fault);
                let (answered, errors) = compactions(&sim, mode, keep);
                let Some(verb) = sim.faulted() else { break };
                let context =
                    format!("{mode:?}, keeping {keep}, operation {k} ({verb}) {fault:?}: {errors:?}");
                assert!(
                    errors
                        .iter()
                        .all(|kind| matches!(kind, Kind::Io | Kind::StorageFull | Kind::StoragePoisoned)),
                    "{context}"
                );
                let (opened, loaded) = open_keeping(&sim, mode, keep);
                assert!(opened.is_ok(), "does not open again: {context} {:?}", opened.err());
                assert!(loaded.starts_with(&answered), "answered commits are gone: {context}");
            }
        }
    }
}

#[test]
fn a_full_disk_while_a_snapshot_is_written_leaves_everything_and_a_later_compaction_works() {
    let sim = Sim::new(3);
    let (opened, _) = open(&sim, StorageMode::Sync);
    let opened = opened.unwrap();
    let mut answered = Vec::new();
    for n in 0..5 {
        commit(&opened, &payload(n)).unwrap();
        answered.push(payload(n));
    }
    let mut failures = 0;
    for k in 1.. {
        // The log has already switched to the next segment, so that the fault affects the snapshot.
        commit(&opened, &payload(k)).unwrap();
        answered.push(payload(k));
        let cut = opened.backend.cut().unwrap();
        opened.backend.drive();
        let commits: Vec<_> = answered.iter().map(|payload| vec![payload.clone()]).collect();
        sim.fail(k as u64, Fault::Error(ErrorKind::StorageFull));
        let done = opened.backend.begin_snapshot(&cut).and_then(|mut sink| {
            write_snapshot(&mut *sink, &commits, 2, || {})?;
            opened.backend.install(cut, sink)
        });
        match done {
            Ok(installed) => {
                opened.backend.forget(&installed.retired);
                break;
            }
            // The rename of the manifest, or its fsync: it is unknown which one is on the disk.
            Err(error) if error.kind() == Kind::StoragePoisoned => break,
            Err(error) => assert_eq!(error.kind(), Kind::StorageFull),
        }
        failures += 1;
    }
    assert!(failures > 5, "{failures}");
    drop(opened);
    let (opened, loaded) = open(&sim, StorageMode::Sync);
    let opened = opened.unwrap();
    assert_eq!(loaded, answered);
    compact(&opened, &mut answered, &mut Vec::new(), 1).unwrap();
    drop(opened);
    assert_eq!(open(&sim, StorageMode::Sync).1, answered);
}

#[test]
fn a_full_disk_in_reserve_leaves_no_trace() {
    let sim = Sim::new(7);
    let (opened, _) = open(&sim, StorageMode::Sync);
    let opened = opened.unwrap();
    commit(&opened, &payload(1)).unwrap();
    for n in 2..20 {
        sim.fail(1, Fault::Error(ErrorKind::StorageFull));
        if sim_reserve_fails(&opened) {
            break;
        }
        commit(&opened, &payload(n)).unwrap();
    }
    commit(&opened, &payload(99)).unwrap();
    opened.backend.close().unwrap();
}

/// Reserves a frame that begins a segment, which is the only reserve here that does I/O.
fn sim_reserve_fails(opened: &Opened) -> bool {
    let size = FrameSize { blocks: [5000].into_iter().collect(), records: 1 };
    match opened.backend.reserve(&size) {
        Err(error) => {
            assert_eq!(error.kind(), Kind::StorageFull);
            true
        }
        Ok(_) => panic!("the injected fault was not met"),
    }
}

/// A database that keeps three generations of the log; its commits, all of them acknowledged.
fn with_history(sim: &Sim, mode: StorageMode) -> (Opened, Vec<Vec<u8>>) {
    let limits = HistoryLimits { max_age: Duration::from_secs(60), max_bytes: u64::MAX };
    let options = OpenOptions {
        storage: mode,
        segment_size: 4096,
        history: History {
            changes: ChangeHistory::Keep(limits),
            past: PastHistory::Keep(PastLimits { max_age: limits.max_age, max_bytes: None }),
        },
        ..OpenOptions::default()
    };
    let mut loaded = Loaded::default();
    let opened = open_disk(&sim.process(), Path::new("/db"), &options, None, &mut loaded).unwrap();
    let mut answered: Vec<_> = loaded.commits().unwrap().into_iter().flatten().collect();
    for n in answered.len()..answered.len() + 3 {
        compact(&opened, &mut answered, &mut Vec::new(), n).unwrap();
    }
    (opened, answered)
}

fn read_again(opened: &Opened, answered: &[Vec<u8>]) -> u64 {
    let (first, last) = (opened.backend.history().unwrap().first, Lsn(answered.len() as u64));
    let read = opened.backend.log_reader().unwrap().read(first, last, usize::MAX).unwrap();
    let read: Vec<_> = read.iter().map(|commit| commit.blocks[0].bytes.to_vec()).collect();
    assert_eq!(read, answered[first.0 as usize - 1..]);
    first.0
}

#[test]
fn every_failing_operation_while_the_history_is_trimmed_leaves_a_database_that_works() {
    let faults = [
        Fault::Error(ErrorKind::Other),
        Fault::Error(ErrorKind::StorageFull),
        Fault::Error(ErrorKind::Interrupted),
        Fault::ShortWrite,
    ];
    let mut verbs = std::collections::BTreeSet::new();
    for mode in [StorageMode::Sync, StorageMode::Async] {
        for fault in faults {
            for k in 1.. {
                let sim = Sim::new(k);
                let (opened, mut answered) = with_history(&sim, mode);
                assert_eq!(read_again(&opened, &answered), 1);
                sim.fail(k, fault);
                opened.backend.trim_history(i64::MAX);
                let Some(verb) = sim.faulted() else { break };
                verbs.insert(verb);
                sim.heal();
                let context = format!("{mode:?}, operation {k} ({verb}) {fault:?}");
                read_again(&opened, &answered);
                commit(&opened, &payload(90)).unwrap_or_else(|error| panic!("{error:?}: {context}"));
                answered.push(payload(90));
                compact(&opened, &mut answered, &mut Vec::new(), 91).unwrap();
                opened.backend.trim_history(i64::MAX);
                // The compaction was of all but the last.
                let first = answered.len() as u64;
                assert_eq!(read_again(&opened, &answered), first, "{context}");
                commit(&opened, &payload(92)).unwrap();
                answered.push(payload(92));
                if k % 2 == 0 {
                    opened.backend.close().unwrap();
                }
                drop(opened);
                let (opened, again) = with_history(&sim, mode);
                assert!(again.starts_with(&answered), "{context}");
                assert_eq!(read_again(&opened, &again), first, "{context}");
            }
        }
    }
    assert!(["write", "sync_all", "rename", "sync_dir", "remove"].iter().all(|due| verbs.contains(due)));
}
