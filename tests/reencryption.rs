//! All files written again with other keys, which a kill or a power cut ends at each operation. `REENCRYPTIONS=` sets how many databases.
//!
//! Exactly one of the two keys opens the database at each moment, with all of its content and its history.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod committing;
mod loading;
#[expect(dead_code, reason = "only some of its faults are needed here")]
mod sim;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use committing::{append, payloads_of};
use loading::{Loaded, Payloads, write_snapshot};
use moltendb_node::error::Kind;
use moltendb_node::options::{
    Access, ChangeHistory, EncryptionKey, History, HistoryLimits, OpenOptions, PastHistory, PastLimits,
    Retention, StorageMode,
};
use moltendb_node::storage::{Host, Lsn, Moment, Opened, StorageBackend, open_disk, reencrypt, rekey};
use sim::{Fault, Sim};

const PATH: &str = "/db";

fn key(n: u8) -> EncryptionKey {
    EncryptionKey::raw(&[n; 32]).unwrap()
}

fn options(key: &EncryptionKey, generations: u32) -> OpenOptions {
    let changes = ChangeHistory::Keep(HistoryLimits { max_age: Duration::MAX, max_bytes: u64::MAX });
    let past = PastHistory::Keep(PastLimits { max_age: Duration::MAX, max_bytes: Some(u64::MAX) });
    OpenOptions {
        encryption: Some(key.clone()),
        storage: StorageMode::Sync,
        segment_size: 4096,
        retention: Retention { generations },
        history: History { changes, past },
        ..OpenOptions::default()
    }
}

fn commit(opened: &Opened, content: &mut Vec<Payloads>) {
    let payloads = payloads_of(content.len());
    append(opened, &payloads);
    content.push(payloads);
}

fn compact(opened: &Opened, content: &[Payloads]) {
    let cut = opened.backend.cut().unwrap();
    let mut sink = opened.backend.begin_snapshot(&cut).unwrap();
    write_snapshot(&mut *sink, content, 5, || {}).unwrap();
    let installed = opened.backend.install(cut, sink).unwrap();
    opened.backend.forget(&installed.retired);
}

/// A database of one of several kinds, and how it ended.
fn made(sim: &Sim, kind: u64) -> (Vec<Payloads>, u32) {
    let generations = u32::from(kind % 3 == 1);
    let mut content = Vec::new();
    let host = sim.process();
    let options = options(&key(1), generations);
    let opened = open_disk(&host, Path::new(PATH), &options, None, &mut Loaded::default()).unwrap();
    for _ in 0..kind % 4 {
        (0..7).for_each(|_| commit(&opened, &mut content));
        compact(&opened, &content);
    }
    // None behind the newest snapshot, or none at all.
    if kind % 5 != 2 {
        (0..9).for_each(|_| commit(&opened, &mut content));
    }
    if kind.is_multiple_of(2) {
        opened.backend.close().unwrap();
    }
    (content, generations)
}

fn opens(host: &Host, key: &EncryptionKey, what: &str) -> Option<Vec<Payloads>> {
    let options = OpenOptions { access: Access::ReadOnly, ..options(key, 0) };
    let mut loaded = Loaded::default();
    match open_disk(host, Path::new(PATH), &options, None, &mut loaded) {
        Ok(_) => Some(loaded.commits().unwrap()),
        Err(error) => {
            assert_eq!(error.kind(), Kind::WrongKey, "{what}: {error:?}");
            None
        }
    }
}

/// Every commit and every state that is kept is what it was; returns the first commit.
fn check_history(backend: &dyn StorageBackend, content: &[Payloads], what: &str) -> (u64, u64) {
    let (first, last) = (backend.history().unwrap().first, Lsn(content.len() as u64));
    let mut next = first;
    let mut reader = backend.log_reader().unwrap();
    while next <= last {
        let read = reader.read(next, last, 5_000).unwrap();
        assert!(!read.is_empty(), "{what}: {next:?}");
        for one in read {
            let found: Payloads = one.blocks.iter().map(|block| block.bytes.to_vec()).collect();
            assert_eq!((one.lsn, &found), (next, &content[next.0 as usize - 1]), "{what}");
            next = Lsn(next.0 + 1);
        }
    }
    let from = backend.past_reach().unwrap().from.0;
    for wanted in from..=last.0 {
        let mut loaded = Loaded::default();
        backend.past(Moment::Lsn(Lsn(wanted)), last).unwrap().load(&mut loaded).unwrap();
        assert_eq!(loaded.commits().unwrap(), content[..wanted as usize], "{what}: state {wanted}");
    }
    (first.0, from)
}

