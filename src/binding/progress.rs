//! How far a long operation is: JavaScript creates a [`NativeProgress`], passes it to the call, and reads it meanwhile.

use std::sync::Arc;

use napi::bindgen_prelude::ClassInstance;
use napi_derive::napi;

use crate::engine::Progress;

/// How far one operation is.
#[derive(Default)]
#[napi]
pub struct NativeProgress {
    progress: Arc<Progress>,
}

#[napi]
impl NativeProgress {
    /// Nothing done, and nothing expected.
    #[napi(constructor)]
    pub fn new() -> NativeProgress {
        NativeProgress::default()
    }

    /// Steps that are done, and all steps.
    #[napi]
    pub fn now(&self) -> Vec<f64> {
        let (done, total) = self.progress.now();
        vec![done as f64, total as f64]
    }
}

/// Where the operation says how far it is; a fresh value that nobody reads without an argument.
pub(super) fn shared(given: Option<ClassInstance<'_, NativeProgress>>) -> Arc<Progress> {
    given.map(|given| given.progress.clone()).unwrap_or_default()
}
