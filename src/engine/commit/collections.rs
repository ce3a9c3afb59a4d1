//! Collections and indexes that a commit creates, drops or renames.

use std::sync::Arc;

use super::staged::{Commit, IndexChange};
use crate::document::encode_plain;
use crate::engine::format::record;
use crate::engine::state::collection::Collection;
use crate::engine::state::collection_options::CollectionOptions;
use crate::engine::state::index::Index;
use crate::engine::state::namespace::{check_name, parts};
use crate::error::{Error, Kind, Result};
use crate::storage::Lsn;

impl Commit<'_> {
    /// The collection of this name.
    pub(crate) fn collection(&self, name: &str) -> Option<Arc<Collection>> {
        self.catalogue.as_ref().unwrap_or(&self.applied.catalogue).get(name).cloned()
    }

    /// The collection of this name, created now if there is none.
    pub(crate) fn collection_or_create(&mut self, name: &str) -> Result<Arc<Collection>> {
        let collection = self.collection_or_create_with(name, &Arc::default())?;
        collection.check_stores(name)?;
        Ok(collection)
    }

    /// The collection of this name, created now with these options if there is none.
    pub(crate) fn collection_or_create_with(
        &mut self,
        name: &str,
        options: &Arc<CollectionOptions>,
    ) -> Result<Arc<Collection>> {
        if let Some(collection) = self.collection(name) {
            return Ok(collection);
        }
        check_name(name)?;
        self.catalogue_now().check_database(parts(name).0)?;
        let number = self.applied.next_number.checked_add(self.created.len() as u32).ok_or_else(|| {
            Error::new(Kind::Limit, "this database has reached the largest collection number; export it and import it into a new one")
        })?;
        let collection = Arc::new(Collection::new(number));
        let encoded = options.encode();
        if !encoded.is_empty() {
            collection.set_options(options.clone());
        }
        record::create(self.block(name.len() + encoded.len() + 32), number, name, &encoded);
        self.catalogue = Some(Arc::new(self.catalogue_now().with(name, collection.clone())));
        self.created.push(collection.clone());
        Ok(collection)
    }

    /// Keeps the created collections, even without documents.
    pub(crate) fn keep_created(&mut self) {
        self.kept = !self.created.is_empty();
    }

    /// Changes the options of a collection.
    pub(crate) fn change_options(&mut self, collection: &Arc<Collection>, options: Arc<CollectionOptions>) {
        let (now, before) = (options.encode(), collection.options().encode());
        record::coll_mod(self.block(now.len() + before.len() + 32), collection.number(), &now, &before);
        let mut collection = collection.clone();
        if collection.is_view()
            && let Some(name) = self.catalogue_now().name_of(collection.number()).cloned()
        {
            // Who reads an earlier state reads the view as it was.
            collection = Arc::new(Collection::new(collection.number()));
            collection.set_options(options.clone());
            self.catalogue = Some(Arc::new(self.catalogue_now().with(&name, collection.clone())));
        }
        self.options.push((collection, options));
    }

    /// Replaces the collection of this name by an empty one with the same indexes.
    pub(crate) fn recreate_collection(&mut self, name: &str) -> Result<Arc<Collection>> {
        let before = self.collection(name);
        if let Some(before) = &before {
            before.check_stores(name)?;
        }
        self.drop_collection(name);
        let options = before.as_ref().map(|before| before.options()).unwrap_or_default();
        let collection = self.collection_or_create_with(name, &options)?;
        before.iter().for_each(|before| collection.set_options_of(before));
        let indexes = before.map(|before| before.indexes());
        for index in indexes.iter().flat_map(|indexes| indexes.iter()) {
            if index.is_ready(Lsn::NEWEST) {
                let fresh = Index::new(collection.next_index(), index.definition())?;
                self.begin_index(&collection, &Arc::new(fresh));
            }
        }
        Ok(collection)
    }

    /// Logs an index that is ready with this commit. In a collection that this commit creates, it is maintained from here
    /// on.
    pub(crate) fn begin_index(&mut self, collection: &Arc<Collection>, index: &Arc<Index>) {
        let mut spec = Vec::new();
        encode_plain(&index.definition().to_value(), &mut spec);
        record::index(self.block(spec.len() + 16), collection.number(), &spec);
        if self.created.iter().any(|created| created.number() == collection.number()) {
            // Nobody else sees the collection yet; later documents of this commit are checked.
            index.set_ready(Lsn(0));
            collection.add_index(index.clone());
        }
        self.index_changes.push((collection.clone(), index.clone(), IndexChange::Ready));
    }

    /// Drops an index.
    pub(crate) fn end_index(&mut self, collection: &Arc<Collection>, index: &Arc<Index>) {
        let name = &index.spec().name;
        record::drop_index(self.block(name.len() + 16), collection.number(), name);
        self.index_changes.push((collection.clone(), index.clone(), IndexChange::Dropped));
    }

    /// Drops the collection of this name; returns whether there was one.
    pub(crate) fn drop_collection(&mut self, name: &str) -> bool {
        let Some(collection) = self.collection(name) else { return false };
        record::drop_collection(self.block(16), collection.number());
        self.left.push((collection.clone(), name.into(), true));
        self.catalogue = Some(Arc::new(self.catalogue_now().without(collection.number())));
        self.dropped.push(collection.number());
        true
    }

    /// Drops the collections of a database (empty: the default one), and the database; nothing if it has none.
    pub(crate) fn drop_database(&mut self, database: &str) {
        let of_database = self.catalogue_now().of(database);
        let all: Vec<_> = of_database.map(|(name, collection)| (name.clone(), collection.clone())).collect();
        if all.is_empty() {
            return;
        }
        let mut left = self.catalogue_now().clone();
        for (name, collection) in all {
            let number = collection.number();
            self.left.push((collection, name, true));
            record::drop_collection(self.block(16), number);
            left.remove(number);
            self.dropped.push(number);
        }
        record::drop_database(self.block(database.len() + 16), database);
        self.catalogue = Some(Arc::new(left));
    }

    /// The namespace of a collection, for messages.
    pub(crate) fn namespace(&self, name: &str) -> String {
        self.applied.databases.namespace(name)
    }

    /// Renames a collection to a name that no collection has.
    pub(crate) fn rename_collection(&mut self, collection: &Arc<Collection>, to: &str) {
        record::rename(self.block(to.len() + 16), collection.number(), to);
        let before = self.catalogue_now().name_of(collection.number()).cloned();
        self.left.extend(before.map(|name| (collection.clone(), name, false)));
        let renamed = self.catalogue_now().without(collection.number()).with(to, collection.clone());
        self.catalogue = Some(Arc::new(renamed));
        self.renamed = true;
    }
}
