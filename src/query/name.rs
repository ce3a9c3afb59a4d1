//! The rules for names of collections and databases, wherever they come from: handles, stages that write, files.

/// The largest number of bytes of a collection's name.
const MAX_NAME: usize = 120;
/// The largest number of bytes of a database's name.
const MAX_DATABASE: usize = 63;

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

/// The reason why a database cannot have this name, as the end of a sentence. The rule is that of the server on every system.
pub(crate) fn database_fault(name: &str) -> Option<String> {
    const REFUSED: &str = "/\\. \"$*<>:|?\0";
    if name.is_empty() {
        return Some("is empty; give it at least one character".to_owned());
    }
    if name.len() > MAX_DATABASE {
        return Some(format!("is longer than {MAX_DATABASE} bytes of UTF-8; use a shorter one"));
    }
    let bad = name.chars().find(|bad| REFUSED.contains(*bad))?;
    let shown = if bad == '\0' { r"\u0000".to_owned() } else { bad.escape_default().to_string() };
    Some(format!("contains \"{shown}\"; leave that character out"))
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

    #[test]
    fn a_name_of_a_database_is_refused_with_what_is_wrong_with_it() {
        for fine in ["a", "a-b", "\u{e9}", "tenant_1", &"x".repeat(MAX_DATABASE)] {
            assert_eq!(database_fault(fine), None, "{fine}");
        }
        let long = "x".repeat(MAX_DATABASE + 1);
        assert!(database_fault("").is_some_and(|fault| fault.starts_with("is empty")));
        assert!(database_fault(&long).is_some_and(|fault| fault.starts_with("is longer than 63 bytes")));
        for bad in "/\\. \"$*<>:|?\0".chars() {
            let fault = database_fault(&format!("a{bad}b"));
            assert!(fault.is_some_and(|fault| fault.starts_with("contains \"")), "{bad:?}");
        }
    }
}
