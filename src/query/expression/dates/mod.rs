//! Dates.
//!
//! - `parts`: parts of dates, and dates of parts; `steps`: adding, counting, truncating
//! - `text`: dates as text, by a `format`
//! - `arguments`: dates and time zones among the arguments of operators

pub(super) mod arguments;
pub(super) mod format;
pub(super) mod parts;
pub(super) mod steps;
#[cfg(test)]
mod tests;
pub(super) mod text;
#[cfg(test)]
mod zone_tests;
