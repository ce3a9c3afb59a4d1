//! Capped collections: those that keep their newest documents only.
//!
//! - `cap`: how large one may become, as the options say
//! - `capped`: where one begins and ends, as commits leave it

mod cap;
mod capped;

pub(crate) use cap::{Cap, CapGiven};
pub(crate) use capped::{Capped, Ends};
