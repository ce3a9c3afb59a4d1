//! Full names of collections, and the names of databases.
//!
//! A collection of the default database has its plain name as its full name, one of another database `database\0collection`; a
//! NUL is in neither part. So files do not hold the name of the default database, which is that of their directory: a directory
//! may be renamed. The default database is the empty name wherever full names are taken apart or put together.

use std::fmt::{Display, Formatter};
use std::path::Path;

use crate::error::{Error, Kind, Result, codes};
use crate::options::MEMORY;
use crate::query::{database_fault, name_fault};

/// What separates database and collection in a full name.
const SEPARATOR: char = '\0';

/// The database of a full name, and the collection. A database as a whole has a full name without a collection.
pub(crate) fn parts(full: &str) -> (&str, &str) {
    full.split_once(SEPARATOR).unwrap_or(("", full))
}

/// The full name of a collection. A NUL in its name, which would lead to another database, is refused.
pub(crate) fn within(database: &str, collection: &str) -> Result<String> {
    if collection.contains(SEPARATOR) {
        check_collection(collection)?;
    }
    Ok(joined(database, collection))
}

fn joined(database: &str, collection: &str) -> String {
    if database.is_empty() { collection.to_owned() } else { format!("{database}{SEPARATOR}{collection}") }
}

/// The full name of a database as a whole.
pub(crate) fn whole(database: &str) -> String {
    joined(database, "")
}

/// A full name in a message: that of a collection of another database with the database before it.
pub(crate) struct Shown<'n>(pub(crate) &'n str);

impl Display for Shown<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        match parts(self.0) {
            ("", collection) => out.write_str(collection),
            (database, "") => out.write_str(database),
            (database, collection) => write!(out, "{database}.{collection}"),
        }
    }
}

/// Whether a collection may have this full name.
pub(crate) fn is_name(full: &str) -> bool {
    let (database, collection) = parts(full);
    is_database(database) && !full.starts_with(SEPARATOR) && name_fault(collection).is_none()
}

/// Whether this is the default database, or a name that another may have.
pub(crate) fn is_database(database: &str) -> bool {
    database.is_empty() || database_fault(database).is_none()
}

/// Refuses an invalid full name of a collection.
pub(crate) fn check_name(full: &str) -> Result<()> {
    let (database, collection) = parts(full);
    if !database.is_empty() {
        check_database(database)?;
    }
    check_collection(collection)
}

/// Refuses an invalid name of a collection.
pub(crate) fn check_collection(name: &str) -> Result<()> {
    name_fault(name).map_or(Ok(()), |fault| Err(refused("collection", name, &fault)))
}

/// Refuses an invalid name of a database.
fn check_database(name: &str) -> Result<()> {
    database_fault(name).map_or(Ok(()), |fault| Err(refused("database", name, &fault)))
}

fn refused(what: &str, name: &str, fault: &str) -> Error {
    let shown: String = name.chars().take(40).collect();
    let message = format!("{what} name {shown:?} {fault}");
    Error::new(Kind::BadQuery, message).with_code(codes::INVALID_NAMESPACE)
}

/// The error of a database that would differ from another only in case.
pub(crate) fn differs_in_case(name: &str, there: &str) -> Error {
    let message =
        format!("db already exists with different case already have: [{there}] trying to create [{name}]");
    Error::new(Kind::BadQuery, message).with_code(codes::DATABASE_DIFFER_CASE)
}

/// The names of the databases of an engine as programs use them.
#[derive(Debug)]
pub(crate) struct Databases {
    default: Box<str>,
}

impl Databases {
    /// Those of an engine that was opened with this path and is at this place; `taken` tells the names of others in it.
    pub(crate) fn of(
        path: &str,
        at: &Path,
        given: Option<String>,
        taken: impl Fn(&str) -> bool,
    ) -> Databases {
        let last = || at.file_name().or_else(|| Path::new(path).file_name());
        let mut default = match (given, path) {
            (Some(name), _) => name,
            (None, MEMORY) => "memory".to_owned(),
            _ => last().map_or_else(|| "database".to_owned(), |name| name.to_string_lossy().into_owned()),
        };
        // The directory was renamed, or is a copy: the name leads to the collections that were created under it.
        while taken(&default) {
            default.push_str("_default");
        }
        Databases { default: default.into() }
    }

