//! Checks every page of a tree: that it can be read, and that the pages together hold what the root says.

use std::sync::Arc;

use super::page::Page;
use super::page_store::{Access, PageStore};
use super::tree::Tree;
use crate::error::Result;
use crate::storage::pages::head::PageKind;
use crate::storage::pages::target::{entry_bytes, slot_bytes};

/// What a tree holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Its pages.
    pub pages: u64,
    /// Its entries or rows.
    pub entries: u64,
}

/// The check in progress.
struct Walk<'s> {
    store: &'s PageStore,
    tree: Tree,
    found: Checked,
    /// The bytes of the last entry.
    last: Option<Vec<u8>>,
}

/// Reads every page of a tree. Separators must divide the entries, which must ascend from page to page, and nets must add up.
pub fn check_tree(store: &PageStore, tree: &Tree) -> Result<Checked> {
    let mut walk = Walk { store, tree: tree.clone(), found: Checked::default(), last: None };
    if let Some(top) = tree.top(store, Access::Pass)? {
        walk.page(&top, tree.root.height, &[])?;
    }
    Ok(walk.found)
}

impl Walk<'_> {
    /// Recursion follows the levels of the tree, which are at most [`super::HIGHEST`]. No entry of the page is below `low`.
    fn page(&mut self, page: &Arc<Page>, level: u8, low: &[u8]) -> Result<()> {
        self.found.pages += 1;
        let told = |what| -> Result<()> {
            let (run, offset) = page.place();
            Err(self.store.file(run)?.corrupt(offset, what))
        };
        if level > 0 {
            let mut own = Vec::new();
            for at in 0..page.len() {
                if let Some(inner) = page.inner() {
                    inner.low(at, &mut own);
                }
                if at == 0 {
                    own = low.to_vec();
                } else if own.as_slice() <= low {
                    return told("a separator is below that of its page");
                }
                if let Some(below) = self.tree.below(self.store, page, at, level - 1, Access::Pass)? {
                    self.page(&below, level - 1, &own)?;
                }
            }
            return Ok(());
        }
        if page.is_empty() {
            return told("a page has no entries");
        }
        self.found.entries += page.len() as u64;
        let net = match self.tree.leaves {
            PageKind::Rows => page.rows().net_before(page.len()),
            _ => page.entries().net_before(page.len()),
        };
        if net != page.pointer().net {
            return told("the net of a page is not that of the pointer to it");
        }
        let first = bytes_at(page, self.tree.leaves, 0);
        if first.as_slice() < low
            || (!low.is_empty() && self.last.as_ref().is_some_and(|last| last.as_slice() >= low))
        {
            return told("a separator does not divide the entries");
        }
        if self.last.as_ref().is_some_and(|last| *last >= first) {
            return told("the entries of two pages are not in order");
        }
        self.last = Some(bytes_at(page, self.tree.leaves, page.len() - 1));
        Ok(())
    }
}

/// The bytes of an entry, or of the slot of a row.
fn bytes_at(page: &Page, leaves: PageKind, at: usize) -> Vec<u8> {
    if leaves == PageKind::Rows {
        return slot_bytes(page.rows().slot(at)).to_vec();
    }
    let (entries, mut key) = (page.entries(), Vec::new());
    entries.key(at, &mut key);
    entry_bytes(&key, entries.slot(at))
}
