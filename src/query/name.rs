//! The rule for names of collections, wherever they come from: handles, stages that write, files.

/// The largest number of bytes of a collection's name.
const MAX_NAME: usize = 120;

/// The reason why this is not a valid name, as the end of a sentence.
pub(crate) fn name_fault(name: &str) -> Option<String> {
    if let Some(bad) = name.chars().find(|bad| matches!(bad, '\0' | '$' | '/' | '\\'))
        && name.len() <= MAX_NAME
    {
        let shown = if bad == '\0' { r"\u0000".to_owned() } else { bad.escape_default().to_string() };
        return Some(format!("contains \"{shown}\"; leave that character out"));
    }
    Some(match name {
        "" => "is empty; give it at least one character".to_owned(),
        _ if name.len() > MAX_NAME => format!("is longer than {MAX_NAME} bytes of UTF-8; use a shorter one"),
        _ if name.starts_with('.') || name.ends_with('.') => {
            "starts or ends with a dot; put dots between words only".to_owned()
        }
        _ if name.contains("..") => "contains two dots in a row; use one".to_owned(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_refused_with_what_is_wrong_with_it() {
        for fine in ["a", "a.b", "a b", "\u{e9}", &"x".repeat(MAX_NAME)] {
            assert_eq!(name_fault(fine), None, "{fine}");
        }
        let long = "x".repeat(MAX_NAME + 1);
        let faults = [
            ("", "is empty"),
            (long.as_str(), "is longer than 120 bytes"),
            ("a\0", "contains \"\\u0000\""),
            ("a$", "contains \"$\""),
            ("a/b", "contains \"/\""),
            ("a\\b", "contains \"\\\\\""),
            (".a", "starts or ends with a dot"),
            ("a.", "starts or ends with a dot"),
            ("a..b", "contains two dots"),
        ];
        for (name, fault) in faults {
            assert!(name_fault(name).is_some_and(|found| found.starts_with(fault)), "{name:?}");
        }
    }
}
