//! The options of a collection, as the log keeps them: JSON, empty for none.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::capped::{Cap, CapGiven};
use super::namespace::{Shown, parts};
use super::rules::{self, Action, Level, Validator, ViewDefinition, collation_text, view_definition};
use crate::document::order::compare_values;
use crate::document::{Collation, Node, RawKind, RawValue, Value};
use crate::error::{Error, Kind, Result, codes};

/// Whether the log keeps documents as they were before a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Images {
    enabled: bool,
}

/// The options of a collection.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct CollectionOptions {
    #[serde(skip_serializing_if = "Option::is_none")]
    change_stream_pre_and_post_images: Option<Images>,
    #[serde(
        serialize_with = "rules::write",
        deserialize_with = "rules::read",
        skip_serializing_if = "Option::is_none"
    )]
    validator: Option<Arc<Validator>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    validation_level: Option<Level>,
    #[serde(skip_serializing_if = "Option::is_none")]
    validation_action: Option<Action>,
    /// Names of indexes that queries pass over, in order. Not listed: the indexes themselves tell.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hidden_indexes: Vec<String>,
    /// Of a view: what it reads. A view has no documents of its own.
    #[serde(
        serialize_with = "view_definition::write",
        deserialize_with = "view_definition::read",
        skip_serializing_if = "Option::is_none"
    )]
    view: Option<Arc<ViewDefinition>>,
    /// TTL indexes by name, and after how many seconds documents expire. Not listed: the indexes themselves tell.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    ttl_indexes: BTreeMap<String, u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    capped: Option<Cap>,
    /// How strings compare in operations and indexes that do not say that. Never changed.
    #[serde(
        serialize_with = "collation_text::write",
        deserialize_with = "collation_text::read",
        skip_serializing_if = "Collation::is_simple"
    )]
    collation: Collation,
}

/// What of an index may change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OfIndex {
    /// Whether queries pass it over.
    pub(crate) hidden: bool,
    /// After how many seconds documents expire.
    pub(crate) expire_after: Option<u32>,
}

impl OfIndex {
    /// What it has otherwise than another, as it is listed.
    fn otherwise(self, other: OfIndex) -> Vec<(String, Value)> {
        let hidden = (self.hidden != other.hidden).then(|| ("hidden".to_owned(), Value::Bool(self.hidden)));
        let seconds = self.expire_after.filter(|_| self.expire_after != other.expire_after);
        let seconds =
            seconds.map(|seconds| ("expireAfterSeconds".to_owned(), Value::number(f64::from(seconds))));
        hidden.into_iter().chain(seconds).collect()
    }
}

/// An index that COLLMOD has changed: what it has now, and what it had.
pub(crate) struct ChangedIndex<'o> {
    name: &'o str,
    now: OfIndex,
    before: OfIndex,
}

impl ChangedIndex<'_> {
    /// What it had otherwise.
    pub(crate) fn before(&self) -> Value {
        Value::Object(self.before.otherwise(self.now))
    }

    fn now(&self) -> Value {
        let name = ("name".to_owned(), Value::String(self.name.to_owned()));
        Value::Object([name].into_iter().chain(self.now.otherwise(self.before)).collect())
    }
}

impl CollectionOptions {
    /// Reads an object of options from the boundary.
    pub(crate) fn parse(given: RawValue<'_>) -> Result<CollectionOptions> {
        let (mut options, mut capped) = (CollectionOptions::default(), CapGiven::default());
        // Validators and views compare under it.
        options.collation = given.get("collation").map(Collation::parse).transpose()?.unwrap_or_default();
        for (name, value) in given.fields().filter(|(name, _)| *name != "collation") {
            if !capped.take(name, value)? && !options.take(name, value)? {
                return Err(refused(format!("a collection has no option '{name}'")));
            }
        }
        options.capped = capped.finish()?;
        options.take_view(given)?;
        options.check_view()?;
        Ok(options)
    }

    /// Reads what a view reads, if an object of options says that.
    pub(crate) fn take_view(&mut self, given: RawValue<'_>) -> Result<()> {
        let on = match given.get("viewOn").map(|on| on.kind()) {
            None if given.get("pipeline").is_none() => return Ok(()),
            None => return Err(invalid("a pipeline needs viewOn, the name of what the view reads")),
            Some(RawKind::String(on)) => String::from_utf8_lossy(on).into_owned(),
            Some(_) => return Err(refused("viewOn must be the name of a collection or view")),
        };
        self.view = Some(ViewDefinition::parse(&on, given.get("pipeline"), &self.collation)?);
        Ok(())
    }

