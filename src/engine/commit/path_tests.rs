//! Commits that fail.

use super::*;
use crate::engine::commit;
use crate::engine::commit::apply::Unapplied;
use crate::engine::store::Recovered;
use crate::error::Kind;
use crate::options::OpenOptions;
use crate::storage::{Host, open_memory};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

fn store() -> Arc<Store> {
    let (host, options) = (Host::system(), OpenOptions { queue_limit: 1_000, ..OpenOptions::default() });
    Store::new(
        ("memory".into(), Path::new("")),
        open_memory(),
        &host,
        options,
        Recovered::empty(),
        |_, _, _| Ok(None),
    )
}

#[test]
fn a_commit_that_panics_while_it_is_resolved_releases_its_queue_space_and_the_lock() {
    let store = store();
    for _ in 0..3 {
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            commit::run(&store, 900, |_| -> Result<(), Halt> { panic!("a defect in an operator") })
        }));
        assert!(panicked.is_err());
    }
    assert_eq!(store.budget().used(), 0);
    let created = commit::run(&store, 900, |commit| Ok(commit.collection_or_create("c")?.number()));
    assert_eq!(created.result.unwrap(), 1);
    assert_eq!(store.budget().used(), 0);
}

#[test]
fn a_commit_that_is_queued_and_not_applied_poisons() {
    let store = store();
    drop(Unapplied(&store.publisher()));
    let refused = commit::run(&store, 10, |_| Ok(())).result.unwrap_err();
    assert_eq!(refused.kind(), Kind::StoragePoisoned);
    assert!(refused.message().contains("could not be applied"), "{refused}");
}
