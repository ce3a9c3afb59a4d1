//! Objects of many fields under construction: an index of their keys makes setting n fields linear instead of
//! quadratic.

use std::collections::HashMap;

use crate::document::{Object, Value};

/// Fields from which on an index is built.
const WIDE: usize = 16;

type Index = HashMap<Box<str>, usize, foldhash::fast::RandomState>;

/// An index of the keys of a list; a short list has none.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    index: Index,
    /// The number of entries of the list that are in the index.
    followed: usize,
}

impl Keys {
    /// Adds the new entries at the end of the list.
    #[inline]
    pub(super) fn follow<V>(&mut self, list: &[(String, V)]) {
        if list.len() < WIDE {
            return;
        }
        for (place, (key, _)) in list.iter().enumerate().skip(self.followed) {
            // The first of equal keys is used.
            self.index.entry(key.as_str().into()).or_insert(place);
        }
        self.followed = list.len();
    }

    /// The position of a key in the list.
    #[inline]
    pub(super) fn find<V>(&self, list: &[(String, V)], key: &str) -> Option<usize> {
        if list.len() < WIDE {
            return list.iter().position(|(own, _)| own == key);
        }
        self.index.get(key).copied()
    }
}

/// An object that grows.
#[derive(Clone, Debug, Default)]
pub(super) struct Wide {
    object: Object,
    keys: Keys,
}

impl Wide {
    /// Of these fields.
    pub(super) fn of(object: Object) -> Wide {
        Wide { object, keys: Keys::default() }
    }

    /// Sets a field, in place if it exists. Returns whether it did.
    pub(super) fn put(&mut self, key: String, value: Value) -> bool {
        self.keys.follow(&self.object);
        match self.keys.find(&self.object, &key).and_then(|at| self.object.get_mut(at)) {
            Some((_, slot)) => {
                *slot = value;
                true
            }
            None => {
                self.object.push((key, value));
                false
            }
        }
    }

    /// Sets the fields of another object in this one.
    pub(super) fn lay_over(&mut self, other: Object) {
        other.into_iter().for_each(|(key, value)| _ = self.put(key, value));
    }

    /// A field.
    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.keys.follow(&self.object);
        let at = self.keys.find(&self.object, key)?;
        self.object.get_mut(at).map(|(_, value)| value)
    }

    /// Its fields.
    pub(super) fn fields(&self) -> &Object {
        &self.object
    }

    /// The object.
    pub(super) fn into_object(self) -> Object {
        self.object
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_set_in_their_places_however_many_there_are() {
        for count in [3, 15, 16, 17, 500] {
            let mut wide = Wide::of(vec![("k1".to_owned(), Value::Null)]);
            for n in 0..count {
                assert_eq!(wide.put(format!("k{n}"), Value::Int(n)), n == 1);
            }
            wide.lay_over((0..count).map(|n| (format!("k{n}"), Value::Int(n + 1))).collect());
            *wide.get_mut("k2").unwrap() = Value::Null;
            assert!(wide.get_mut("none").is_none());
            let object = wide.into_object();
            assert_eq!(object.len(), count as usize);
            assert_eq!(object[0], ("k1".to_owned(), Value::Int(2)));
            assert_eq!(object[1], ("k0".to_owned(), Value::Int(1)));
            assert_eq!(object[2], ("k2".to_owned(), Value::Null));
        }
    }

    #[test]
    fn of_equal_keys_the_first_counts() {
        let list: Vec<(String, ())> = (0..40).map(|n| (format!("k{}", n % 20), ())).collect();
        let mut keys = Keys::default();
        keys.follow(&list);
        assert_eq!(keys.find(&list, "k3"), Some(3));
        assert_eq!(keys.find(&list, "k20"), None);
    }
}
