//! Groups in memory, and the place of one: in memory, or on disk.

use std::collections::HashMap;

use super::accumulator::State;
use super::grouping::Group;
use crate::document::Value;
use crate::error::Result;
use crate::query::aggregate::memory::{Memory, size};
use crate::query::refusal::bad_query;
use crate::query::spill::chain::Writer;
use crate::work::Work;

/// A group: its key, the number of its first document, and the states of its accumulators.
pub(super) struct Entry {
    pub(super) key: Value,
    pub(super) first: u64,
    pub(super) states: Vec<State>,
}

/// Groups in memory.
pub(super) struct Table {
    by_key: HashMap<Vec<u8>, usize, foldhash::fast::RandomState>,
    groups: Vec<Entry>,
    pub(super) memory: Memory,
}

/// From how many bytes on groups go to disk.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    /// If the query holds too much.
    pub(super) least: usize,
    /// In any case.
    pub(super) most: usize,
}

/// Where the states of a group are.
pub(in crate::query) enum Place<'g> {
    Here(&'g mut Vec<State>, &'g mut Memory),
    /// On disk: what is to be added is written after them.
    Away(Away<'g>),
}

/// What is added to a group on disk.
pub(in crate::query) struct Away<'g> {
    pub(super) writer: &'g mut Writer,
    /// Begins with the kind, the number of the document, and the key.
    pub(super) record: &'g mut Vec<u8>,
}

impl Away<'_> {
    pub(super) fn push(self) {
        self.writer.push(self.record);
    }
}

impl Table {
    pub(super) fn new(stage: &'static str, work: &Work) -> Table {
        Table { by_key: HashMap::default(), groups: Vec::new(), memory: Memory::movable(stage, work) }
    }

    pub(super) fn len(&self) -> usize {
        self.groups.len()
    }

    /// The states of a key, by its bytes. Its value is computed if the key is new.
    #[inline]
    pub(super) fn states(
        &mut self,
        group: &Group,
        bytes: &[u8],
        key: impl FnOnce() -> Value,
        first: Option<u64>,
    ) -> Result<(&mut Vec<State>, &mut Memory)> {
        let at = match self.by_key.get(bytes) {
            Some(at) => *at,
            None => {
                let key = key();
                self.memory.take(weight(bytes, &key, group))?;
                let states = group.fields.iter().map(|(_, accumulator)| accumulator.start()).collect();
                let first = first.unwrap_or(self.groups.len() as u64);
                self.groups.push(Entry { key, first, states });
                self.by_key.insert(bytes.to_vec(), self.groups.len() - 1);
                self.groups.len() - 1
            }
        };
        match self.groups.get_mut(at) {
            Some(entry) => Ok((&mut entry.states, &mut self.memory)),
            None => Err(bad_query("", "a group was lost; please report it")),
        }
    }

    /// Adds a group that is not there.
    pub(super) fn insert(&mut self, group: &Group, bytes: Vec<u8>, entry: Entry) -> Result<()> {
        let states: usize = entry.states.iter().map(State::bytes).sum();
        self.memory.take(weight(&bytes, &entry.key, group) + states)?;
        self.groups.push(entry);
        self.by_key.insert(bytes, self.groups.len() - 1);
        Ok(())
    }

    /// The groups, with the bytes of their keys, in order.
    pub(super) fn into_entries(self) -> (impl Iterator<Item = (Vec<u8>, Entry)>, Memory) {
        let mut keys = vec![Vec::new(); self.groups.len()];
        for (bytes, at) in self.by_key {
            if let Some(key) = keys.get_mut(at) {
                *key = bytes;
            }
        }
        (keys.into_iter().zip(self.groups), self.memory)
    }

    /// The groups, in order.
    pub(super) fn into_groups(self) -> (Vec<Entry>, Memory) {
        (self.groups, self.memory)
    }

    /// Passes the groups on, in order; the memory of each is free then.
    pub(super) fn drain(self, emit: &mut dyn FnMut(Entry) -> Result<()>) -> Result<()> {
        let Table { by_key, groups, mut memory } = self;
        drop(by_key);
        let each = memory.bytes() / groups.len().max(1);
        for entry in groups {
            memory.work().step(1)?;
            memory.give(each);
            emit(entry)?;
        }
        Ok(())
    }
}

fn weight(bytes: &[u8], key: &Value, group: &Group) -> usize {
    bytes.len() + size(key) + 64 + 96 * group.fields.len()
}
