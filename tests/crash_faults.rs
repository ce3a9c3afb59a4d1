//! Every I/O operation of a script fails once, in each way. The failure is reported, nothing answered is lost, and
//! the database opens again.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod loading;
#[expect(dead_code, reason = "crashes are the matter of crash_sim")]
mod sim;

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use loading::Heard;
use moltendb_node::error::{Kind, Result};
use moltendb_node::options::{OpenOptions, StorageMode};
use moltendb_node::storage::{Block, FrameSize, Opened, open_disk};
use sim::{Fault, Sim};

fn open(sim: &Sim, mode: StorageMode) -> (Result<Opened>, Vec<Vec<u8>>) {
    let host = sim.process();
    let options = OpenOptions { storage: mode, segment_size: 4096, ..OpenOptions::default() };
    let mut heard = Heard::default();
    let opened = open_disk(&host, Path::new("/db"), &options, None, &mut heard);
    (opened, heard.commits().unwrap().into_iter().flatten().collect())
}

fn commit(opened: &Opened, payload: &[u8]) -> Result<()> {
    let size = FrameSize { blocks: [payload.len() as u32].into_iter().collect(), records: 1 };
    let place = opened.backend.reserve(&size)?;
    let block = Arc::new(Block { place: place.blocks[0], bytes: payload.into() });
    let completion = opened.backend.append(place, &[block]);
    opened.backend.drive();
    completion.wait()
}

fn payload(n: usize) -> Vec<u8> {
    vec![n as u8 + 1; 900]
}

/// Two sessions, a few segments, one clean close, one kill. Returns what was answered, and the errors met.
fn script(sim: &Sim, mode: StorageMode) -> (Vec<Vec<u8>>, Vec<Kind>) {
    let (mut answered, mut errors) = (Vec::new(), Vec::new());
    let mut n = 0;
    for session in 0..3 {
        let (opened, heard) = open(sim, mode);
        assert!(heard.len() >= answered.len() || opened.is_err(), "answered commits are gone");
        let opened = match opened {
            Ok(opened) => opened,
            Err(error) => {
                errors.push(error.kind());
                continue;
            }
        };
        answered = heard;
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
                // Sizes and locks, OWNER, and space given back are asked for without a promise; a short or
                // interrupted read or write is continued.
                let quiet = fault == Fault::ShortWrite
                    || (fault == Fault::Error(ErrorKind::Interrupted) && matches!(verb, "read" | "write"))
                    || matches!(verb, "open" | "set_len" | "write" | "allocate");
                assert!(quiet || !errors.is_empty(), "not reported: {context}");
                assert!(
                    errors
                        .iter()
                        .all(|kind| matches!(kind, Kind::Io | Kind::StorageFull | Kind::StoragePoisoned)),
                    "{context}"
                );
                let (opened, heard) = open(&sim, mode);
                assert!(opened.is_ok(), "does not open again: {context} {:?}", opened.err());
                assert!(heard.starts_with(&answered), "answered commits are gone: {context}");
            }
        }
    }
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
