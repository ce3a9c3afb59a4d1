//! A table of the folders, and the remaining circles and misplaced impls.

use std::collections::BTreeMap;

use crate::graph::{circles, imports};
use crate::rules::ROOMS;
use crate::tree::Tree;
use crate::{impls, scripts};

/// Each folder that directly holds files, and their lengths in lines, without tests and `mod.rs`.
pub fn folders(rust: &[(String, String)], javascript: &[(String, String)]) -> BTreeMap<String, Vec<usize>> {
    let tree = Tree::new(rust);
    let of_rust = tree
        .sources()
        .filter(|source| !source.is_table_of_contents())
        .map(|source| (format!("src/{}", source.name), source.lines));
    let of_scripts = javascript.iter().map(|(name, text)| (format!("js/{name}"), text.lines().count()));
    let mut folders: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (name, lines) in of_rust.chain(of_scripts) {
        let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
        folders.entry(folder.to_owned()).or_default().push(lines);
    }
    for lines in folders.values_mut() {
        lines.sort_unstable();
    }
    folders
}

pub fn print(rust: &[(String, String)], javascript: &[(String, String)]) {
    println!("{:30} {:>6} {:>7} {:>8}", "folder", "files", "median", "longest");
    for (folder, lines) in folders(rust, javascript) {
        let median = lines[lines.len() / 2];
        println!("{folder:30} {:>6} {median:>7} {:>8}", lines.len(), lines[lines.len() - 1]);
    }
    let tree = Tree::new(rust);
    println!("\nimport circles");
    for (room, _) in ROOMS {
        print_circles(room, &circles(&imports(&tree, room)));
    }
    print_circles("js", &circles(&scripts::graph(&scripts::read(javascript))));
    println!("\nimpl blocks outside of the room of their type");
    for (room, _) in ROOMS {
        let mut blocks: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (file, home) in impls::stray(&tree, room) {
            blocks.entry(home).or_default().push(file);
        }
        println!("{room}: {}", blocks.values().map(Vec::len).sum::<usize>());
        for (home, files) in blocks {
            println!("  of {home}: {}", files.join(" "));
        }
    }
}

fn print_circles(room: &str, circles: &[Vec<String>]) {
    println!("{room}: {} files in {} circles", circles.concat().len(), circles.len());
    for circle in circles {
        println!("  {}", circle.join(" "));
    }
}
