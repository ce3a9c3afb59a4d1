//! Which collections there are: an immutable map that commits swap, so that a view keeps its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::collection::Collection;

/// The collections by name, in order of names.
#[derive(Clone, Default)]
pub struct Catalogue {
    by_name: BTreeMap<Arc<str>, Arc<Collection>>,
}

impl Catalogue {
    /// The collection of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<Collection>> {
        self.by_name.get(name)
    }

    /// Names and collections, in order of names.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<Collection>)> {
        self.by_name.iter()
    }

    /// How many collections.
    pub fn count(&self) -> usize {
        self.by_name.len()
    }

    /// The catalogue with one more.
    #[must_use]
    pub fn with(&self, name: &str, collection: Arc<Collection>) -> Catalogue {
        let mut next = self.clone();
        next.by_name.insert(name.into(), collection);
        next
    }

    /// The catalogue without the collection of this number.
    #[must_use]
    pub fn without(&self, number: u32) -> Catalogue {
        let mut next = self.clone();
        next.by_name.retain(|_, collection| collection.number() != number);
        next
    }
}
