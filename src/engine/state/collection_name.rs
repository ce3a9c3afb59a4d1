//! The names that a collection may have.

use crate::error::{Error, Kind, Result, codes};
use crate::query::name_fault;

/// Whether a collection may have this name.
pub(crate) fn is_name(name: &str) -> bool {
    name_fault(name).is_none()
}

/// Refuses an invalid collection name.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let Some(fault) = name_fault(name) else { return Ok(()) };
    let shown: String = name.chars().take(40).collect();
    let message = format!("collection name {shown:?} {fault}");
    Err(Error::new(Kind::BadQuery, message).with_code(codes::INVALID_NAMESPACE))
}
