//! The newest commits for those who watch them, and the names that collections had before.

mod feed;
pub(crate) mod past_names;

pub(crate) use feed::{Ahead, Feed, Park, Published, Subject, Touched, Wake};
