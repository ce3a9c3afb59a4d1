//! After a crash the newest segment is missing or empty. Opening reports it and never continues without acknowledged
//! commits, as if the previous session had been the last.

use moltendb_node::error::Kind;
use moltendb_node::storage::segment::parse_segment_name;

use crate::{Cycle, StorageMode, number, run_cycles};

impl Cycle {
    /// The newest segment with frames.
    pub(crate) fn newest_segment(&self) -> u64 {
        let frames = |bytes: &Vec<u8>| bytes.iter().skip(64).any(|byte| *byte != 0);
        let segments = self.sim.bytes(|name| name.starts_with("/db/seg-"));
        let names = segments.iter().filter(|(_, bytes)| frames(bytes)).map(|(name, _)| name);
        names.filter_map(|name| parse_segment_name(&name["/db/".len()..])).max().unwrap_or(0)
    }

    pub(crate) fn survive_absence(&mut self) -> Result<(), String> {
        self.live()?;
        let newest = self.newest_segment();
        // The last process may have died before it began a segment; earlier segments are covered by other tests.
        if newest <= self.before {
            return Ok(());
        }
        let name = format!("/db/seg-{newest:016x}.log");
        let left = self.dice.below(3);
        match left {
            0 => self.sim.remove(&name),
            1 => self.sim.truncate(&name, 0),
            _ => self.sim.truncate(&name, 64),
        }
        let due = match left {
            // A power cut may lose records that were not fsynced: those of segments after a session's first.
            0 | 1 => newest == self.before + 1 || !self.was_cut,
            _ => self.mode == StorageMode::Sync && !self.was_cut,
        };
        let host = self.sim.process();
        let (opened, loaded) = self.open_in(&host);
        let what = ["removed", "emptied", "cut to its header"][left];
        match opened {
            Err(error) if error.kind() == Kind::Corrupt => self.seen.note("told"),
            Err(error) => return Err(format!("{name} {what} is told as {error:?}")),
            Ok(_) if !due => self.seen.note("not told after a power cut, or before the first flush"),
            Ok(opened) => {
                let (loaded, answered) = (loaded.commits()?.len(), self.model.published);
                if loaded < answered {
                    return Err(format!(
                        "{name} {what}: {loaded} of {answered} commits, {:?}",
                        opened.report
                    ));
                }
                self.seen.note("of no account: nothing in it was answered");
            }
        }
        Ok(())
    }
}

#[test]
fn the_absence_of_the_newest_segment_after_a_crash_is_told() {
    let cycles = number("ABSENCE_CYCLES").unwrap_or(20_000);
    if let Some(seed) = number("SEED") {
        Cycle::new(seed).survive_absence().unwrap();
        return;
    }
    let ran = run_cycles(cycles, Cycle::survive_absence);
    println!("{cycles} cycles: {:?}", ran.seen.0);
    if let Some((seed, what)) = ran.failure {
        panic!("SEED={seed}: {what}");
    }
    assert!(ran.seen.0.get("told").is_some_and(|told| *told > cycles / 50), "{:?}", ran.seen.0);
}
