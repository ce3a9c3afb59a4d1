//! What was found after a clean close is fsynced before the first change, not by the opening. So the next process opens after each
//! operation of a close, writes, and power fails at each of its operations: everything that was answered is there. And nothing is
//! fsynced by a process that only reads.

use moltendb_node::error::Kind;
use moltendb_node::options::StorageMode;

use crate::sim::{Fault, Sim};
use crate::{commit, compact, open, open_in, payload};

const MODES: [StorageMode; 2] = [StorageMode::Sync, StorageMode::Async];
/// Of what is volatile a power cut leaves any part: so many of them are tried.
const CUTS: u64 = 3;

/// Commits, with a compaction if asked, and closes; dies at the operation with this number of the close. Returns what is durable, and
/// whether the close came to its end.
fn close(sim: &Sim, mode: StorageMode, compacts: bool, dies: u64) -> (Vec<Vec<u8>>, bool) {
    let (opened, loaded) = open(sim, mode);
    let (opened, mut durable, mut errors) = (opened.unwrap(), loaded, Vec::new());
    for _ in 0..2 {
        let next = payload(durable.len());
        commit(&opened, &next).unwrap();
        durable.push(next);
    }
    if compacts {
        compact(&opened, &mut durable, &mut errors, 40).unwrap();
    }
    opened.backend.flush().wait().unwrap();
    assert!(errors.is_empty(), "{errors:?}");
    sim.die_after(dies);
    let ended = opened.backend.close().is_ok();
    (durable, ended)
}

/// Opens again, commits, and flushes in async mode; dies at the operation with this number. Adds what is durable. Whether it came to its
/// end.
fn write(sim: &Sim, mode: StorageMode, dies: u64, durable: &mut Vec<Vec<u8>>) -> bool {
    let host = sim.process();
    sim.die_after(dies);
    let (opened, loaded) = open_in(&host, mode, 0);
    let Ok(opened) = opened else { return false };
    assert_eq!(loaded, *durable, "the opening found something else");
    let mut answered = Vec::new();
    for n in 0..2 {
        if commit(&opened, &payload(60 + n)).is_err() {
            break;
        }
        answered.push(payload(60 + n));
        if mode == StorageMode::Sync || opened.backend.flush().wait().is_ok() {
            durable.append(&mut answered);
        }
    }
    !sim.is_dead() && opened.backend.close().is_ok()
}

#[test]
fn a_power_cut_after_any_operation_of_a_close_and_of_the_next_process_loses_nothing() {
    let mut tried = 0;
    for (mode, compacts) in MODES.into_iter().flat_map(|mode| [(mode, false), (mode, true)]) {
        'close: for dies in 1.. {
            for again in 1.. {
                let mut ended = (false, false);
                for cut in 0..CUTS {
                    let context = format!("{mode:?} {compacts} close {dies}, then {again}, cut {cut}");
                    let sim = Sim::new(dies << 32 | again << 8 | cut);
                    let (mut durable, closed) = close(&sim, mode, compacts, dies);
                    let wrote = write(&sim, mode, again, &mut durable);
                    sim.process();
                    sim.cut();
                    let (opened, loaded) = open(&sim, mode);
                    assert!(opened.is_ok(), "{context}: {:?}", opened.err());
                    assert!(loaded.starts_with(&durable), "{context}: {} of {}", loaded.len(), durable.len());
                    ended = (closed, wrote);
                    tried += 1;
                }
                if ended.1 {
                    if ended.0 {
                        break 'close;
                    }
                    break;
                }
            }
        }
    }
    assert!(tried > 5_000, "{tried}");
}

