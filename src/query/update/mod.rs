//! Updates: what changes in a document.
//!
//! - `update`: an update, parsed and applied; `positional`: the array elements that `$`, `$[]` and `$[x]` stand for
//! - `change`: one operator; `arithmetic`, `push`, `elements`: the larger ones; `change_at`: an operator at its path
//! - `place`: the place of a path in a tree
//! - `changed`: the paths that it has changed, for the log
//! - `raw`: scalars changed in stored bytes; `wide`: many fields changed at once, `moved`: what `$rename` moves then

mod arithmetic;
mod change;
mod change_at;
mod changed;
#[cfg(test)]
mod changed_tests;
mod elements;
mod moved;
mod place;
mod positional;
#[cfg(test)]
mod positional_tests;
mod push;
mod raw;
#[cfg(test)]
mod raw_tests;
#[cfg(test)]
mod tests;
#[expect(clippy::module_inception, reason = "the main file of the folder, private")]
mod update;
mod wide;

pub use change::UpdateTarget;
pub(crate) use changed::difference;
pub(crate) use raw::Rewrite;
pub use update::Update;
