//! Live queries: the result of a find, and then what each newer state of the database makes of it.
//!
//! - `live`: the steps of one; `window`: the documents of its result in order

pub(crate) mod live;
mod window;
