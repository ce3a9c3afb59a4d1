//! A collation: which strings are equal, and in which order they are.
//!
//! Under a collation values keep the order of their types, and only strings compare otherwise, also those within objects and
//! arrays; keys of objects do not. Where bytes are needed, as for the keys of indexes and groups, each string stands as its sort
//! key: two strings have the same one exactly if they are equal under the collation.

use std::cmp::Ordering;
use std::sync::Arc;

use icu_collator::CollatorBorrowed;

use super::options::{self, Options};
use super::runs::bounded;
use crate::document::kind::NodeKind;
use crate::document::node::Node;
use crate::document::order::{TextOrder, compare_by, compare_nodes};
use crate::document::value::Value;
use crate::error::Result;

/// The version of the collation data that is compiled in: that of the crate `icu_collator_data`. Sort keys of one version do not
/// compare with those of another, so a checkpoint of another version is not used.
pub(crate) const DATA_VERSION: &str = "2.4.0";

/// An order of strings; by their bytes, if it is the simple one.
#[derive(Clone, Debug, Default)]
pub struct Collation(Option<Arc<Rules>>);

#[derive(Debug)]
struct Rules {
    options: Options,
    collator: CollatorBorrowed<'static>,
}

impl TextOrder for Rules {
    fn compare_text(&self, a: &[u8], b: &[u8]) -> Ordering {
        if a == b { Ordering::Equal } else { self.collator.compare_utf8(&bounded(a), &bounded(b)) }
    }
}

impl Collation {
    /// The order of bytes.
    pub const SIMPLE: Collation = Collation(None);

    /// Reads `{ locale, strength?, ... }`.
    pub fn parse<'a>(given: impl Node<'a>) -> Result<Collation> {
        let parsed = options::parse(given)?;
        Ok(Collation(parsed.map(|(options, collator)| Arc::new(Rules { options, collator }))))
    }

    /// Whether strings compare by their bytes.
    #[inline]
    pub fn is_simple(&self) -> bool {
        self.0.is_none()
    }

    /// The document with all fields filled in; `None` for the simple one.
    pub fn to_value(&self) -> Option<Value> {
        self.0.as_ref().map(|rules| rules.options.to_value(DATA_VERSION))
    }

    /// The order of two values.
    #[inline]
    pub fn compare<'a, 'b>(&self, a: impl Node<'a>, b: impl Node<'b>) -> Ordering {
        match &self.0 {
            None => compare_nodes(a, b),
            Some(rules) => compare_by(a, b, &**rules),
        }
    }

    /// Whether two values are equal.
    #[inline]
    pub fn equal<'a, 'b>(&self, a: impl Node<'a>, b: impl Node<'b>) -> bool {
        self.compare(a, b).is_eq()
    }

    /// The order of two optional values, of which a missing one is the smaller.
    #[inline]
    pub(crate) fn compare_present(&self, a: Option<&Value>, b: Option<&Value>) -> Ordering {
        match (a, b) {
            (Some(a), Some(b)) => self.compare(a, b),
            (a, b) => a.is_some().cmp(&b.is_some()),
        }
    }

    /// The sort key of a string, as a string whose bytes compare as the collation does: one character for each byte. That of the
    /// simple collation is the string itself.
    pub fn key(&self, text: &[u8]) -> String {
        let Some(rules) = &self.0 else { return String::from_utf8_lossy(text).into_owned() };
        let mut bytes = Vec::with_capacity(text.len() + 8);
        let Ok(()) = rules.collator.write_sort_key_utf8_to(&bounded(text), &mut bytes);
        bytes.into_iter().map(char::from).collect()
    }

    /// The value with each string in it replaced by its sort key. Such values compare by bytes as the values do under the
    /// collation.
    pub fn keyed<'a>(&self, value: impl Node<'a>) -> Value {
        match value.seen() {
            NodeKind::String(text) => Value::String(self.key(text)),
            NodeKind::Array(()) => Value::Array(value.items().map(|item| self.keyed(item)).collect()),
            NodeKind::Object(()) => Value::Object(
                value.fields().map(|(key, value)| (key.to_owned(), self.keyed(value))).collect(),
            ),
            _ => value.tree(),
        }
    }
}

/// Whether there is a string in a value, so that its order depends on the collation.
pub(crate) fn has_text<'a>(value: impl Node<'a>) -> bool {
    match value.seen() {
        NodeKind::String(_) => true,
        NodeKind::Array(()) => value.items().any(has_text),
        NodeKind::Object(()) => value.fields().any(|(_, value)| has_text(value)),
        _ => false,
    }
}

/// Two collations are the same if all of their options are.
impl PartialEq for Collation {
    fn eq(&self, other: &Collation) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(a), Some(b)) => Arc::ptr_eq(a, b) || a.options == b.options,
            _ => false,
        }
    }
}

impl Eq for Collation {}
