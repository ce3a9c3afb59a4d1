//! Imports between the folders of `js`, and circles among its files. Imports of types count.

use crate::graph::Graph;
use crate::rules::{FLAT_SCRIPTS, SCRIPT_ENTRIES, SCRIPTS, TYPE_ONLY};

pub struct Script {
    /// Its path below `js`.
    pub name: String,
    /// The files below `js` that it imports, and whether for their types only.
    pub imports: Vec<(String, bool)>,
}

pub fn read(files: &[(String, String)]) -> Vec<Script> {
    files
        .iter()
        .map(|(name, text)| Script {
            name: name.clone(),
            imports: specifiers(text)
                .into_iter()
                .filter_map(|(path, only_types)| Some((resolved(name, &path)?, only_types)))
                .collect(),
        })
        .collect()
}

pub fn faults(scripts: &[Script]) -> Vec<String> {
    let mut faults = Vec::new();
    for script in scripts {
        let folder = folder(&script.name);
        if let Some(folder) = folder
            && below(folder).is_none()
        {
            faults.push(format!(
                "js/{}: there is no folder {folder}; name it in tests/layering/rules.rs",
                script.name
            ));
        }
        if folder.is_none() && !FLAT_SCRIPTS.contains(&script.name.as_str()) {
            faults.push(format!("js/{}: move it into a folder", script.name));
        }
        for (import, _) in &script.imports {
            faults.extend(fault(&script.name, import));
        }
    }
    for (from, to) in TYPE_ONLY {
        let import = scripts
            .iter()
            .filter(|script| script.name == *from)
            .flat_map(|script| &script.imports)
            .find(|(name, _)| name == to);
        if import.is_some_and(|(_, only_types)| !only_types) {
            faults.push(format!("js/{from}: imports more than types of {to}"));
        }
    }
    faults
}

fn fault(name: &str, import: &str) -> Option<String> {
    if SCRIPT_ENTRIES.contains(&import) {
        return Some(format!("js/{name}: an entry is imported ({import})"));
    }
    let below = below(folder(name)?)?;
    let target = folder(import);
    let allowed = match target {
        Some(target) => Some(target) == folder(name) || below.contains(&target),
        None => true,
    };
    (!allowed).then(|| format!("js/{name}: may not import {import}"))
}

/// Which file imports which, without the permitted imports of types only.
pub fn graph(scripts: &[Script]) -> Graph {
    scripts
        .iter()
        .map(|script| {
            let imports = script.imports.iter().map(|(import, _)| import.clone());
            let counted =
                imports.filter(|import| !TYPE_ONLY.contains(&(script.name.as_str(), import.as_str())));
            (script.name.clone(), counted.collect())
        })
        .collect()
}

fn below(folder: &str) -> Option<&'static [&'static str]> {
    SCRIPTS.iter().find(|(known, _)| *known == folder).map(|(_, below)| *below)
}

fn folder(name: &str) -> Option<&str> {
    name.split_once('/').map(|(folder, _)| folder)
}

/// What a file imports or re-exports, and whether only types. Such a statement starts a line and ends with the path.
fn specifiers(text: &str) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let import = line.starts_with("import ") || line.starts_with("import{");
        let export = ["export {", "export *", "export type {"].iter().any(|start| line.starts_with(start));
        if !import && !export {
            continue;
        }
        let only_types = line.starts_with("import type ") || line.starts_with("export type ");
        let mut last = line;
        while last.contains('{') != last.contains('}') || !(last.contains('\'') || last.contains(';')) {
            let Some(line) = lines.next() else { break };
            last = line;
            if line.contains('}') {
                break;
            }
        }
        if let Some(path) = last.split('\'').rev().nth(1) {
            found.push((path.to_owned(), only_types));
        }
    }
    for piece in text.split("import('").skip(1) {
        found.extend(piece.split_once('\'').map(|(path, _)| (path.to_owned(), false)));
    }
    found
}

/// Resolves `../types/sort.js` in `api/collection.ts` to `types/sort.ts`; packages are ignored.
fn resolved(name: &str, path: &str) -> Option<String> {
    if !path.starts_with('.') {
        return None;
    }
    let mut parts: Vec<&str> = name.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => _ = parts.pop(),
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    Some(format!("{}.ts", joined.trim_end_matches(".js").trim_end_matches(".ts")))
}

#[cfg(test)]
mod tests {
    use super::{faults, graph, read};
    use crate::graph::circles;

    fn faults_in(files: &[(&str, &str)]) -> Vec<String> {
        faults(&read(&owned(files)))
    }

    fn owned(files: &[(&str, &str)]) -> Vec<(String, String)> {
        files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn imports_of_one_line_of_several_and_of_types_are_read() {
        let text = "import { a } from './a.js'\nimport {\n  b,\n  c\n} from '../b.js'\nimport type { D } from '../d.js'\n\
            export * from './e.js'\nexport class F {}\nimport { g } from 'node:util'\nexport type { H } from '../h.js'\n";
        let imports = &read(&owned(&[("api/x.ts", text)]))[0].imports;
        let names: Vec<&str> = imports.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["api/a.ts", "b.ts", "d.ts", "api/e.ts", "h.ts"]);
        assert_eq!(
            imports.iter().map(|(_, types)| *types).collect::<Vec<_>>(),
            [false, false, true, false, true]
        );
    }

    #[test]
    fn an_import_of_a_folder_above_is_found_also_of_types() {
        let upward = "import type { Collection } from '../api/collection.js'";
        assert_eq!(
            faults_in(&[("codec/decode.ts", upward)]),
            ["js/codec/decode.ts: may not import api/collection.ts"]
        );
        assert!(faults_in(&[("api/database.ts", "import { decode } from '../codec/decode.js'")]).is_empty());
        assert!(faults_in(&[("codec/decode.ts", "import { MoltenError } from '../errors.js'")]).is_empty());
    }

    #[test]
    fn an_unknown_folder_a_script_outside_of_one_and_an_imported_entry_are_found() {
        assert_eq!(faults_in(&[("util/a.ts", "")]).len(), 1);
        assert_eq!(faults_in(&[("strings.ts", "")]), ["js/strings.ts: move it into a folder"]);
        assert_eq!(faults_in(&[("api/a.ts", "import { b } from '../index.js'")]).len(), 1);
    }

    #[test]
    fn a_circle_is_found_and_an_allowed_import_of_types_is_none() {
        let circle =
            [("api/a.ts", "import { b } from './b.js'"), ("api/b.ts", "import type { A } from './a.js'")];
        assert_eq!(circles(&graph(&read(&owned(&circle)))), [["api/a.ts", "api/b.ts"]]);
    }
}
