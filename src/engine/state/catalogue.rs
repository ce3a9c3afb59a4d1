//! The collections of a database: an immutable map that commits replace, so that a view keeps its own.
//!
//! Sorted entries in chunks, and a list of the chunks. A copy shares the chunks; a change copies only the affected chunk,
//! unless nothing else refers to it. So a change among n collections copies at most n / 128 pointers and one chunk, and
//! replay, which owns its catalogue, copies nothing.

use std::sync::Arc;

use super::collection::Collection;
use super::namespace::{differs_in_case, parts, whole};
use crate::error::Result;

/// The maximum entries of a chunk; a larger one is split in the middle.
const CHUNK: usize = 128;

/// The collections by name, in order of names.
#[derive(Clone, Default)]
pub struct Catalogue {
    by_name: Sorted<Arc<str>, Arc<Collection>>,
    names: Sorted<u32, Arc<str>>,
}

impl Catalogue {
    /// The collection of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<Collection>> {
        self.by_name.get(name)
    }

    /// The name of the collection with this number.
    pub fn name_of(&self, number: u32) -> Option<&Arc<str>> {
        self.names.get(&number)
    }

    /// Names and collections, in order of names.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<Collection>)> {
        self.by_name.iter()
    }

    /// The collections of a database (empty: the default one), by their full names, in order of names.
    pub fn of<'c>(&'c self, database: &'c str) -> impl Iterator<Item = (&'c Arc<str>, &'c Arc<Collection>)> {
        let all = self.by_name.iter_from(whole(database).as_str());
        // Those of the default database are between those of the others.
        all.take_while(move |(name, _)| database.is_empty() || parts(name).0 == database)
            .filter(move |(name, _)| parts(name).0 == database)
    }

    /// The name of a database with a collection, other than the default one, that equals this one but for its case.
    pub(crate) fn database_like(&self, database: &str) -> Option<&str> {
        let mut names = self.iter().map(|(name, _)| parts(name).0);
        names.find(|name| !name.is_empty() && name.eq_ignore_ascii_case(database))
    }

    /// Refuses a database that has no collection yet and differs from another only in case.
    pub(crate) fn check_database(&self, database: &str) -> Result<()> {
        if database.is_empty() || self.of(database).next().is_some() {
            return Ok(());
        }
        self.database_like(database).map_or(Ok(()), |there| Err(differs_in_case(database, there)))
    }

    /// How many collections.
    pub fn count(&self) -> usize {
        self.by_name.iter_chunks().map(|chunk| chunk.len()).sum()
    }

    /// Inserts a collection under a name that no other has.
    pub fn insert(&mut self, name: &str, collection: Arc<Collection>) {
        let name: Arc<str> = name.into();
        self.names.insert(collection.number(), name.clone());
        self.by_name.insert(name, collection);
    }

    /// Removes the collection of this number.
    pub fn remove(&mut self, number: u32) {
        if let Some(name) = self.names.remove(&number) {
            self.by_name.remove(&*name);
        }
    }

    /// The catalogue with one more collection.
    #[must_use]
    pub fn with(&self, name: &str, collection: Arc<Collection>) -> Catalogue {
        let mut next = self.clone();
        next.insert(name, collection);
        next
    }

    /// The catalogue without the collection of this number.
    #[must_use]
    pub fn without(&self, number: u32) -> Catalogue {
        let mut next = self.clone();
        next.remove(number);
        next
    }
}

/// A sorted map in chunks, none of which is empty.
struct Sorted<K, V> {
    chunks: Vec<Arc<Vec<(K, V)>>>,
}

impl<K, V> Clone for Sorted<K, V> {
    fn clone(&self) -> Self {
        Sorted { chunks: self.chunks.clone() }
    }
}

impl<K, V> Default for Sorted<K, V> {
    fn default() -> Self {
        Sorted { chunks: Vec::new() }
    }
}

impl<K: Clone, V: Clone> Sorted<K, V> {
    fn iter_chunks(&self) -> impl Iterator<Item = &Vec<(K, V)>> {
        self.chunks.iter().map(|chunk| &**chunk)
    }

    fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.iter_chunks().flatten().map(|(key, value)| (key, value))
    }

    /// The entries from this key on.
    fn iter_from<Q: Ord + ?Sized>(&self, key: &Q) -> impl Iterator<Item = (&K, &V)> + use<'_, K, V, Q>
    where
        K: std::borrow::Borrow<Q>,
    {
        let at = self.chunk_of(key);
        let first = self.chunks.get(at);
        let skipped = first.map_or(0, |chunk| chunk.partition_point(|(own, _)| own.borrow() < key));
        let chunks = self.chunks.get(at..).unwrap_or_default();
        chunks.iter().flat_map(|chunk| chunk.iter()).skip(skipped).map(|(key, value)| (key, value))
    }

    /// The chunk that contains the key, or would contain it.
    fn chunk_of<Q: Ord + ?Sized>(&self, key: &Q) -> usize
    where
        K: std::borrow::Borrow<Q>,
    {
        let begins_before =
            |chunk: &Arc<Vec<(K, V)>>| chunk.first().is_some_and(|(first, _)| first.borrow() <= key);
        self.chunks.partition_point(begins_before).saturating_sub(1)
    }

    fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: std::borrow::Borrow<Q>,
    {
        let chunk = self.chunks.get(self.chunk_of(key))?;
        let at = chunk.binary_search_by(|(own, _)| own.borrow().cmp(key)).ok()?;
        chunk.get(at).map(|(_, value)| value)
    }

    fn insert(&mut self, key: K, value: V)
    where
        K: Ord,
    {
        let at = self.chunk_of(&key);
        let Some(chunk) = self.chunks.get_mut(at) else {
            self.chunks.push(Arc::new(vec![(key, value)]));
            return;
        };
        let entries = Arc::make_mut(chunk);
        match entries.binary_search_by(|(own, _)| own.cmp(&key)) {
            Ok(place) => entries[place].1 = value,
            Err(place) => entries.insert(place, (key, value)),
        }
        if entries.len() > CHUNK {
            // Ascending keys fill the chunks completely: the split-off chunk begins with only the newest.
            let half = if at + 1 == self.chunks.len() { CHUNK } else { CHUNK / 2 };
            let upper = Arc::make_mut(&mut self.chunks[at]).split_off(half);
            self.chunks.insert(at + 1, Arc::new(upper));
        }
    }

    fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
    {
        let at = self.chunk_of(key);
        let chunk = self.chunks.get_mut(at)?;
        let place = chunk.binary_search_by(|(own, _)| own.borrow().cmp(key)).ok()?;
        let entries = Arc::make_mut(chunk);
        let (_, value) = entries.remove(place);
        if entries.is_empty() {
            self.chunks.remove(at);
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_catalogue_is_a_sorted_map_and_its_copies_stay_as_they_were() {
        let mut state = 7_u64;
        let mut random = move |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let (mut catalogue, mut model) = (Catalogue::default(), BTreeMap::<String, u32>::new());
        let mut kept: Vec<(Catalogue, BTreeMap<String, u32>)> = Vec::new();
        for number in 0..6_000_u32 {
            let name = format!("c{}", random(5_000));
            model.entry(name).or_insert_with_key(|name| {
                catalogue.insert(name, Arc::new(Collection::new(number)));
                number
            });
            if random(3) == 0
                && let Some((name, gone)) = model.iter().nth(random(model.len() as u64) as usize)
            {
                let (name, gone) = (name.clone(), *gone);
                catalogue.remove(gone);
                model.remove(&name);
            }
            if number % 1_000 == 0 {
                kept.push((catalogue.clone(), model.clone()));
            }
        }
        kept.push((catalogue, model));
        for (catalogue, model) in &kept {
            let found: Vec<_> =
                catalogue.iter().map(|(name, one)| (name.to_string(), one.number())).collect();
            let expected: Vec<_> = model.iter().map(|(name, number)| (name.clone(), *number)).collect();
            assert_eq!(found, expected);
            assert_eq!(catalogue.count(), model.len());
            for (name, number) in model {
                assert_eq!(catalogue.get(name).map(|one| one.number()), Some(*number));
                assert_eq!(catalogue.name_of(*number).map(|found| &**found), Some(name.as_str()));
            }
            assert!(catalogue.get("none").is_none() && catalogue.name_of(u32::MAX).is_none());
        }
    }

    #[test]
    fn the_collections_of_a_database_are_those_with_its_name_in_order() {
        let mut catalogue = Catalogue::default();
        let databases = ["", "a", "ab", "b", "c"];
        for number in 0..3_000_u32 {
            let database = databases[number as usize % 4];
            let name =
                if database.is_empty() { format!("c{number}") } else { format!("{database}\0c{number}") };
            catalogue.insert(&name, Arc::new(Collection::new(number)));
        }
        for database in databases {
            let found: Vec<_> = catalogue.of(database).map(|(name, _)| name.clone()).collect();
            let all = catalogue.iter().map(|(name, _)| name.clone());
            let expected: Vec<_> = all.filter(|name| parts(name).0 == database).collect();
            assert_eq!(found, expected, "{database}");
        }
        assert_eq!(catalogue.database_like("AB"), Some("ab"));
        assert_eq!(catalogue.database_like("abc"), None);
        assert!(catalogue.check_database("ab").is_ok() && catalogue.check_database("d").is_ok());
        assert!(catalogue.check_database("A").is_err());
    }
}
