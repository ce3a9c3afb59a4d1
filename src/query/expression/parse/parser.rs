//! The context of an expression that is being parsed.

use crate::document::{Collation, Value};
use crate::error::codes::{self, Code};
use crate::error::{Details, Error, Kind, Result};
use crate::query::expression::constants::{Constants, Terms};
use crate::query::expression::path::FieldPath;
use crate::query::refusal::bad_query;
use crate::work::Work;

/// The context of an expression: its path, and the variables in scope.
#[derive(Clone, Debug, Default)]
pub(in crate::query) struct Parser {
    path: Vec<String>,
    variables: Vec<Box<str>>,
    /// Variables whose values are known.
    constants: Constants,
    /// Whether the expression is part of a filter or a projection.
    find: bool,
    /// Whether the documents of a stage are those of a collection.
    stored: bool,
}

impl Parser {
    /// A parser at this path, which messages name.
    pub(in crate::query) fn at(path: &str) -> Parser {
        Parser { path: vec![path.to_owned()], ..Parser::default() }
    }

    /// The same with more variables.
    #[must_use]
    pub(in crate::query) fn with(&self, variables: impl IntoIterator<Item = Box<str>>) -> Parser {
        let mut next = self.clone();
        next.variables.extend(variables);
        next
    }

    /// The same with the variables of the option `let` and the work of an operation.
    #[must_use]
    pub(in crate::query) fn knowing(mut self, constants: &Constants) -> Parser {
        self.constants = constants.clone();
        self
    }

    /// The work of the operation.
    pub(in crate::query) fn work(&self) -> &Work {
        self.constants.work()
    }

    /// The order of strings.
    pub(in crate::query) fn collation(&self) -> &Collation {
        self.constants.collation()
    }

    /// How the values of the documents of a stage compare.
    pub(in crate::query) fn terms(&self) -> Terms<'_> {
        self.constants.terms().of_stored(self.stored)
    }

    /// Sets whether the documents of the next stage are those of a collection, and returns what was so.
    pub(in crate::query) fn set_stored(&mut self, stored: bool) -> bool {
        std::mem::replace(&mut self.stored, stored)
    }

    /// A parser for an expression in a filter or a projection.
    pub(in crate::query) fn of_find(path: &str) -> Parser {
        Parser { find: true, ..Parser::at(path) }
    }

    /// `BAD_QUERY` at the current path.
    pub(in crate::query) fn fail<T>(&self, message: impl std::fmt::Display) -> Result<T> {
        Err(self.error(message))
    }

    /// The same with this error code.
    pub(in crate::query) fn fail_as<T>(&self, code: Code, message: impl std::fmt::Display) -> Result<T> {
        Err(self.error(message).with_code(code))
    }

    pub(in crate::query) fn error(&self, message: impl std::fmt::Display) -> Error {
        let path = self.path.join(".");
        bad_query(&path, format!("{message} (at '{path}')"))
    }

    pub(in crate::query) fn unsupported<T>(&self, message: impl std::fmt::Display) -> Result<T> {
        let path = self.path.join(".");
        let message = format!("{message} (at '{path}')");
        Err(Error::new(Kind::NotSupported, message)
            .with_details(Details { path: Some(path), ..Details::default() }))
    }

    /// Parses one level further down.
    pub(in crate::query) fn inside<T>(
        &mut self,
        step: &str,
        read: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        self.path.push(FieldPath::shown(step).to_owned());
        let result = read(self);
        self.path.pop();
        result
    }

    /// Parses with more variables in scope.
    pub(in crate::query) fn binding<T>(
        &mut self,
        names: &[&str],
        read: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let before = self.variables.len();
        self.variables.extend(names.iter().map(|name| Box::from(*name)));
        let result = read(self);
        self.variables.truncate(before);
        result
    }

    /// Whether a variable of this name is in scope.
    pub(in crate::query) fn knows(&self, name: &str) -> Result<bool> {
        self.work().step(self.variables.len() / 16)?;
        Ok(self.variables.iter().any(|own| **own == *name))
    }

    /// The value of a variable of the option `let`, or `None` where there is no such variable.
    #[expect(clippy::option_option, reason = "a variable without a value and no variable are two things")]
    pub(in crate::query) fn constant(&self, name: &str) -> Option<Option<&Value>> {
        self.constants.get(name)
    }

    /// Whether the expression is part of a filter or a projection, in which `$$NOW` and `$rand` are not supported.
    pub(in crate::query) fn is_of_find(&self) -> bool {
        self.find
    }

    /// Refuses names that a variable cannot have.
    pub(in crate::query) fn check_variable(&self, name: &str) -> Result<()> {
        let fine = name.starts_with(|first: char| first.is_ascii_lowercase() || !first.is_ascii())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii());
        if fine {
            return Ok(());
        }
        let message = format!(
            "'{name}' is no name for a variable: it starts with a lower-case letter and has letters, digits and _ only"
        );
        self.fail_as(codes::FAILED_TO_PARSE, message)
    }
}
