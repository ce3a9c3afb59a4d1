//! Records by slot.

use std::sync::Arc;

use super::page::Page;
use super::page_store::{Access, PageStore};
use super::tree::Tree;
use crate::error::Result;
use crate::storage::pages::target::{Target, slot_bytes};

/// A record, in its page.
#[derive(Clone)]
pub struct Row {
    page: Arc<Page>,
    at: usize,
}

impl Row {
    /// Its bytes; empty if it is a tombstone.
    #[inline]
    pub fn record(&self) -> &[u8] {
        self.page.rows().record(self.at)
    }
}

/// The result of looking up a slot in a tree.
#[derive(Clone)]
pub enum Found {
    /// A page is not in memory and must not be read.
    Missed,
    /// Nothing.
    Nothing,
    /// A record or a tombstone.
    Row(Row),
}

impl Tree {
    /// The row of a slot.
    pub fn row(&self, store: &PageStore, slot: u64, access: Access) -> Result<Found> {
        let bytes = slot_bytes(slot);
        let Some((page, at)) = self.leaf(store, Target::Before(&bytes), access)? else {
            return Ok(Found::Missed);
        };
        if at < page.len() && page.rows().slot(at) == slot {
            return Ok(Found::Row(Row { page, at }));
        }
        Ok(Found::Nothing)
    }
}