fn files(sim: &Sim) -> BTreeSet<Vec<u8>> {
    let ours = |name: &str| !name.ends_with("LOCK") && !name.ends_with("OWNER");
    sim.bytes(ours).into_values().filter(|bytes| bytes.len() > 64).collect()
}

fn runs() -> u64 {
    std::env::var("REENCRYPTIONS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(6)
}

#[test]
fn a_kill_or_a_power_cut_at_each_operation_leaves_a_database_that_exactly_one_of_the_keys_opens() {
    let (old, new) = (key(1), key(2));
    let path = Path::new(PATH);
    let mut ended = (0, 0);
    for kind in 0..runs() {
        for is_cut in [false, true] {
            let mut after_end = 0;
            for operation in 1.. {
                let what = format!("database {kind}, operation {operation}, cut: {is_cut}");
                let sim = Sim::new(kind * 1_000_003 + operation);
                let (mut content, generations) = made(&sim, kind);
                let host = sim.process();
                sim.die_after(operation);
                let changed = reencrypt(&host, path, &old, &new);
                let died = sim.is_dead();
                let host = sim.process();
                if is_cut {
                    sim.cut();
                }
                let (with_old, with_new) = (opens(&host, &old, &what), opens(&host, &new, &what));
                assert!(with_old.is_some() != with_new.is_some(), "{what}");
                assert!(changed.is_err() || with_new.is_some(), "{what}: an answered change is lost");
                *(if with_new.is_some() { &mut ended.1 } else { &mut ended.0 }) += 1;
                let is_old = with_old.is_some();
                assert_eq!(with_old.or(with_new).unwrap(), content, "{what}");
                if is_old {
                    let host = sim.process();
                    // In half of the runs the database goes on before it is done again.
                    if operation % 2 == 0 {
                        let options = options(&old, generations);
                        let opened = open_disk(&host, path, &options, None, &mut Loaded::default()).unwrap();
                        check_history(&*opened.backend, &content, &what);
                        commit(&opened, &mut content);
                        if operation % 4 == 0 {
                            compact(&opened, &content);
                            commit(&opened, &mut content);
                        }
                        opened.backend.close().unwrap();
                    }
                    reencrypt(&sim.process(), path, &old, &new).unwrap();
                }
                let host = sim.process();
                assert_eq!(opens(&host, &old, &what), None);
                let options = options(&new, generations);
                let opened = open_disk(&host, path, &options, None, &mut Loaded::default()).unwrap();
                let reach = check_history(&*opened.backend, &content, &what);
                commit(&opened, &mut content);
                compact(&opened, &content);
                commit(&opened, &mut content);
                assert!(check_history(&*opened.backend, &content, &what) <= reach, "{what}");
                opened.backend.close().unwrap();
                drop(opened);
                assert_eq!(opens(&sim.process(), &new, &what).unwrap(), content);
                after_end += u64::from(!died);
                if after_end > 1 {
                    break;
                }
            }
        }
    }
    println!("{ended:?}");
    assert!(ended.0 > 100 && ended.1 > 10);
}

#[test]
fn the_history_stays_whole_and_no_file_of_before() {
    for kind in 0..24 {
        let sim = Sim::new(kind);
        let (content, generations) = made(&sim, kind);
        let host = sim.process();
        let was = options(&key(1), generations);
        let opened = open_disk(&host, Path::new(PATH), &was, None, &mut Loaded::default()).unwrap();
        let reach = check_history(&*opened.backend, &content, "before");
        // Resume tokens of change streams have these.
        let salts = |backend: &dyn StorageBackend| {
            (0..=content.len() as u64).map(|lsn| backend.salt_at(Lsn(lsn))).collect::<Vec<_>>()
        };
        let salts_before = salts(&*opened.backend);
        opened.backend.close().unwrap();
        drop(opened);
        let before = files(&sim);
        let manifest = sim.bytes(|name| name == "/db/MANIFEST");
        let host = sim.process();
        let done = reencrypt(&host, Path::new(PATH), &key(1), &key(2)).unwrap();
        assert_eq!((done.lost, done.generations > 0), (None, kind % 4 > 0 && generations > 0), "{kind}");
        assert_eq!(files(&sim).intersection(&before).count(), 0, "{kind}");
        let is = options(&key(2), generations);
        let opened = open_disk(&host, Path::new(PATH), &is, None, &mut Loaded::default()).unwrap();
        let what = format!("database {kind}");
        assert_eq!(check_history(&*opened.backend, &content, &what), reach, "{kind}");
        assert_eq!(salts(&*opened.backend), salts_before, "{kind}");
        opened.backend.close().unwrap();
        drop(opened);
        // Again, and then the plain change, which is of the same data key.
        let host = sim.process();
        reencrypt(&host, Path::new(PATH), &key(2), &key(2)).unwrap();
        rekey(&host, Path::new(PATH), &key(2), &key(3)).unwrap();
        assert_eq!(opens(&host, &key(3), &what).unwrap(), content);
        // Who has the old manifest and the old key has nothing.
        let path = Path::new("/db/MANIFEST");
        let file = host.vfs.open(path, moltendb_node::storage::vfs::OpenMode::ReadWrite).unwrap();
        moltendb_node::storage::vfs::write_all_at(&*file, 0, &manifest.values().next().unwrap()[..512])
            .unwrap();
        let options = OpenOptions { access: Access::ReadOnly, ..options(&key(1), 0) };
        let opened = open_disk(&host, Path::new(PATH), &options, None, &mut Loaded::default());
        if !content.is_empty() {
            assert!(opened.is_err_and(|error| error.is_damage()), "{kind}");
        }
    }
}

#[test]
fn history_that_is_damaged_is_left_out_and_said_and_what_follows_it_stays() {
    let sim = Sim::new(3);
    let (content, _) = made(&sim, 3);
    let dir = Path::new(PATH);
    let is_kept = |name: &str| name == "/db/seg-0000000000000002.log";
    sim.damage(300, 0, is_kept).unwrap();
    let host = sim.process();
    let done = reencrypt(&host, dir, &key(1), &key(2)).unwrap();
    assert!(done.lost.is_some_and(|why| why.contains("checksum") || why.contains("seal")));
    let opened = open_disk(&host, dir, &options(&key(2), 0), None, &mut Loaded::default()).unwrap();
    let (first, from) = check_history(&*opened.backend, &content, "damaged");
    assert!((2..=content.len() as u64).contains(&first) && from >= first - 1, "{first} {from}");
}

#[test]
fn what_is_not_the_databases_own_does_not_become_genuine() {
    let sim = Sim::new(3);
    made(&sim, 3);
    let dir = Path::new(PATH);
    let newest = |name: &str| name.starts_with("/db/seg-");
    let names: Vec<String> = sim.bytes(newest).into_keys().collect();
    let last = names.last().unwrap().clone();
    let older = names[names.len() - 2].clone();
    let before = sim.bytes(|name| name == older);
    let host = sim.process();
    let path = Path::new(&last);
    let file = host.vfs.open(path, moltendb_node::storage::vfs::OpenMode::ReadWrite).unwrap();
    let bytes = before.values().next().unwrap();
    file.set_len(bytes.len() as u64).unwrap();
    moltendb_node::storage::vfs::write_all_at(&*file, 0, bytes).unwrap();
    let error = reencrypt(&host, dir, &key(1), &key(2)).unwrap_err();
    assert!(error.is_damage(), "{error:?}");
    let wrong = reencrypt(&host, dir, &key(9), &key(2)).unwrap_err();
    assert_eq!(wrong.kind(), Kind::WrongKey);
}

#[test]
fn a_full_disk_or_an_error_leaves_the_database_as_it_was_or_changed() {
    for kind in 0..8 {
        for operation in 0..120 {
            let sim = Sim::new(kind * 7_919 + operation);
            let (content, _) = made(&sim, kind);
            let host = sim.process();
            let fault = [Fault::Full, Fault::Error(std::io::ErrorKind::Other)][operation as usize % 2];
            sim.fail(operation, fault);
            let changed = reencrypt(&host, Path::new(PATH), &key(1), &key(2));
            sim.heal();
            let what = format!("database {kind}, operation {operation}");
            let host = sim.process();
            let (with_old, with_new) = (opens(&host, &key(1), &what), opens(&host, &key(2), &what));
            assert!(with_old.is_some() != with_new.is_some(), "{what}");
            assert!(changed.is_err() || with_new.is_some(), "{what}");
            let right = key(if with_old.is_some() { 1 } else { 2 });
            let opened =
                open_disk(&host, Path::new(PATH), &options(&right, 0), None, &mut Loaded::default()).unwrap();
            check_history(&*opened.backend, &content, &what);
            opened.backend.close().unwrap();
        }
    }
}