    /// Refuses what a view cannot have.
    fn check_view(&self) -> Result<()> {
        let (view, collation) = (self.view.clone(), self.collation.clone());
        let plain = CollectionOptions { view, collation, ..CollectionOptions::default() };
        if self.view.is_none() || *self == plain {
            return Ok(());
        }
        Err(invalid(
            "a view has viewOn, pipeline and collation, and no options of a collection that stores documents",
        ))
    }

    /// How strings compare.
    pub(crate) fn collation(&self) -> &Collation {
        &self.collation
    }

    /// What a view reads; `None` for a collection that stores documents.
    pub(crate) fn view(&self) -> Option<&Arc<ViewDefinition>> {
        self.view.as_ref()
    }

    /// Reads one option; false if it is none.
    pub(crate) fn take(&mut self, name: &str, value: RawValue<'_>) -> Result<bool> {
        match name {
            "changeStreamPreAndPostImages" => {}
            // The two together are read by `take_view`.
            "viewOn" | "pipeline" => return Ok(true),
            "validator" => {
                self.validator = Validator::parse(value, &self.collation)?;
                return Ok(true);
            }
            "validationLevel" => {
                self.validation_level = Some(Level::parse(value)?);
                return Ok(true);
            }
            "validationAction" => {
                self.validation_action = Some(Action::parse(value)?);
                return Ok(true);
            }
            _ => return Ok(false),
        }
        let Some(RawKind::Bool(enabled)) = value.get("enabled").map(|enabled| enabled.kind()) else {
            let what = "changeStreamPreAndPostImages must be { enabled: true } or { enabled: false }";
            return Err(refused(what));
        };
        self.change_stream_pre_and_post_images = Some(Images { enabled });
        Ok(true)
    }

    /// Whether queries pass over the index of this name.
    pub(crate) fn hides(&self, index: &str) -> bool {
        self.hidden_indexes.iter().any(|name| name == index)
    }

    /// What is said of the index of this name.
    pub(crate) fn of_index(&self, index: &str) -> OfIndex {
        OfIndex { hidden: self.hides(index), expire_after: self.ttl_indexes.get(index).copied() }
    }

    /// The same with this said of an index.
    #[must_use]
    pub(crate) fn with_index(&self, index: &str, now: OfIndex) -> CollectionOptions {
        let mut options = self.clone();
        options.hidden_indexes.retain(|name| name != index);
        if now.hidden {
            options.hidden_indexes.push(index.to_owned());
            options.hidden_indexes.sort();
        }
        options.ttl_indexes.remove(index);
        options.ttl_indexes.extend(now.expire_after.map(|seconds| (index.to_owned(), seconds)));
        options
    }

    /// How large the collection may become, if it is capped.
    pub(crate) fn cap(&self) -> Option<Cap> {
        self.capped
    }

    /// The same with another limit of a capped collection.
    #[must_use]
    pub(crate) fn capped_at(&self, cap: Cap) -> CollectionOptions {
        CollectionOptions { capped: Some(cap), ..self.clone() }
    }

    /// Whether a collection with these options is as it is asked for.
    pub(crate) fn is_as(&self, given: &CollectionOptions) -> bool {
        let (hidden_indexes, ttl_indexes) = (Vec::new(), BTreeMap::new());
        CollectionOptions { hidden_indexes, ttl_indexes, ..self.clone() } == *given
    }