#[test]
fn a_power_cut_after_a_process_that_only_read_loses_nothing() {
    for (mode, compacts) in MODES.into_iter().flat_map(|mode| [(mode, false), (mode, true)]) {
        for dies in 1.. {
            let mut ended = false;
            for cut in 0..4 * CUTS {
                let sim = Sim::new(dies << 8 | cut);
                let (durable, closed) = close(&sim, mode, compacts, dies);
                for _ in 0..2 {
                    let (opened, loaded) = open(&sim, mode);
                    assert_eq!(loaded, durable, "{mode:?} {compacts} close {dies}");
                    opened.unwrap().backend.close().unwrap();
                }
                sim.process();
                sim.cut();
                let (opened, loaded) = open(&sim, mode);
                assert!(opened.is_ok(), "{:?}", opened.err());
                assert_eq!(loaded, durable, "{mode:?} {compacts} close {dies}, cut {cut}");
                ended = closed;
            }
            if ended {
                break;
            }
        }
    }
}

#[test]
fn a_process_that_only_reads_after_a_clean_close_fsyncs_nothing_and_a_flush_does() {
    for (mode, compacts) in MODES.into_iter().flat_map(|mode| [(mode, false), (mode, true)]) {
        let sim = Sim::new(7);
        let (durable, closed) = close(&sim, mode, compacts, u64::MAX >> 1);
        assert!(closed);
        let before = sim.syncs();
        let (opened, loaded) = open(&sim, mode);
        let opened = opened.unwrap();
        assert_eq!(loaded, durable);
        assert_eq!(sim.syncs(), before, "{mode:?}");
        opened.backend.flush().wait().unwrap();
        // The directory, MANIFEST, the newest segment, and the snapshot where there is one.
        assert_eq!(sim.syncs() - before, 3 + u64::from(compacts), "{mode:?}");
        opened.backend.flush().wait().unwrap();
        opened.backend.close().unwrap();
        assert_eq!(sim.syncs() - before, 3 + u64::from(compacts), "{mode:?}");
    }
}

#[test]
fn what_was_found_and_cannot_be_made_durable_refuses_the_first_write_and_every_later_one() {
    for mode in MODES {
        for n in 0..3 {
            let sim = Sim::new(n);
            let (durable, _) = close(&sim, mode, false, u64::MAX >> 1);
            let (opened, _) = open(&sim, mode);
            let opened = opened.unwrap();
            sim.fail_sync(n);
            for _ in 0..2 {
                let error = commit(&opened, &payload(9)).unwrap_err();
                assert_eq!(error.kind(), Kind::StoragePoisoned, "{error:?}");
            }
            assert!(opened.backend.flush().wait().is_err());
            drop(opened);
            let (opened, loaded) = open(&sim, mode);
            assert_eq!(loaded, durable);
            commit(&opened.unwrap(), &payload(9)).unwrap();
        }
    }
}

#[test]
fn every_failing_operation_of_an_opening_after_a_clean_close_is_told_and_loses_nothing() {
    for (mode, compacts) in MODES.into_iter().flat_map(|mode| [(mode, false), (mode, true)]) {
        for k in 1.. {
            let sim = Sim::new(k);
            let (mut durable, _) = close(&sim, mode, compacts, u64::MAX >> 1);
            sim.fail(k, Fault::Error(std::io::ErrorKind::Other));
            let (opened, loaded) = open(&sim, mode);
            let verb = sim.faulted();
            let failed = match opened {
                Err(error) => Some(error.kind()),
                Ok(opened) => {
                    assert_eq!(loaded, durable);
                    let wrote = commit(&opened, &payload(9));
                    if wrote.is_ok() {
                        durable.push(payload(9));
                    }
                    wrote.err().map(|error| error.kind())
                }
            };
            assert!(failed.is_none_or(|kind| matches!(kind, Kind::Io | Kind::StoragePoisoned)), "{failed:?}");
            let (opened, loaded) = open(&sim, mode);
            assert!(opened.is_ok(), "{mode:?}, operation {k} ({verb:?}): {:?}", opened.err());
            assert!(loaded.starts_with(&durable), "{mode:?}, operation {k} ({verb:?})");
            if verb.is_none() {
                break;
            }
        }
    }
}
