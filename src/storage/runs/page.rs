//! A page in memory. An inner page remembers which pages below it are in memory, so that a search does not look each of them up.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::RwLock;

use super::cache::Cached;
use crate::storage::pages::entries::Entries;
use crate::storage::pages::head::{Head, PageKind};
use crate::storage::pages::inner::Inner;
use crate::storage::pages::pointer::Pointer;
use crate::storage::pages::rows::Rows;

/// How often the clock passes an unused leaf, and an unused inner page, before it is dropped: inner pages are few, and every search
/// needs them.
const LEAF_USES: u8 = 1;
const INNER_USES: u8 = 3;

/// A page whose bytes were checked.
pub struct Page {
    file: u64,
    pointer: Pointer,
    bytes: Box<[u8]>,
    kind: PageKind,
    tree: u32,
    len: usize,
    uses: AtomicU8,
    /// Of an inner page: the pages below that are in memory.
    below: Box<[RwLock<Weak<Page>>]>,
    /// Of an inner page: for each page below, the sum of the nets of those before it.
    nets: Box<[i64]>,
}

impl Page {
    /// The page of these bytes, whose checksum holds; says what is wrong with it otherwise. Leaves that were checked already,
    /// with the same checksum, are not checked again.
    pub fn new(file: u64, pointer: Pointer, bytes: Vec<u8>, is_checked: bool) -> Result<Page, &'static str> {
        let head = Head::decode(&bytes)?;
        let (mut below, mut nets) = (Vec::new(), Vec::new());
        match head.kind {
            PageKind::Entries | PageKind::Rows if is_checked => {}
            PageKind::Entries => Entries::of(&bytes)?.check()?,
            PageKind::Rows => Rows::of(&bytes)?.check()?,
            PageKind::Inner => {
                let inner = Inner::of(&bytes)?;
                inner.check()?;
                let mut net = 0_i64;
                for at in 0..inner.len() {
                    below.push(RwLock::new(Weak::new()));
                    nets.push(net);
                    net =
                        net.checked_add(inner.pointer(at).net).ok_or("the nets of an inner page overflow")?;
                }
                if net != pointer.net {
                    return Err("the nets of an inner page are not that of the pointer to it");
                }
            }
            PageKind::Catalogue => {}
        }
        Ok(Page {
            file,
            pointer,
            bytes: bytes.into(),
            kind: head.kind,
            tree: head.tree,
            len: usize::from(head.count),
            uses: AtomicU8::new(0),
            below: below.into(),
            nets: nets.into(),
        })
    }

    /// The run file that holds it, and where.
    pub fn place(&self) -> (u64, u64) {
        (self.file, self.pointer.offset)
    }

    /// The pointer that it was read by.
    pub fn pointer(&self) -> &Pointer {
        &self.pointer
    }

    /// What it holds, and of which tree.
    pub fn holds(&self) -> (PageKind, u32) {
        (self.kind, self.tree)
    }

    /// Its bytes.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many entries, rows or pages below it has.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Its entries; none if it holds something else.
    #[inline]
    pub fn entries(&self) -> Entries<'_> {
        Entries::of(&self.bytes).unwrap_or(Entries::NONE)
    }

    /// Its rows; none if it holds something else.
    #[inline]
    pub fn rows(&self) -> Rows<'_> {
        Rows::of(&self.bytes).unwrap_or(Rows::NONE)
    }

    /// Its pointers; none if it holds something else.
    #[inline]
    pub fn inner(&self) -> Option<Inner<'_>> {
        Inner::of(&self.bytes).ok()
    }

    /// The page below, if it is in memory.
    #[inline]
    pub fn below(&self, at: usize) -> Option<Arc<Page>> {
        let page = self.below.get(at)?.read().upgrade()?;
        page.touch();
        Some(page)
    }

    /// Remembers a page below.
    pub fn remember(&self, at: usize, page: &Arc<Page>) {
        if let Some(below) = self.below.get(at) {
            *below.write() = Arc::downgrade(page);
        }
    }

    /// The additions less the removals of the pages below before this one.
    pub fn net_before(&self, at: usize) -> i64 {
        self.nets.get(at).copied().unwrap_or_default()
    }
}

impl Cached for Page {
    fn memory(&self) -> usize {
        const BOOKKEEPING: usize = 96;
        size_of::<Page>()
            + BOOKKEEPING
            + self.bytes.len()
            + self.below.len() * (size_of::<RwLock<Weak<Page>>>() + size_of::<i64>())
    }

    #[inline]
    fn touch(&self) {
        let most = if self.kind == PageKind::Inner { INNER_USES } else { LEAF_USES };
        if self.uses.load(Ordering::Relaxed) != most {
            self.uses.store(most, Ordering::Relaxed);
        }
    }

    fn is_passed_over(&self) -> bool {
        let uses = self.uses.load(Ordering::Relaxed);
        self.uses.store(uses.saturating_sub(1), Ordering::Relaxed);
        uses > 0
    }
}
