//! The document of a collation, as in MongoDB: `{ locale: 'fr', strength: 2 }`.

use icu_collator::options::{
    AlternateHandling, CaseLevel, CollatorOptions, MaxVariable, ResolvedCollatorOptions, Strength,
};
use icu_collator::preferences::{CollationCaseFirst, CollationNumericOrdering};
use icu_collator::{CollatorBorrowed, CollatorPreferences};

use super::locales::{self, Fault, Named};
use crate::document::kind::NodeKind;
use crate::document::node::Node;
use crate::document::value::Value;
use crate::error::codes::{self, Code};
use crate::error::{Details, Error, Kind, Result};

/// The only locale whose accents compare from the end of a string.
const BACKWARDS: &str = "fr_CA";

/// The options of a collation, with all that its locale decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) locale: String,
    pub(super) case_level: bool,
    pub(super) case_first: &'static str,
    pub(super) strength: u8,
    pub(super) numeric_ordering: bool,
    pub(super) alternate: &'static str,
    pub(super) max_variable: &'static str,
    pub(super) normalization: bool,
    pub(super) backwards: bool,
}

/// What was given.
#[derive(Default)]
struct Given {
    options: CollatorOptions,
    case_first: Option<CollationCaseFirst>,
    numeric: Option<CollationNumericOrdering>,
    normalization: bool,
    backwards: Option<bool>,
}

/// Reads a document; `None` for `{ locale: 'simple' }`.
pub(super) fn parse<'a>(given: impl Node<'a>) -> Result<Option<(Options, CollatorBorrowed<'static>)>> {
    if !matches!(given.seen(), NodeKind::Object(())) {
        let message = format!("collation must be an object with a locale, not {}", given.seen().type_name());
        return Err(refuse("", message, codes::TYPE_MISMATCH));
    }
    let locale = match given.field("locale").map(Node::seen) {
        Some(NodeKind::String(locale)) => String::from_utf8_lossy(locale).into_owned(),
        Some(other) => {
            let message =
                format!("the field 'locale' of a collation must be a string, not {}", other.type_name());
            return Err(refuse("locale", message, codes::TYPE_MISMATCH));
        }
        None => {
            let message = "a collation needs the field 'locale', as in { locale: 'en' }";
            return Err(refuse("locale", message, codes::IDL_FAILED_TO_PARSE));
        }
    };
    let mut all = Given::default();
    let mut others = 0;
    for (name, value) in given.fields() {
        // The version of the data is listed with a collation, and may be given back.
        others += usize::from(!matches!(name, "locale" | "version"));
        all.take(name, value)?;
    }
    if locale == "simple" {
        if others > 0 {
            let message = "the locale 'simple' compares bytes and takes no other options; leave them out";
            return Err(refuse("locale", message, codes::BAD_VALUE));
        }
        return Ok(None);
    }
    let named = locales::find(&locale).map_err(|fault| unfit(&locale, &fault))?;
    all.finish(named).map(Some)
}

impl Given {
    fn take<'a>(&mut self, name: &str, value: impl Node<'a>) -> Result<()> {
        match name {
            "locale" | "version" => {}
            "strength" => self.options.strength = Some(strength(value)?),
            "caseLevel" => {
                let on = flag(name, value)?;
                self.options.case_level = Some(if on { CaseLevel::On } else { CaseLevel::Off });
            }
            "caseFirst" => {
                let choices = [
                    ("off", CollationCaseFirst::False),
                    ("upper", CollationCaseFirst::Upper),
                    ("lower", CollationCaseFirst::Lower),
                ];
                self.case_first = Some(choice(name, value, &choices)?);
            }
            "numericOrdering" => {
                let on = flag(name, value)?;
                self.numeric =
                    Some(if on { CollationNumericOrdering::True } else { CollationNumericOrdering::False });
            }
            "alternate" => {
                let choices = [
                    ("non-ignorable", AlternateHandling::NonIgnorable),
                    ("shifted", AlternateHandling::Shifted),
                ];
                self.options.alternate_handling = Some(choice(name, value, &choices)?);
            }
            "maxVariable" => {
                let choices = [("punct", MaxVariable::Punctuation), ("space", MaxVariable::Space)];
                self.options.max_variable = Some(choice(name, value, &choices)?);
            }
            // Text is always compared as if it were normalised.
            "normalization" => self.normalization = flag(name, value)?,
            "backwards" => self.backwards = Some(flag(name, value)?),
            _ => {
                let message = format!("a collation has no field '{name}'; check its spelling");
                return Err(refuse(name, message, codes::IDL_UNKNOWN_FIELD));
            }
        }
        Ok(())
    }

    fn finish(self, named: Named) -> Result<(Options, CollatorBorrowed<'static>)> {
        let backwards = named.name == BACKWARDS;
        if self.backwards.is_some_and(|wanted| wanted != backwards) {
            let message = format!(
                "backwards is true for the locale '{BACKWARDS}' and false for others, and cannot be changed; leave it out"
            );
            return Err(Error::new(Kind::NotSupported, message).with_details(at("backwards")));
        }
        let mut preferences = CollatorPreferences::from(&named.locale);
        preferences.case_first = self.case_first;
        preferences.numeric_ordering = self.numeric;
        let collator = CollatorBorrowed::try_new(preferences, self.options).map_err(|error| {
            let message = format!("the locale '{}' cannot be used: {error}", named.name);
            refuse("locale", message, codes::BAD_VALUE)
        })?;
        let resolved = collator.resolved_options();
        Ok((Options::of(named.name, &resolved, self.normalization, backwards), collator))
    }
}

