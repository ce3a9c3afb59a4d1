//! The history in simulated crashes: what is kept is drawn anew for each process, is kept from now on or given back at any
//! moment, and whatever a reader gets from the first commit that is kept to the last is what was committed.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use moltendb_node::error::Kind;
use moltendb_node::options::{ChangeHistory, HistoryLimits, PastHistory, PastLimits};
use moltendb_node::storage::manifest::Manifest;
use moltendb_node::storage::segment::parse_segment_name;
use moltendb_node::storage::snapshot::parse_snapshot_name;
use moltendb_node::storage::{Host, Lsn, Moment, StorageBackend, unlocked};

use crate::loading::{Loaded, Payloads};
use crate::sim::Dice;
use crate::{Cycle, PATH};

/// What the cycle knows of the history.
pub(crate) struct Past {
    /// Its own dice, so that the runs of the seeds stay as they are without it.
    dice: Dice,
    pub(crate) option: ChangeHistory,
    pub(crate) states: PastHistory,
    /// Earlier states were kept, durably, and not given up since.
    keeps_states: bool,
    /// While nothing limits them, they reach back to here.
    oldest: Option<u64>,
    /// It was begun, durably, and not given up since.
    is_on: bool,
    /// While nothing limits it, the history reaches back to here.
    promised: Option<u64>,
}

impl Past {
    pub(crate) fn new(seed: u64) -> Past {
        let dice = Dice::new(seed ^ 0x9a57);
        Past {
            dice,
            option: ChangeHistory::Off,
            states: PastHistory::AsBefore,
            keeps_states: false,
            oldest: None,
            is_on: false,
            promised: None,
        }
    }

    /// The option of the next process.
    pub(crate) fn draw(&mut self) {
        let dice = &mut self.dice;
        let max_age = [Duration::from_millis(1), Duration::MAX, Duration::MAX][dice.below(3)];
        let max_bytes = [0, 5_000, 20_000, u64::MAX, u64::MAX][dice.below(5)];
        self.option = match dice.below(8) {
            0 => ChangeHistory::Off,
            1..=4 => ChangeHistory::Keep(HistoryLimits { max_age, max_bytes }),
            _ => ChangeHistory::WhenWatched,
        };
        let max_bytes = [None, Some(0), Some(9_000), None][dice.below(4)];
        self.states = match dice.below(6) {
            0 => PastHistory::Off,
            1..=3 => PastHistory::Keep(PastLimits { max_age, max_bytes }),
            _ => PastHistory::AsBefore,
        };
        self.keeps_states &= self.states != PastHistory::Off;
        if self.option == ChangeHistory::Off {
            self.is_on = self.keeps_states;
        }
        if !self.keeps_all_states() {
            self.oldest = None;
        }
        if !self.is_unlimited() {
            self.promised = None;
        }
    }

    fn keeps_all_states(&self) -> bool {
        self.states == PastHistory::Keep(PastLimits { max_age: Duration::MAX, max_bytes: None })
    }

    /// Whether the log is kept from an opening on.
    fn begins(&self) -> bool {
        matches!(self.option, ChangeHistory::Keep(_)) || matches!(self.states, PastHistory::Keep(_))
    }

    fn is_unlimited(&self) -> bool {
        let unlimited = HistoryLimits { max_age: Duration::MAX, max_bytes: u64::MAX };
        self.option == ChangeHistory::Keep(unlimited)
    }
}

impl Cycle {
    /// No file went before the mark did. A backup takes files away, and is removed with them.
    pub(crate) fn check_mark(&self, host: &Host) -> Result<(), String> {
        let dir = Path::new(PATH);
        let manifest =
            unlocked(host, dir, self.key.as_ref()).and_then(|host| Manifest::read(&host, dir, false));
        let Ok(manifest) = manifest else { return Ok(()) };
        if self.retention > 0 || manifest.history == 0 {
            return Ok(());
        }
        let names = host.vfs.read_dir(dir).unwrap_or_default();
        let found: BTreeSet<u64> = names.iter().filter_map(|entry| parse_segment_name(&entry.name)).collect();
        let gone = (manifest.history..manifest.first_segment).find(|id| !found.contains(id));
        if let Some(gone) = gone {
            return Err(format!("segment {gone} went before the mark, {}", manifest.history));
        }
        let found: BTreeSet<u64> =
            names.iter().filter_map(|entry| parse_snapshot_name(&entry.name)).collect();
        // The first generation has no snapshot.
        match (2..manifest.generation).find(|id| manifest.keeps_snapshot(*id) && !found.contains(id)) {
            Some(gone) => Err(format!("snapshot {gone} went before the mark, {}", manifest.past)),
            None => Ok(()),
        }
    }

    /// After an opening.
    pub(crate) fn meet_history(&mut self, backend: &dyn StorageBackend) -> Result<(), String> {
        let on = backend.history().unwrap().on;
        let due = self.past.is_on || self.past.begins();
        if due && !on {
            return Err("the history is off, and was begun".to_owned());
        }
        let keeps = backend.past_reach().unwrap().on;
        if !keeps && (self.past.keeps_states || matches!(self.past.states, PastHistory::Keep(_))) {
            return Err("earlier states are not kept, and were".to_owned());
        }
        self.past.keeps_states = keeps && self.past.states != PastHistory::Off;
        self.past.is_on = on && (self.past.option != ChangeHistory::Off || self.past.keeps_states);
        self.check_history(backend)?;
        if self.past.dice.below(3) == 0 { self.check_states(backend) } else { Ok(()) }
    }

