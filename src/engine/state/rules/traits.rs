//! What the options of a collection say that every operation looks at: without their lock.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::document::Collation;

/// What the options say.
#[derive(Debug, Default)]
pub(crate) struct Traits {
    keeps_images: AtomicBool,
    is_view: AtomicBool,
    /// Never changed; not set where it is the simple one.
    collation: OnceLock<Collation>,
}

impl Traits {
    /// Takes over what options say.
    pub(crate) fn set(&self, keeps_images: bool, is_view: bool, collation: &Collation) {
        self.keeps_images.store(keeps_images, Ordering::Release);
        self.is_view.store(is_view, Ordering::Release);
        if !collation.is_simple() {
            self.collation.get_or_init(|| collation.clone());
        }
    }

    /// Whether they ask for documents as they were.
    #[inline]
    pub(crate) fn keeps_images(&self) -> bool {
        self.keeps_images.load(Ordering::Acquire)
    }

    /// Whether it is a view, which has no documents.
    #[inline]
    pub(crate) fn is_view(&self) -> bool {
        self.is_view.load(Ordering::Acquire)
    }

    /// How strings compare where an operation does not say that.
    #[inline]
    pub(crate) fn collation(&self) -> Collation {
        self.collation.get().cloned().unwrap_or_default()
    }
}
