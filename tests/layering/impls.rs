//! Rule two: an `impl T` block belongs into the room of `T`. Imports do not show a method that is added elsewhere.

use crate::rules::FOLDERS;
use crate::source::Source;
use crate::tree::Tree;

/// The blocks of a room that are outside of the room of their type: the file, and the file of the type.
pub fn stray(tree: &Tree, room: &str) -> Vec<(String, String)> {
    let mut stray = Vec::new();
    for source in tree.sources().filter(|source| source.modules.first().is_some_and(|first| first == room)) {
        for path in &source.impls {
            let home = match path.as_slice() {
                [name] if source.types.contains(name) => Some(source),
                path => tree.absolute(source, path).and_then(|path| tree.home(&path)),
            };
            if let Some(home) = home
                && place(home) != place(source)
            {
                stray.push((source.name.clone(), home.name.clone()));
            }
        }
    }
    stray
}

/// The folder within the room. A file directly in the room counts as a folder of its name; a room without folders in the
/// rules counts as one folder.
fn place(source: &Source) -> &[String] {
    let has_folders =
        FOLDERS.iter().any(|(room, _)| source.modules.first().is_some_and(|first| first == room));
    let depth = if has_folders { 2 } else { 1 };
    source.modules.get(..depth).unwrap_or(&source.modules)
}

#[cfg(test)]
mod tests {
    use super::{Tree, stray};

    fn count(files: &[(&str, &str)]) -> usize {
        let files: Vec<(String, String)> =
            files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        stray(&Tree::new(&files), "engine").len()
    }

    const STORE: (&str, &str) = ("engine/store.rs", "pub struct Store;\nimpl Store { fn a() {} }");

    #[test]
    fn a_block_in_another_file_of_a_flat_room_counts() {
        assert_eq!(count(&[STORE]), 0);
        assert_eq!(count(&[STORE, ("engine/read.rs", "use super::store::Store;\nimpl Store {}")]), 1);
        assert_eq!(count(&[STORE, ("engine/read.rs", "impl crate::engine::store::Store {}")]), 1);
        assert_eq!(count(&[STORE, ("engine/store/more.rs", "use super::Store;\nimpl Store {}")]), 0);
    }

    #[test]
    fn blocks_of_one_folder_and_of_traits_do_not_count() {
        let slab = ("engine/state/slab.rs", "pub struct Slab;");
        assert_eq!(count(&[slab, ("engine/state/page.rs", "use super::slab::Slab;\nimpl Slab {}")]), 0);
        assert_eq!(
            count(&[slab, ("engine/read/page.rs", "use super::super::state::slab::Slab;\nimpl Slab {}")]),
            1
        );
        assert_eq!(
            count(&[STORE, ("engine/read.rs", "use super::store::Store;\nimpl Drop for Store {}")]),
            0
        );
    }
}
