//! Checks the simulation itself: with an fsync omitted, or bytes not rewritten, it finds a crash that loses something.

use crate::sim::{Fsync, Sim};
use crate::{Cycle, number, run_cycles, run_mutant};

/// The fsync of an entry, and how the simulation recognises it.
///
/// The list omits fsyncs that other fsyncs make redundant: those of segments and snapshot before they are trusted (what may
/// be missing of the newest segment is rewritten and fsynced, all else was durable before it was named), and those of the
/// torn bytes in `quarantine/`, on which no promise depends.
type Site = (&'static str, fn(&Fsync<'_>) -> bool);

const SITES: &[Site] = &[
    ("parent of a new database", |sync| sync.verb == "sync_dir" && sync.path == "/"),
    ("manifest", |sync| sync.verb == "sync_all" && sync.path == "/db/MANIFEST.tmp"),
    ("directory after the manifest", |sync| changed(sync, "/MANIFEST")),
    ("frames", |sync| sync.verb == "sync_data" && sync.wrote != 32),
    ("seal", |sync| sync.verb == "sync_data" && sync.wrote == 32),
    ("header of a segment", |sync| sync.verb == "sync_all" && sync.wrote == 64 && !sync.opening),
    ("directory after a new segment", |sync| changed(sync, ".log")),
    ("snapshot", |sync| sync.verb == "sync_all" && sync.path.contains("/snap-") && !sync.opening),
    ("directory after the snapshot", |sync| changed(sync, ".snp")),
    ("directory after backup/", |sync| changed(sync, "/backup")),
    ("backup/ after a generation", |sync| sync.verb == "sync_dir" && sync.path == "/db/backup"),
    ("manifest of a kept generation", |sync| sync.verb == "sync_all" && sync.path.starts_with("/db/backup")),
    ("a kept generation after its manifest", |sync| in_backup(sync) && sync.change.ends_with(".tmp")),
    ("a kept generation after its files", |sync| {
        in_backup(sync) && (sync.change.ends_with(".log") || sync.change.ends_with(".snp"))
    }),
    ("a kept generation that goes, after its manifest", |sync| {
        in_backup(sync) && sync.change.ends_with("/MANIFEST")
    }),
    ("bytes written again", |sync| mends(sync) && sync.wrote != 32),
    ("seal of a mended segment", |sync| mends(sync) && sync.wrote == 32),
    ("directory before it is trusted", |sync| sync.verb == "sync_dir" && sync.path == "/db" && sync.opening),
];

fn changed(sync: &Fsync<'_>, suffix: &str) -> bool {
    sync.verb == "sync_dir" && sync.path == "/db" && sync.change.ends_with(suffix) && !sync.opening
}

fn mends(sync: &Fsync<'_>) -> bool {
    sync.verb == "sync_all" && sync.path.starts_with("/db/seg-") && sync.wrote != 64 && !sync.opening
}

fn in_backup(sync: &Fsync<'_>) -> bool {
    sync.verb == "sync_dir" && sync.path.starts_with("/db/backup/")
}

#[test]
fn every_fsync_is_needed() {
    let cycles = number("MUTANT_CYCLES").unwrap_or(400_000);
    let mut useless = Vec::new();
    for (name, site) in SITES {
        match run_mutant(cycles, |sim| sim.ignore(*site)) {
            Some((seed, what)) => println!("{name}: SEED={seed}: {what}"),
            None => useless.push(name),
        }
    }
    assert!(useless.is_empty(), "no crash shows that these are needed: {useless:?}");
}

#[test]
fn the_fsync_of_the_record_of_a_session_is_needed() {
    let cycles = number("MUTANT_CYCLES").unwrap_or(400_000);
    let ran = run_cycles(cycles, |cycle: &mut Cycle| {
        cycle.sim.ignore(|sync| sync.verb == "sync_data" && sync.path == "/db/MANIFEST");
        cycle.survive_absence()
    });
    let (seed, what) = ran.failure.expect("no crash shows that it is needed");
    println!("SEED={seed}: {what}");
}

#[test]
fn pages_that_a_failed_fsync_left_clean_are_written_again() {
    let Some((seed, what)) = run_mutant(40_000, Sim::skip_rewrites) else {
        panic!("no crash shows that the rewrite is needed");
    };
    println!("SEED={seed}: {what}");
}
