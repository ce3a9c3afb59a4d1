//! What the options of a collection say that every operation looks at: without their lock.

use std::sync::atomic::{AtomicBool, Ordering};

/// What the options say.
#[derive(Debug, Default)]
pub(crate) struct Traits {
    keeps_images: AtomicBool,
    is_view: AtomicBool,
    is_collated: AtomicBool,
}

impl Traits {
    /// Takes over what options say.
    pub(crate) fn set(&self, keeps_images: bool, is_view: bool, is_collated: bool) {
        self.keeps_images.store(keeps_images, Ordering::Release);
        self.is_view.store(is_view, Ordering::Release);
        self.is_collated.store(is_collated, Ordering::Release);
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

    /// Whether strings compare otherwise than by bytes.
    #[inline]
    pub(crate) fn is_collated(&self) -> bool {
        self.is_collated.load(Ordering::Acquire)
    }
}
