//! Entries of a tree in order, in both directions. A cursor stands between two entries and holds the pages that lead to it, so it
//! continues there whatever the cache drops.

use std::sync::Arc;

use super::page::Page;
use super::page_store::{Access, PageStore};
use super::tree::{Steps, Tree};
use crate::error::Result;
use crate::storage::pages::target::Target;

/// A leaf, and the place of the next entry in it; `None` at the end of the tree.
pub type NextLeaf = Option<(Arc<Page>, usize)>;

/// A place between two entries of a tree.
pub struct Cursor<'s> {
    store: &'s PageStore,
    tree: Tree,
    access: Access,
    steps: Steps,
}

impl<'s> Cursor<'s> {
    /// A cursor at the target; `None` if a page is not in memory and must not be read.
    pub fn at(
        store: &'s PageStore,
        tree: Tree,
        target: Target<'_>,
        access: Access,
    ) -> Result<Option<Cursor<'s>>> {
        let steps = tree.descend(store, target, access)?;
        Ok(steps.map(|steps| Cursor { store, tree, access, steps }))
    }

    /// The leaf that holds the next entry, and the entry's place in it; the cursor then stands after the leaf. The inner `None`
    /// is the end of the tree, the outer one a page that is not in memory.
    pub fn next_leaf(&mut self) -> Result<Option<NextLeaf>> {
        if !self.settle_forward()? {
            return Ok(None);
        }
        let Some((leaf, at)) = self.steps.last_mut() else { return Ok(Some(None)) };
        let len = leaf.len();
        let from = std::mem::replace(at, len);
        Ok(Some((from < len).then(|| (leaf.clone(), from))))
    }

    /// Calls a function with the leaf and the place of the next entry, and stands after it. The inner `None` is the end of the
    /// tree, the outer one a page that is not in memory.
    #[inline]
    pub fn next<R>(&mut self, read: impl FnOnce(&Page, usize) -> R) -> Result<Option<Option<R>>> {
        if !self.settle_forward()? {
            return Ok(None);
        }
        let Some((leaf, at)) = self.steps.last_mut() else { return Ok(Some(None)) };
        if *at >= leaf.len() {
            return Ok(Some(None));
        }
        *at += 1;
        Ok(Some(Some(read(leaf, *at - 1))))
    }

    /// Calls a function with the leaf and the place of the entry before, and stands before it; answers as [`Cursor::next`].
    #[inline]
    pub fn previous<R>(&mut self, read: impl FnOnce(&Page, usize) -> R) -> Result<Option<Option<R>>> {
        if !self.settle_backward()? {
            return Ok(None);
        }
        let Some((leaf, at)) = self.steps.last_mut() else { return Ok(Some(None)) };
        if *at == 0 {
            return Ok(Some(None));
        }
        *at -= 1;
        Ok(Some(Some(read(leaf, *at))))
    }

    /// Moves from the end of a leaf to the start of the next one, if there is one; false if that is not in memory.
    fn settle_forward(&mut self) -> Result<bool> {
        match self.steps.last() {
            Some((leaf, at)) if *at < leaf.len() => return Ok(true),
            _ => {}
        }
        // The lowest inner page with pages after the one that was taken.
        let up = self.steps.iter().enumerate().rev().skip(1);
        let Some(level) = up.filter(|(_, (page, at))| at + 1 < page.len()).map(|(level, _)| level).next()
        else {
            return Ok(true);
        };
        self.enter(level, |at, _| at + 1, |_| 0)
    }

    /// Moves from the start of a leaf to the end of the one before, if there is one; false if that is not in memory.
    fn settle_backward(&mut self) -> Result<bool> {
        match self.steps.last() {
            Some((_, at)) if *at > 0 => return Ok(true),
            _ => {}
        }
        let up = self.steps.iter().enumerate().rev().skip(1);
        let Some(level) = up.filter(|(_, (_, at))| *at > 0).map(|(level, _)| level).next() else {
            return Ok(true);
        };
        self.enter(level, |at, _| at - 1, |len| len)
    }

    /// Takes another page below the inner page at `level`, and goes down from there along the edge.
    fn enter(
        &mut self,
        level: usize,
        step: impl Fn(usize, usize) -> usize,
        edge: impl Fn(usize) -> usize,
    ) -> Result<bool> {
        let mut steps: Steps = self.steps[..=level].iter().cloned().collect();
        if let Some((page, at)) = steps.last_mut() {
            *at = step(*at, page.len());
        }
        let leaf = usize::from(self.tree.root.height);
        for below in level + 1..=leaf {
            let Some((page, at)) = steps.last() else { return Ok(true) };
            let found = self.tree.below(self.store, page, *at, (leaf - below) as u8, self.access)?;
            let Some(found) = found else { return Ok(false) };
            let len = found.len();
            // Within inner pages the edge is a page, in the leaf it is after the last entry.
            let at = if below == leaf { edge(len) } else { edge(len).min(len - 1) };
            steps.push((found, at));
        }
        self.steps = steps;
        Ok(true)
    }
}