    /// The index of which something is said that was not said before.
    pub(crate) fn changed_index<'o>(&'o self, before: &'o CollectionOptions) -> Option<ChangedIndex<'o>> {
        let names = |options: &'o CollectionOptions| {
            options.hidden_indexes.iter().chain(options.ttl_indexes.keys()).map(String::as_str)
        };
        names(self).chain(names(before)).find_map(|name| {
            let (now, before) = (self.of_index(name), before.of_index(name));
            (now != before).then_some(ChangedIndex { name, now, before })
        })
    }

    /// Reads what the log has.
    pub(crate) fn decode(bytes: &[u8]) -> Option<CollectionOptions> {
        if bytes.is_empty() {
            return Some(CollectionOptions::default());
        }
        let mut options: CollectionOptions = serde_json::from_slice(bytes).ok()?;
        if let Some(validator) = options.validator.take_if(|_| !options.collation.is_simple()) {
            options.validator = Some(validator.under(&options.collation).ok()?);
        }
        Some(options)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        if *self == CollectionOptions::default() {
            return Vec::new();
        }
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Whether updates, replacements and deletions are logged with the document before.
    pub(crate) fn keeps_images(&self) -> bool {
        self.change_stream_pre_and_post_images.is_some_and(|images| images.enabled)
    }

    /// As they are listed.
    pub(crate) fn to_value(&self) -> Value {
        Value::Object(self.fields())
    }

    fn fields(&self) -> Vec<(String, Value)> {
        let images = self.change_stream_pre_and_post_images.map(|images| {
            let enabled = Value::Object(vec![("enabled".to_owned(), Value::Bool(images.enabled))]);
            ("changeStreamPreAndPostImages".to_owned(), enabled)
        });
        let text = |name: &'static str| Value::String(name.to_owned());
        let validator = self.validator.as_ref().map(|one| ("validator".to_owned(), one.source().clone()));
        let level = self.validation_level.map(|level| ("validationLevel".to_owned(), text(level.name())));
        let action =
            self.validation_action.map(|action| ("validationAction".to_owned(), text(action.name())));
        let view = self.view.as_ref().map(|view| {
            let on = ("viewOn".to_owned(), Value::String(view.on().to_owned()));
            [on, ("pipeline".to_owned(), view.stages().clone())]
        });
        let view = view.into_iter().flatten();
        let capped = self.capped.iter().flat_map(Cap::fields);
        let collation = self.collation.to_value().map(|collation| ("collation".to_owned(), collation));
        let others = [images, validator, level, action, collation];
        capped.chain(others.into_iter().flatten()).chain(view).collect()
    }

    /// Whether documents are checked, and how.
    pub(crate) fn validation(&self) -> Option<(&Arc<Validator>, Level, Action)> {
        let (level, action) =
            (self.validation_level.unwrap_or_default(), self.validation_action.unwrap_or_default());
        self.validator.as_ref().filter(|_| level != Level::Off).map(|validator| (validator, level, action))
    }

    /// Refuses rules of a collection that is not the program's.
    pub(crate) fn check_for(&self, name: &str) -> Result<()> {
        if !parts(name).1.starts_with("system.") {
            return Ok(());
        }
        let what = match (&self.validator, &self.view, self.ttl_indexes.is_empty()) {
            (Some(_), ..) => "a validator is not allowed on the system collection",
            (_, Some(_), _) => "a view must not have the name of a system collection:",
            _ if self.capped.is_some() => "documents do not make way for others in the system collection",
            (.., false) => "documents do not expire in the system collection",
            (None, None, true) => return Ok(()),
        };
        Err(invalid(&format!("{what} '{}'", Shown(name))))
    }

    /// The options that these have not, or have otherwise.
    pub(crate) fn changes_since(&self, before: &CollectionOptions) -> Vec<(String, Value)> {
        let own = self.fields();
        let gone = before.validator.is_some() && self.validator.is_none();
        let gone = gone.then(|| ("validator".to_owned(), Value::Object(Vec::new())));
        let fields_before = before.fields();
        let same = |(name, value): &(String, Value)| {
            let is_same =
                |(other, before): &(String, Value)| name == other && compare_values(value, before).is_eq();
            fields_before.iter().any(is_same)
        };
        let index = self.changed_index(before).map(|index| ("index".to_owned(), index.now()));
        own.into_iter().filter(|option| !same(option)).chain(gone).chain(index).collect()
    }
}

fn invalid(what: &str) -> Error {
    Error::new(Kind::BadQuery, what).with_code(codes::INVALID_OPTIONS)
}

fn refused(what: impl Into<String>) -> Error {
    Error::new(Kind::BadQuery, what).with_code(codes::FAILED_TO_PARSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_as_they_were_written_and_unknown_ones_are_none() {
        assert!(CollectionOptions::default().encode().is_empty());
        let images = Some(Images { enabled: true });
        let options =
            CollectionOptions { change_stream_pre_and_post_images: images, ..CollectionOptions::default() };
        assert_eq!(options.encode(), br#"{"changeStreamPreAndPostImages":{"enabled":true}}"#);
        assert_eq!(CollectionOptions::decode(&options.encode()), Some(options));
        assert_eq!(CollectionOptions::decode(br#"{"capped":true}"#), None);
        assert_eq!(CollectionOptions::decode(b"{"), None);
    }
}
