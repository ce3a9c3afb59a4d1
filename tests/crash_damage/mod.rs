//! A bit of a file flips after a crash. Opening reports it or cuts a torn tail; no other content is ever read.

use std::path::Path;

use moltendb_node::error::Kind;
use moltendb_node::options::{Access, OpenOptions};
use moltendb_node::storage::open_disk;

use crate::loading::Loaded;
use crate::sim::Sim;
use crate::{Cycle, PATH, StorageMode, number, run_cycles};

impl Cycle {
    /// A bit of a file flips after a crash. It is reported, or it does not matter; no other content is ever read.
    pub(crate) fn survive_damage(&mut self) -> std::result::Result<(), String> {
        self.live()?;
        let encryption = self.key.clone();
        let read_only = |sim: &Sim| {
            let encryption = encryption.clone();
            let options = OpenOptions { encryption, access: Access::ReadOnly, ..OpenOptions::default() };
            let mut loaded = Loaded::default();
            let opened = open_disk(&sim.process(), Path::new(PATH), &options, None, &mut loaded);
            opened.map_err(|error| format!("{error:?}")).and_then(|_| loaded.commits())
        };
        let Ok(whole) = read_only(&self.sim) else { return Ok(()) };
        let (at, bit) = (self.dice.below(1 << 30), self.dice.below(8) as u8);
        let data = |name: &str| {
            let name = name.strip_prefix("/db/").unwrap_or_default();
            name == "MANIFEST" || name.ends_with(".log") && !name.contains('/') || name.ends_with(".snp")
        };
        let Some((name, offset)) = self.sim.damage(at, bit, data) else { return Ok(()) };
        let host = self.sim.process();
        let before = self.sim.bytes(data);
        let (opened, loaded) = self.open_in(&host);
        let outcome = match opened {
            Err(error) if !matches!(error.kind(), Kind::Corrupt | Kind::CorruptTail) => {
                return Err(format!("bit {bit} of byte {offset} of {name} is told as {error:?}"));
            }
            Err(error) => {
                if self.sim.bytes(data) != before {
                    return Err(format!("a refused database was changed: {error:?}"));
                }
                if error.kind() == Kind::Corrupt { "refused as corrupt" } else { "refused as a suspect tail" }
            }
            Ok(opened) => {
                let found = loaded.commits()?;
                if !whole.starts_with(&found) {
                    return Err(format!("bit {bit} of byte {offset} of {name} changed what is read"));
                }
                self.read_damaged(&*opened.backend, &found)?;
                let lost = whole.len() - found.len();
                match (lost, opened.report.bytes_cut, self.mode) {
                    (0, ..) => "of no account",
                    (_, 0, _) => {
                        return Err(format!("{lost} commits went with bit {bit} of byte {offset} of {name}"));
                    }
                    (_, _, StorageMode::Sync) => "cut and reported, sync",
                    _ => "cut and reported, async",
                }
            }
        };
        self.seen.note(outcome);
        Ok(())
    }
}

#[test]
fn a_flipped_bit_after_a_crash_is_told_and_changes_nothing_else() {
    let cycles = number("DAMAGE_CYCLES").unwrap_or(20_000);
    if let Some(seed) = number("SEED") {
        Cycle::new(seed).survive_damage().unwrap();
        return;
    }
    let ran = run_cycles(cycles, Cycle::survive_damage);
    println!("{cycles} cycles: {:?}", ran.seen.0);
    if let Some((seed, what)) = ran.failure {
        panic!("SEED={seed}: {what}");
    }
    let count = |what| ran.seen.0.get(what).copied().unwrap_or(0);
    // A flip that makes a sector's part of the frame all zeros looks like a sector that never reached the disk.
    assert!(count("cut and reported, sync") * 100 <= count("refused as a suspect tail"));
    assert!(count("refused as a suspect tail") > 0 && count("refused as corrupt") > 0);
}
