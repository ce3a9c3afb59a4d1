//! The documentation names only files that exist.

/// Folders whose files a document may name by their path from the root.
const FOLDERS: &[&str] =
    &["src", "js", "tests", "__test__", "scripts", "docs", "benchmark", "examples", "fixtures", "fuzz"];

pub fn faults(texts: &[(String, String)], exists: &dyn Fn(&str) -> bool) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, text) in texts {
        for (number, line) in text.lines().enumerate() {
            for path in paths(line) {
                if !exists(path) {
                    faults.push(format!("{name}:{}: there is no {path}", number + 1));
                }
            }
        }
    }
    faults
}

/// The paths in a line that start in one of the folders and end in a file name. Patterns such as `src/*.rs` are left out.
fn paths(line: &str) -> impl Iterator<Item = &str> {
    let ends = |c: char| c.is_whitespace() || "`()[]{},;:|'\"<>=".contains(c);
    line.split(ends).map(|word| word.trim_end_matches(['.', '#'])).filter(|word| {
        let inside = word.split_once('/').is_some_and(|(folder, _)| FOLDERS.contains(&folder));
        let is_file = word.rsplit_once('/').is_some_and(|(_, file)| file.contains('.'));
        inside && is_file && !word.contains('*')
    })
}

#[cfg(test)]
mod tests {
    use super::faults;

    #[test]
    fn a_path_to_nowhere_is_found_with_its_line() {
        let text = "See `js/index.ts`.\nThe sum (src/engine/gone.rs) and src/*.rs, [here](docs/design.md)."
            .to_owned();
        let exists = |path: &str| !path.contains("gone");
        assert_eq!(
            faults(&[("docs/a.md".to_owned(), text)], &exists),
            ["docs/a.md:2: there is no src/engine/gone.rs"]
        );
    }
}
