//! Which documents a collection stores, and what is told of those that it does not.

use std::sync::Arc;

use super::validator::{Action, Level, Validator};
use crate::document::{Node, Value, encode_plain};
use crate::engine::state::namespace::Shown;
use crate::error::{Details, Error, Kind, Result};
use crate::query::violation;
use crate::work::Work;

/// A validator that is in force, with its action. Two are the same if they are one allocation: then what one has passed needs not be
/// asked again.
#[derive(Debug)]
pub(crate) struct Rules {
    validator: Arc<Validator>,
    level: Level,
    action: Action,
    is_light: bool,
}

/// By which rules documents have been checked.
#[derive(Clone, Debug, Default)]
pub(crate) enum Checked {
    /// By none yet.
    #[default]
    Never,
    /// By these.
    By(Arc<Rules>),
    /// They are not to be checked.
    Bypassed,
}

impl Checked {
    /// Whether documents that these rules are in force for need not be checked.
    pub(crate) fn is_by(&self, rules: &Arc<Rules>) -> bool {
        match self {
            Checked::Never => false,
            Checked::By(own) => Arc::ptr_eq(own, rules),
            Checked::Bypassed => true,
        }
    }
}

impl Rules {
    pub(crate) fn new(validator: Arc<Validator>, level: Level, action: Action) -> Rules {
        let is_light = validator.filter.is_light();
        Rules { validator, level, action, is_light }
    }

    /// Whether it has the same validator, level and action.
    pub(crate) fn is(&self, validator: &Arc<Validator>, level: Level, action: Action) -> bool {
        (Arc::ptr_eq(&self.validator, validator) || self.validator == *validator)
            && (self.level, self.action) == (level, action)
    }

    /// Whether checking a small document is cheap.
    pub(crate) fn is_light(&self) -> bool {
        self.is_light
    }

    /// Whether a document is valid; an error where the work was stopped.
    pub(crate) fn pass<'a>(&self, document: impl Node<'a>, work: &Work) -> Result<bool> {
        work.believe(self.validator.filter.matches_within(document, work))
    }

    /// Whether documents that were not valid before may stay so.
    pub(crate) fn spares_invalid(&self) -> bool {
        self.level == Level::Moderate
    }

    /// What becomes of a document of this collection that is not valid: an error, unless it is only logged.
    pub(crate) fn refuse<'a>(&self, name: &str, document: impl Node<'a>, work: &Work) -> Result<()> {
        let namespace = Shown(name).to_string();
        let id = document.field("_id").map_or(Value::Null, Node::tree);
        let details = violation::explain(self.validator.source(), document, &self.validator.collation, work);
        if self.action != Action::Error {
            tracing::warn!(namespace, document = ?id, details = ?details, "a document failed validation");
        }
        if self.action == Action::Warn {
            return Ok(());
        }
        let info = Value::Object(vec![("failingDocumentId".to_owned(), id), ("details".to_owned(), details)]);
        let mut bytes = Vec::new();
        encode_plain(&info, &mut bytes);
        let message = format!(
            "Document failed validation: '{namespace}' has a validator that it does not match; errInfo.details says where"
        );
        let details = Details { info: Some(bytes), ..Details::default() };
        Err(Error::new(Kind::SchemaViolation, message).with_details(details))
    }

    /// Refuses a document that is not valid, in place of the one before, if there is one.
    pub(crate) fn check<'a, 'b, B: Node<'b>>(
        &self,
        name: &str,
        document: impl Node<'a>,
        before: Option<B>,
        work: &Work,
    ) -> Result<()> {
        if self.pass(document, work)? {
            return Ok(());
        }
        if let Some(before) = before.filter(|_| self.spares_invalid())
            && !self.pass(before, work)?
        {
            return Ok(());
        }
        self.refuse(name, document, work)
    }
}