impl Options {
    fn of(
        locale: String,
        resolved: &ResolvedCollatorOptions,
        normalization: bool,
        backwards: bool,
    ) -> Options {
        Options {
            locale,
            case_level: resolved.case_level == CaseLevel::On,
            case_first: match resolved.case_first {
                CollationCaseFirst::Upper => "upper",
                CollationCaseFirst::Lower => "lower",
                _ => "off",
            },
            strength: match resolved.strength {
                Strength::Primary => 1,
                Strength::Secondary => 2,
                Strength::Quaternary => 4,
                Strength::Identical => 5,
                _ => 3,
            },
            numeric_ordering: resolved.numeric == CollationNumericOrdering::True,
            alternate: match resolved.alternate_handling {
                AlternateHandling::Shifted => "shifted",
                _ => "non-ignorable",
            },
            max_variable: match resolved.max_variable {
                MaxVariable::Space => "space",
                _ => "punct",
            },
            normalization,
            backwards,
        }
    }

    /// The document with all fields, in MongoDB's order.
    pub(super) fn to_value(&self, version: &str) -> Value {
        let text = |text: &str| Value::String(text.to_owned());
        let fields = [
            ("locale", text(&self.locale)),
            ("caseLevel", Value::Bool(self.case_level)),
            ("caseFirst", text(self.case_first)),
            ("strength", Value::Int(i32::from(self.strength))),
            ("numericOrdering", Value::Bool(self.numeric_ordering)),
            ("alternate", text(self.alternate)),
            ("maxVariable", text(self.max_variable)),
            ("normalization", Value::Bool(self.normalization)),
            ("backwards", Value::Bool(self.backwards)),
            ("version", text(version)),
        ];
        Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }
}

fn strength<'a>(value: impl Node<'a>) -> Result<Strength> {
    let given = match value.seen() {
        NodeKind::Int(number) => Some(f64::from(number)),
        NodeKind::Long(number) => Some(number as f64),
        NodeKind::Double(number) => Some(number),
        _ => None,
    };
    let Some(number) = given else {
        let found = value.seen().type_name();
        let message = format!("the field 'strength' of a collation must be a number, not {found}");
        return Err(refuse("strength", message, codes::TYPE_MISMATCH));
    };
    let levels = [
        Strength::Primary,
        Strength::Secondary,
        Strength::Tertiary,
        Strength::Quaternary,
        Strength::Identical,
    ];
    let level =
        (1..=5).find(|level| f64::from(*level) == number).and_then(|level| levels.get(level as usize - 1));
    level.copied().ok_or_else(|| {
        let message = format!("the field 'strength' of a collation must be 1, 2, 3, 4 or 5, not {number}");
        refuse("strength", message, codes::BAD_VALUE)
    })
}

fn flag<'a>(name: &str, value: impl Node<'a>) -> Result<bool> {
    match value.seen() {
        NodeKind::Bool(on) => Ok(on),
        other => {
            let message =
                format!("the field '{name}' of a collation must be true or false, not {}", other.type_name());
            Err(refuse(name, message, codes::TYPE_MISMATCH))
        }
    }
}

fn choice<'a, T: Copy>(name: &str, value: impl Node<'a>, choices: &[(&str, T)]) -> Result<T> {
    let names = || choices.iter().map(|(name, _)| format!("'{name}'")).collect::<Vec<_>>().join(" or ");
    match value.seen() {
        NodeKind::String(text) => {
            let found = choices.iter().find(|(name, _)| name.as_bytes() == text).map(|(_, one)| *one);
            found.ok_or_else(|| {
                let message = format!("the field '{name}' of a collation must be {}", names());
                refuse(name, message, codes::BAD_VALUE)
            })
        }
        other => {
            let message =
                format!("the field '{name}' of a collation must be {}, not {}", names(), other.type_name());
            Err(refuse(name, message, codes::TYPE_MISMATCH))
        }
    }
}

fn unfit(locale: &str, fault: &Fault) -> Error {
    let shown: String = locale.chars().take(64).collect();
    match fault {
        Fault::NotSupported => {
            let message = format!(
                "the locale '{shown}' of a collation is not supported: the compiled data of Unicode has no such tailoring; use its language alone, or another"
            );
            Error::new(Kind::NotSupported, message).with_details(at("locale"))
        }
        Fault::Unknown => {
            let near =
                locales::near(locale).map(|near| format!("; did you mean '{near}'?")).unwrap_or_default();
            let message =
                format!("the field 'locale' is invalid in a collation: there is no locale '{shown}'{near}");
            refuse("locale", message, codes::BAD_VALUE)
        }
    }
}

fn at(field: &str) -> Details {
    let path = if field.is_empty() { "collation".to_owned() } else { format!("collation.{field}") };
    Details { path: Some(path), ..Details::default() }
}

fn refuse(field: &str, message: impl Into<String>, code: Code) -> Error {
    Error::new(Kind::BadQuery, message).with_details(at(field)).with_code(code)
}
