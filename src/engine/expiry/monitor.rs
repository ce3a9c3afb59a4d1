//! The monitor: a timer of the runtime, which has a thread only while there are documents to delete.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::pass;
use crate::engine::store::Store;
use crate::error::{Kind, Result};
use crate::options::Access;

/// Starts it, unless it runs or the options say otherwise.
pub(crate) fn begin(store: &Arc<Store>, runtime: &Handle) {
    let Some(interval) = store.options().ttl_interval else { return };
    if store.options().access == Access::ReadOnly || !store.auto().expiry.begin() {
        return;
    }
    let (weak, runtime) = (Arc::downgrade(store), runtime.clone());
    runtime.clone().spawn(async move {
        loop {
            tokio::time::sleep(interval).await;
            let Some(store) = weak.upgrade() else { return };
            if store.is_closing() {
                return;
            }
            if !pass::is_due(&store) {
                continue;
            }
            let handle = runtime.clone();
            let passed = runtime.spawn_blocking(move || look(&store, &handle));
            // A panic was reported when it happened.
            let _ = passed.await;
        }
    });
}

/// Deletes what has expired now, while a close waits; returns how many documents.
pub(crate) fn run_now(store: &Arc<Store>, runtime: &Handle) -> Result<u64> {
    let _one = store.auto().expiry.running().lock();
    pass::run(store, runtime)
}

/// One pass.
fn look(store: &Arc<Store>, runtime: &Handle) {
    match run_now(store, runtime) {
        Err(error) if error.kind() == Kind::Closed || store.is_closing() => {}
        Err(error) => {
            tracing::warn!(database = store.name(), %error, "expired documents could not be deleted");
        }
        Ok(0) => {}
        Ok(deleted) => {
            tracing::debug!(database = store.name(), deleted, "expired documents were deleted");
        }
    }
}
