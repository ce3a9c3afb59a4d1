//! Several trees into one. Trees are named from the newest to the oldest.
//!
//! The signs that an entry has in the trees add up: as they alternate over time, the sum is plus, minus or nothing. For a slot the
//! row of the newest tree is used.

use std::sync::Arc;

use super::cursor::Cursor;
use super::page::Page;
use super::page_store::{Access, PageStore};
use super::tree::Tree;
use super::tree_writer::{RowsWriter, TreeWriter};
use super::writer::RunWriter;
use crate::error::Result;
use crate::storage::pages::entries::Entry;
use crate::storage::pages::target::{Target, entry_bytes};

/// What a merge may drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Below {
    /// Nothing is below the merged trees. So no removal may be left over: there is nothing that it could remove.
    Nothing,
    /// Older trees are below: removals and tombstones stay.
    Older,
}

/// One of the trees, at its next entry or row.
struct Input<'s> {
    cursor: Cursor<'s>,
    leaf: Option<(Arc<Page>, usize)>,
    run: u64,
    /// The bytes of the entry, or the slot.
    next: Vec<u8>,
    key: usize,
}

impl<'s> Input<'s> {
    fn of(store: &'s PageStore, tree: &Tree) -> Result<Option<Input<'s>>> {
        let cursor = Cursor::at(store, tree.clone(), Target::First, Access::Pass)?;
        let input = |cursor| Input { cursor, leaf: None, run: tree.run, next: Vec::new(), key: 0 };
        Ok(cursor.map(input))
    }

    /// Moves to the next entry; false at the end.
    fn advance(&mut self) -> Result<bool> {
        match &mut self.leaf {
            Some((page, at)) if *at + 1 < page.len() => *at += 1,
            leaf => *leaf = self.cursor.next_leaf()?.flatten(),
        }
        Ok(self.leaf.is_some())
    }

    fn read_entry(&mut self) {
        if let Some((page, at)) = &self.leaf {
            let entries = page.entries();
            entries.key(*at, &mut self.next);
            self.key = self.next.len();
            self.next.extend_from_slice(&entry_bytes(&[], entries.slot(*at)));
        }
    }

    fn sign(&self) -> i32 {
        match &self.leaf {
            Some((page, at)) if page.entries().is_plus(*at) => 1,
            _ => -1,
        }
    }

    fn slot(&self) -> u64 {
        self.leaf.as_ref().map_or(0, |(page, at)| match page.entries() {
            entries if !entries.is_empty() => entries.slot(*at),
            _ => page.rows().slot(*at),
        })
    }
}

/// Merges trees of keys; returns how many entries cancelled each other out.
pub fn merge_entries(
    store: &PageStore,
    trees: &[Tree],
    below: Below,
    out: &mut RunWriter,
    into: &mut TreeWriter,
) -> Result<u64> {
    let mut inputs = Vec::new();
    for tree in trees {
        if let Some(mut input) = Input::of(store, tree)?
            && input.advance()?
        {
            input.read_entry();
            inputs.push(input);
        }
    }
    let (mut cancelled, mut next) = (0, Vec::new());
    while let Some(least) = inputs.iter().min_by(|a, b| a.next.cmp(&b.next)) {
        next.clone_from(&least.next);
        let (key, slot) = (least.key, least.slot());
        let (mut sum, mut count) = (0, 0);
        let mut run = least.run;
        let mut at = 0;
        while let Some(input) = inputs.get_mut(at) {
            if input.next != next {
                at += 1;
                continue;
            }
            sum += input.sign();
            count += 1;
            run = input.run;
            if input.advance()? {
                input.read_entry();
                at += 1;
            } else {
                inputs.remove(at);
            }
        }
        if sum.abs() > 1 || (sum < 0 && below == Below::Nothing) {
            let what = "an entry was added twice, or removed where it was not";
            return Err(store.file(run)?.corrupt(0, what));
        }
        cancelled += count - sum.unsigned_abs() as u64;
        if sum != 0 {
            into.push(out, Entry { key: &next[..key], slot, plus: sum > 0 })?;
        }
    }
    Ok(cancelled)
}

/// Merges trees of rows; returns how many older rows and tombstones were dropped.
pub fn merge_rows(
    store: &PageStore,
    trees: &[Tree],
    below: Below,
    out: &mut RunWriter,
    into: &mut RowsWriter,
) -> Result<u64> {
    let mut inputs = Vec::new();
    for tree in trees {
        if let Some(mut input) = Input::of(store, tree)?
            && input.advance()?
        {
            inputs.push(input);
        }
    }
    let mut dropped = 0;
    while let Some(slot) = inputs.iter().map(Input::slot).min() {
        let mut newest = true;
        let mut at = 0;
        while let Some(input) = inputs.get_mut(at) {
            if input.slot() != slot {
                at += 1;
                continue;
            }
            if let Some((page, row)) = &input.leaf {
                let rows = page.rows();
                let record = rows.record(*row);
                if newest && (below == Below::Older || !record.is_empty()) {
                    into.push(out, slot, record)?;
                } else {
                    dropped += 1;
                }
            }
            newest = false;
            if input.advance()? {
                at += 1;
            } else {
                inputs.remove(at);
            }
        }
    }
    Ok(dropped)
}