    /// The name of the default database.
    pub(crate) fn default_name(&self) -> &str {
        &self.default
    }

    /// A database by its name: empty for the default one.
    pub(crate) fn find<'n>(&self, name: &'n str) -> Result<&'n str> {
        if name == &*self.default {
            return Ok("");
        }
        check_database(name)?;
        if name.eq_ignore_ascii_case(&self.default) {
            return Err(differs_in_case(name, &self.default));
        }
        Ok(name)
    }

    /// The name of a database.
    pub(crate) fn name_of<'n>(&'n self, database: &'n str) -> &'n str {
        if database.is_empty() { &self.default } else { database }
    }

    /// The namespace of a full name: database and collection, joined by a dot.
    pub(crate) fn namespace(&self, full: &str) -> String {
        let (database, collection) = parts(full);
        format!("{}.{collection}", self.name_of(database))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_names_are_taken_apart_as_they_were_put_together_and_no_nul_is_shown() {
        for (database, collection, shown) in
            [("", "users", "users"), ("b", "users", "b.users"), ("b", "a.c", "b.a.c"), ("b", "", "b")]
        {
            let full = within(database, collection).unwrap();
            assert_eq!(parts(&full), (database, collection));
            assert_eq!(Shown(&full).to_string(), shown);
        }
        assert_eq!(parts(&whole("b")), ("b", ""));
        assert_eq!(parts(&whole("")), ("", ""));
    }

    #[test]
    fn a_collection_whose_name_would_lead_to_another_database_is_refused() {
        for database in ["", "own"] {
            let error = within(database, "other\0users").unwrap_err();
            assert_eq!(error.code(), Some(codes::INVALID_NAMESPACE));
            assert!(!error.message().contains('\0'), "{error}");
        }
    }

    #[test]
    fn both_parts_of_a_full_name_are_checked() {
        for fine in ["a", "a.b", "b\0a", "b\0a.b"] {
            assert!(is_name(fine) && check_name(fine).is_ok(), "{fine:?}");
        }
        for bad in ["", "b\0", "\0a", "b\0a\0c", "b.c\0a", "b\0$a"] {
            assert!(!is_name(bad), "{bad:?}");
        }
        for bad in ["", "b\0", "b\0a\0c", "b.c\0a", "b\0$a"] {
            let error = check_name(bad).unwrap_err();
            assert_eq!(error.code(), Some(codes::INVALID_NAMESPACE), "{bad:?}");
            assert!(!error.message().contains('\0'), "{error}");
        }
    }

    #[test]
    fn the_default_database_has_the_name_of_its_directory_unless_another_has_it() {
        let of = |path: &str, at: &str, names: &[&str]| {
            Databases::of(path, Path::new(at), None, |name| names.contains(&name)).default_name().to_owned()
        };
        assert_eq!(of("data/app", "/home/data/app", &["other"]), "app");
        assert_eq!(of(".", "/home/data/app", &[]), "app");
        assert_eq!(of(MEMORY, "", &[]), "memory");
        assert_eq!(of("/", "/", &[]), "database");
        assert_eq!(of("app", "/app", &["app"]), "app_default");
        assert_eq!(of("app", "/app", &["app", "app_default"]), "app_default_default");
    }

    #[test]
    fn a_database_is_found_by_its_name_and_refused_by_one_that_differs_in_case() {
        let databases = Databases::of("my.app", Path::new("/my.app"), None, |_| false);
        assert_eq!(databases.find("my.app").unwrap(), "");
        assert_eq!(databases.find("other").unwrap(), "other");
        assert_eq!(databases.find("a.b").unwrap_err().code(), Some(codes::INVALID_NAMESPACE));
        assert_eq!(databases.namespace("users"), "my.app.users");
        assert_eq!(databases.namespace("other\0users"), "other.users");
        let databases = Databases::of("app", Path::new("/app"), None, |_| false);
        assert_eq!(databases.find("App").unwrap_err().code(), Some(codes::DATABASE_DIFFER_CASE));
    }
}
