//! One tree of a run: searches and counts. Every step down names the kind and the number of the tree, so that no page of another
//! tree is taken for one of this.

use std::sync::{Arc, OnceLock};

use smallvec::SmallVec;

use super::page::Page;
use super::page_store::{Access, PageStore};
use super::tree_writer::Root;
use crate::error::Result;
use crate::storage::pages::head::PageKind;
use crate::storage::pages::target::Target;

/// A tree of keys or of rows.
#[derive(Clone)]
pub struct Tree {
    /// Its number.
    pub number: u32,
    /// The run file that holds its root.
    pub run: u64,
    /// The root.
    pub root: Root,
    /// What its leaves hold.
    pub leaves: PageKind,
    /// The topmost page, which stays in memory with the tree.
    top: Arc<OnceLock<Arc<Page>>>,
}

/// The pages from the root to a leaf, and where each step went; the last one is the leaf.
pub(super) type Steps = SmallVec<[(Arc<Page>, usize); 5]>;

impl Tree {
    /// A tree of keys.
    pub fn of_keys(number: u32, run: u64, root: Root) -> Tree {
        Tree { number, run, root, leaves: PageKind::Entries, top: Arc::default() }
    }

    /// A tree of rows.
    pub fn of_rows(number: u32, run: u64, root: Root) -> Tree {
        Tree { number, run, root, leaves: PageKind::Rows, top: Arc::default() }
    }

    /// The additions less the removals; of rows, the records less the tombstones.
    pub fn net(&self) -> i64 {
        self.root.pointer.net
    }

    /// The additions less the removals of the entries before the target; `None` if a page is not in memory.
    pub fn rank(&self, store: &PageStore, target: Target<'_>, access: Access) -> Result<Option<i64>> {
        match target {
            Target::First => return Ok(Some(0)),
            Target::End => return Ok(Some(self.net())),
            _ => {}
        }
        let Some(steps) = self.descend(store, target, access)? else { return Ok(None) };
        Ok(Some(steps.iter().map(|(page, at)| self.before(page, *at)).sum()))
    }

    /// The additions less the removals before the entry, or before the page below, at this place of a page.
    fn before(&self, page: &Page, at: usize) -> i64 {
        match page.holds().0 {
            PageKind::Entries => page.entries().net_before(at),
            PageKind::Rows => page.rows().net_before(at),
            _ => page.net_before(at),
        }
    }

    /// The pages from the root to the leaf that the target is in, or at the end of.
    pub(super) fn descend(
        &self,
        store: &PageStore,
        target: Target<'_>,
        access: Access,
    ) -> Result<Option<Steps>> {
        let mut steps = Steps::new();
        let Some(mut page) = self.top(store, access)? else { return Ok(None) };
        for level in (0..self.root.height).rev() {
            let at = page.inner().map_or(0, |inner| inner.child(target));
            let Some(below) = self.below(store, &page, at, level, access)? else { return Ok(None) };
            steps.push((std::mem::replace(&mut page, below), at));
        }
        let at = place_in(&page, target);
        steps.push((page, at));
        Ok(Some(steps))
    }

    /// The leaf that the target is in, or at the end of, and the number of its entries before the target.
    #[inline]
    pub fn leaf(
        &self,
        store: &PageStore,
        target: Target<'_>,
        access: Access,
    ) -> Result<Option<(Arc<Page>, usize)>> {
        let Some(top) = self.top(store, access)? else { return Ok(None) };
        let mut page = top;
        for level in (0..self.root.height).rev() {
            let at = page.inner().map_or(0, |inner| inner.child(target));
            let Some(below) = self.below(store, &page, at, level, access)? else { return Ok(None) };
            page = below;
        }
        let at = place_in(&page, target);
        Ok(Some((page, at)))
    }

    /// The root.
    pub(super) fn top(&self, store: &PageStore, access: Access) -> Result<Option<Arc<Page>>> {
        if let Some(top) = self.top.get() {
            return Ok(Some(top.clone()));
        }
        let kind = self.kind_at(self.root.height);
        let top = store.page(self.run, &self.root.pointer, (kind, self.number), access)?;
        Ok(top.map(|top| self.top.get_or_init(|| top).clone()))
    }

    /// A page below an inner page; `level` is that of the page below.
    pub(super) fn below(
        &self,
        store: &PageStore,
        page: &Page,
        at: usize,
        level: u8,
        access: Access,
    ) -> Result<Option<Arc<Page>>> {
        if let Some(below) = page.below(at)
            && below.holds() == (self.kind_at(level), self.number)
        {
            return Ok(Some(below));
        }
        let Some(inner) = page.inner() else { return Ok(None) };
        let found =
            store.page(page.place().0, &inner.pointer(at), (self.kind_at(level), self.number), access)?;
        if access != Access::Pass
            && let Some(below) = &found
        {
            page.remember(at, below);
        }
        Ok(found)
    }

    pub(super) fn kind_at(&self, level: u8) -> PageKind {
        if level == 0 { self.leaves } else { PageKind::Inner }
    }
}

/// The number of entries or rows of a leaf before the target.
fn place_in(page: &Page, target: Target<'_>) -> usize {
    match page.holds().0 {
        PageKind::Entries => page.entries().position(target),
        _ => page.rows().before(target),
    }
}
