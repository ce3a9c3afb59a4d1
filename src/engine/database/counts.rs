//! How much is in each database of an engine.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::engine::state::catalogue::Catalogue;
use crate::engine::state::namespace::{Databases, parts};

/// How much is in a database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DatabaseCounts {
    /// Its name.
    pub name: String,
    /// Its collections.
    pub collections: u64,
    /// Documents in them.
    pub documents: u64,
}

impl DatabaseCounts {
    /// Those of the databases that have collections, by name.
    pub(super) fn all(catalogue: &Catalogue, databases: &Databases) -> Vec<DatabaseCounts> {
        let mut all = BTreeMap::<&str, (u64, u64)>::new();
        for (name, collection) in catalogue.iter() {
            let (collections, documents) = all.entry(databases.name_of(parts(name).0)).or_default();
            *collections += u64::from(!collection.is_view());
            *documents += collection.count();
        }
        let counts = |(name, (collections, documents)): (&str, _)| DatabaseCounts {
            name: name.to_owned(),
            collections,
            documents,
        };
        all.into_iter().map(counts).collect()
    }
}
