//! Errors and panics to exceptions. The message of an exception is JSON, from which the facade makes a `MoltenError`.

use std::any::Any;
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Serialize;

use crate::error::codes::Code;
use crate::error::{Error, Kind, Result};

/// The content of an exception.
#[derive(Serialize)]
struct Report<'a> {
    kind: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<i32>,
    #[serde(rename = "codeName", skip_serializing_if = "Option::is_none")]
    code_name: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
}

/// The error as an exception.
pub fn exception(error: &Error) -> napi::Error {
    napi::Error::from_reason(report(error))
}

fn report(error: &Error) -> String {
    let details = error.details();
    let report = Report {
        kind: error.kind().as_str(),
        message: error.message(),
        code: error.code().map(Code::number),
        code_name: error.code().map(Code::name),
        path: details.path.as_deref(),
        file: details.file.as_ref().map(|file| file.to_string_lossy().into_owned()),
        offset: details.offset,
        pid: details.pid,
    };
    serde_json::to_string(&report)
        .unwrap_or_else(|_| r#"{"kind":"INTERNAL","message":"no message"}"#.to_owned())
}

/// Runs an entry point. A panic becomes an error: unwinding into Node.js would abort the process. The state stays
/// consistent, because tables are changed only by calls that cannot panic halfway.
#[inline]
pub fn guarded<T>(entry: impl FnOnce() -> Result<T>) -> napi::Result<T> {
    match catch_unwind(AssertUnwindSafe(entry)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(exception(&error)),
        Err(panic) => Err(exception(&panicked(&*panic))),
    }
}

/// Runs blocking work on tokio's blocking pool.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> napi::Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(exception(&error)),
        Err(lost) => Err(exception(&match lost.try_into_panic() {
            Ok(panic) => panicked(&*panic),
            Err(_) => Error::new(Kind::Closed, "the environment is closing"),
        })),
    }
}

/// The error that a panic becomes.
pub fn panicked(panic: &(dyn Any + Send)) -> Error {
    let what = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    Error::new(Kind::Internal, format!("a defect in moltendb-node: {what}; please report it"))
}

/// The error of a failed Node-API call.
pub fn refused(error: napi::Error) -> Error {
    Error::new(Kind::Internal, format!("Node-API refused a call: {}", error.reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Details;

    #[test]
    fn an_exception_is_json_with_what_the_error_has() {
        let plain = Error::new(Kind::Closed, "closed");
        assert_eq!(report(&plain), r#"{"kind":"CLOSED","message":"closed"}"#);
        let locked = Error::new(Kind::Locked, "held").with_details(Details {
            file: Some("db/lock".into()),
            pid: Some(42),
            ..Details::default()
        });
        assert_eq!(report(&locked), r#"{"kind":"LOCKED","message":"held","file":"db/lock","pid":42}"#);
    }

    #[test]
    fn a_panic_is_an_internal_error() {
        let error = guarded::<()>(|| panic!("it broke")).unwrap_err();
        assert!(error.reason.contains("INTERNAL") && error.reason.contains("it broke"), "{}", error.reason);
    }
}
