//! Errors and panics to exceptions: JavaScript errors that have the kind and the details as properties. The facade makes a
//! `MoltenError` from them.

use std::any::Any;
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use napi::bindgen_prelude::{JsObjectValue, JsValue, within_runtime_if_available};
use napi::{Env, Property};
use tokio::runtime::Handle;

use crate::error::{Error, Kind, Result};

/// The value of a property of an exception.
#[derive(Debug, PartialEq)]
enum Value<'a> {
    Text(Cow<'a, str>),
    Number(f64),
}

/// The error as an exception. It has only the message where no object can be created, as in an environment that is ending.
#[cold]
pub fn exception(env: &Env, error: &Error) -> napi::Error {
    create(env, error).unwrap_or_else(|_| napi::Error::from_reason(error.message()))
}

fn create(env: &Env, error: &Error) -> napi::Result<napi::Error> {
    let mut object = env.create_error(napi::Error::from_reason(error.message()))?;
    let mut properties = Vec::new();
    for (name, value) in properties_of(error) {
        let property = Property::new().with_utf8_name(name)?;
        properties.push(match value {
            Value::Text(text) => property.with_napi_value(env, &*text)?,
            Value::Number(number) => property.with_napi_value(env, number)?,
        });
    }
    // Defined, not set: a setter that a program adds to `Object.prototype` is not called.
    object.define_properties(&properties)?;
    Ok(napi::Error::from_unknown_without_coercion(object.to_unknown()))
}

/// The properties of an exception besides its message. Like a `MoltenError`'s, `code` is the kind where MongoDB has no number.
fn properties_of(error: &Error) -> Vec<(&'static str, Value<'_>)> {
    let (kind, details) = (error.kind().as_str(), error.details());
    let text = |text: Cow<'static, str>| Value::Text(text);
    let mut properties = vec![("kind", text(kind.into()))];
    match error.code() {
        Some(code) => {
            properties.push(("code", Value::Number(code.number().into())));
            properties.push(("codeName", text(code.name())));
        }
        None => properties.push(("code", text(kind.into()))),
    }
    if let Some(path) = &details.path {
        properties.push(("path", Value::Text(path.into())));
    }
    if let Some(file) = &details.file {
        properties.push(("file", Value::Text(file.to_string_lossy())));
    }
    if let Some(offset) = details.offset {
        properties.push(("offset", Value::Number(offset as f64)));
    }
    if let Some(pid) = details.pid {
        properties.push(("pid", Value::Number(pid.into())));
    }
    if let Some(open_with) = details.open_with {
        properties.push(("openWith", text(open_with.into())));
    }
    properties
}

/// Runs an entry point. A panic becomes an error: unwinding into Node.js would abort the process. The state stays
/// consistent, because tables are changed only by calls that cannot panic halfway.
#[inline]
pub fn guarded<T>(env: &Env, entry: impl FnOnce() -> Result<T>) -> napi::Result<T> {
    caught(entry).map_err(|error| exception(env, &error))
}

#[inline]
fn caught<T>(entry: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(entry)).unwrap_or_else(|panic| Err(panicked(&*panic)))
}

/// Runs blocking work on tokio's blocking pool. It begins now: whoever polls the result runs on another thread, which has to wake up first.
pub fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> impl Future<Output = Result<T>> + Send + 'static {
    let begin = || Handle::try_current().map(|runtime| runtime.spawn_blocking(work));
    let running = within_runtime_if_available(begin);
    let closing = || Error::new(Kind::Closed, "the environment is closing");
    async move {
        let Ok(running) = running else { return Err(closing()) };
        match running.await {
            Ok(outcome) => outcome,
            Err(lost) => Err(lost.try_into_panic().map_or_else(|_| closing(), |panic| panicked(&*panic))),
        }
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
    fn an_exception_has_the_kind_the_number_and_the_details_that_the_error_has() {
        let text = |text: &'static str| Value::Text(text.into());
        let plain = Error::new(Kind::Closed, "closed");
        assert_eq!(properties_of(&plain), [("kind", text("CLOSED")), ("code", text("CLOSED"))]);
        let locked = Error::new(Kind::Locked, "held").with_details(Details {
            file: Some("db/lock".into()),
            pid: Some(42),
            ..Details::default()
        });
        assert_eq!(properties_of(&locked)[2..], [("file", text("db/lock")), ("pid", Value::Number(42.0))]);
        let late = Error::new(Kind::Timeout, "late");
        assert_eq!(
            properties_of(&late)[1..],
            [("code", Value::Number(50.0)), ("codeName", text("MaxTimeMSExpired"))]
        );
    }

    #[test]
    fn a_panic_is_an_internal_error() {
        let error = caught::<()>(|| panic!("it broke")).unwrap_err();
        assert!(error.kind() == Kind::Internal && error.message().contains("it broke"), "{error}");
    }
}
