//! The check of documents against the rules of their collection: before the commit lock is taken, and under it where they have not passed the
//! same rules before.

use std::sync::Arc;

use crate::document::{Node, RawValue};
use crate::engine::commit::current_document::{CurrentDocument, Target};
use crate::engine::commit::staged::{Commit, Halt};
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::exec::nonblocking::{NONBLOCKING_BYTES, nonblocking_work, would_block};
use crate::engine::state::collection::Collection;
use crate::engine::state::rules::{Checked, Rules};
use crate::engine::store::Store;
use crate::error::Result;

/// Checks documents before the commit lock is taken, as far as that tells whether they may be stored.
pub(crate) fn checked_ahead<'a, N: Node<'a>>(
    store: &Store,
    (name, collection): (&str, Option<&Collection>),
    documents: impl IntoIterator<Item = N>,
    interrupt: &Interrupt,
) -> Result<Checked> {
    if interrupt.is_unchecked() {
        return Ok(Checked::Bypassed);
    }
    let Some(rules) = collection.and_then(Collection::rules) else { return Ok(Checked::Never) };
    let work = store.work(interrupt);
    for document in documents {
        if !rules.pass(document, &work)? {
            // The document that it replaces decides.
            if rules.spares_invalid() {
                return Ok(Checked::Never);
            }
            rules.refuse(name, document, &work)?;
        }
    }
    Ok(Checked::By(rules))
}

impl Commit<'_> {
    /// Refuses a document that is not valid; `present` is the one whose place it takes, if the caller has it.
    pub(in crate::engine::commit) fn validate(
        &self,
        rules: &Arc<Rules>,
        collection: &Collection,
        target: Target,
        present: Option<&CurrentDocument>,
        document: &[u8],
    ) -> Result<(), Halt> {
        would_block(|| !rules.is_light() || document.len() > NONBLOCKING_BYTES)?;
        let work = nonblocking_work().unwrap_or_default();
        let document = RawValue::new(document, collection.shapes());
        if rules.pass(document, &work)? {
            return Ok(());
        }
        if rules.spares_invalid() {
            let found = if present.is_none() { self.replaced(collection, target)? } else { None };
            let before = present.or(found.as_ref()).map(|before| before.document(collection.shapes()));
            if before.is_some_and(|before| !rules.pass(before, &work).unwrap_or(true)) {
                return Ok(());
            }
        }
        let name = self.catalogue_now().name_of(collection.number()).cloned().unwrap_or_default();
        rules.refuse(&name, document, &work)?;
        Ok(())
    }
}