    /// Begins the history, or gives some of it back, or does neither.
    pub(crate) fn change_history(&mut self, backend: &dyn StorageBackend) -> Result<(), String> {
        match self.past.dice.below(8) {
            0 => {
                let is_kept = self.past.option != ChangeHistory::Off || self.past.keeps_states;
                self.past.is_on |= backend.keep_history().is_ok() && is_kept;
            }
            1 => backend.trim_history([0, i64::MIN, i64::MAX][self.past.dice.below(3)]),
            _ => {}
        }
        match self.past.dice.below(4) {
            0 => self.check_states(backend),
            1 | 2 => self.check_history(backend),
            _ => Ok(()),
        }
    }

    /// A state that is kept, at random, is the one that it was.
    fn check_states(&mut self, backend: &dyn StorageBackend) -> Result<(), String> {
        let (from, newest) = (backend.past_reach().unwrap().from.0, self.model.published as u64);
        if self.sim.is_dead() || from > newest {
            return Ok(());
        }
        if self.past.oldest.is_some_and(|due| from > due) && self.retention == 0 {
            return Err(format!("states reach back to {from}, and did to {:?}", self.past.oldest));
        }
        if self.past.keeps_all_states() && self.past.keeps_states {
            self.past.oldest = Some(from);
        }
        let wanted = from + self.past.dice.below((newest - from + 1) as usize) as u64;
        let mut loaded = Loaded::default();
        let read =
            backend.past(Moment::Lsn(Lsn(wanted)), Lsn(newest)).and_then(|files| files.load(&mut loaded));
        match read {
            Err(_) if self.sim.is_dead() => return Ok(()),
            Err(error) => return Err(format!("state {wanted} of {from} to {newest} reads {error:?}")),
            Ok(()) => {}
        }
        if backend.past_reach().unwrap().bytes > 0 {
            self.seen.note("an earlier state");
        }
        let found = loaded.commits()?;
        if found[..] != self.model.commits[..wanted as usize] {
            return Err(format!("state {wanted} of {from} to {newest} has {} commits", found.len()));
        }
        Ok(())
    }

    /// Whatever of the log is read is what was committed, or its damage is told.
    pub(crate) fn read_damaged(
        &mut self,
        backend: &dyn StorageBackend,
        commits: &[Payloads],
    ) -> Result<(), String> {
        let (first, last) = (backend.history().unwrap().first.0, commits.len() as u64);
        let mut reader = backend.log_reader().unwrap();
        for from in [1, first] {
            let mut next = from;
            while next <= last {
                let read = match reader.read(Lsn(next), Lsn(last), 1_000) {
                    Ok(read) => read,
                    Err(error) if error.kind() == Kind::Corrupt && error.details().file.is_some() => {
                        self.seen.note("damage told to a reader");
                        break;
                    }
                    Err(error) if error.kind() == Kind::HistoryLost && next < first => break,
                    Err(error) => return Err(format!("commit {next} of {first} to {last}: {error:?}")),
                };
                for commit in read {
                    let found: Payloads = commit.blocks.iter().map(|block| block.bytes.to_vec()).collect();
                    if commit.lsn.0 != next || commits.get(next as usize - 1) != Some(&found) {
                        return Err(format!("commit {next} reads as another after damage"));
                    }
                    next += 1;
                }
            }
        }
        Ok(())
    }

    pub(crate) fn check_history(&mut self, backend: &dyn StorageBackend) -> Result<(), String> {
        let reach = backend.history().unwrap();
        let (first, last) = (reach.first.0, self.model.published as u64);
        if first > self.model.commits.len() as u64 + 1 {
            return Err(format!("the history begins with {first}, and there are {last}"));
        }
        // A process that died while it opened the database has not found it all.
        if self.sim.is_dead() {
            return Ok(());
        }
        if self.past.promised.is_some_and(|due| first > due) && self.retention == 0 {
            return Err(format!("the history begins with {first}, and did with {:?}", self.past.promised));
        }
        if self.past.is_unlimited() && self.past.is_on {
            self.past.promised = Some(first);
        }
        if first > last {
            return Ok(());
        }
        if reach.bytes > 0 {
            self.seen.note("a history");
        }
        let mut reader = backend.log_reader().unwrap();
        let mut next = first;
        if self.past.dice.below(2) == 0 {
            next += self.past.dice.below((last - first + 1) as usize) as u64;
        }
        let most = [1, 500, 5_000, 1 << 20][self.past.dice.below(4)];
        while next <= last {
            let read = match reader.read(Lsn(next), Lsn(last), most) {
                Ok(read) => read,
                Err(_) if self.sim.is_dead() => return Ok(()),
                Err(error) => return Err(format!("commit {next} of {first} to {last} reads {error:?}")),
            };
            if read.is_empty() {
                return Err(format!("commit {next} of {first} to {last} reads as nothing"));
            }
            for commit in read {
                let found: Payloads = commit.blocks.iter().map(|block| block.bytes.to_vec()).collect();
                if commit.lsn.0 != next || self.model.commits.get(next as usize - 1) != Some(&found) {
                    return Err(format!("commit {next} reads as another: {} {found:?}", commit.lsn.0));
                }
                next += 1;
            }
        }
        let before = reader.read(Lsn(first.saturating_sub(1).max(1)), Lsn(last), 1);
        if first > 1
            && let Err(error) = before
            && error.kind() != Kind::HistoryLost
            && !self.sim.is_dead()
        {
            return Err(format!("the commit before the history, {}, reads {error:?}", first - 1));
        }
        Ok(())
    }
}
