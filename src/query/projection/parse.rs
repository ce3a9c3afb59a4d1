//! The grammar of projections.

use super::projection::{Branch, Mode, Projection, Rule, Way};
use super::slice::Slice;
use crate::document::{MAX_DEPTH, Node, NodeKind, Path, RawValue};
use crate::error::{Error, Result, codes};
use crate::query::expression::{Constants, Expression, path_fault};
use crate::query::filter::Element;
use crate::query::number::as_double;
use crate::query::refusal::{bad_query, not_supported};

impl Projection {
    /// Parses a projection; `None` for one that names nothing.
    pub fn parse(projection: RawValue<'_>) -> Result<Option<Projection>> {
        Projection::parse_with(projection, &Constants::default())
    }

    /// [`Projection::parse`] for an operation: with its variables of the option `let`, and its work.
    pub fn parse_with(projection: RawValue<'_>, constants: &Constants) -> Result<Option<Projection>> {
        match projection.seen() {
            NodeKind::Object(()) => {}
            NodeKind::Null => return Ok(None),
            other => {
                let message = format!("a projection must be an object, not {}", other.type_name());
                return Err(bad_query("", message).with_code(codes::TYPE_MISMATCH));
            }
        }
        let mut parser = Parser { constants: constants.clone(), ..Parser::default() };
        parser.read(projection, &mut String::new())?;
        // Alone, $elemMatch includes its field only, and $slice includes the whole document.
        let mode = match (parser.mode, parser.first, parser.id) {
            (Some(mode), ..) => mode,
            (None, true, _) => Mode::Include,
            (None, false, Some(mode)) => mode,
            (None, false, None) if parser.fields.rules.is_empty() => return Ok(None),
            (None, false, None) => Mode::Exclude,
        };
        let Parser { id, fields, positional, computed, constants, .. } = parser;
        if mode == Mode::Exclude
            && let Some(path) = &positional
        {
            let message = format!("'{path}.$' cannot stand in a projection that excludes fields");
            return Err(bad_query(path, message).with_code(codes::PROJECTION_POSITIONAL_EXCLUDES));
        }
        Ok(Some(Projection {
            mode,
            id,
            fields,
            positional,
            computed,
            collation: constants.collation().clone(),
            work: constants.work().clone(),
        }))
    }
}

#[derive(Default)]
struct Parser {
    mode: Option<Mode>,
    id: Option<Mode>,
    fields: Branch,
    positional: Option<String>,
    /// Whether there is an `$elemMatch`.
    first: bool,
    computed: bool,
    constants: Constants,
}

impl Parser {
    /// `{ a: { b: 1 } }` means `{ 'a.b': 1 }`. Recursion is bounded by the depth of the input.
    fn read(&mut self, projection: RawValue<'_>, prefix: &mut String) -> Result<()> {
        for (key, value) in projection.fields() {
            self.constants.work().step(1 + prefix.len() / 64)?;
            let outer = prefix.len();
            if !prefix.is_empty() {
                prefix.push('.');
            }
            prefix.push_str(key);
            if let Some(path) = prefix.strip_suffix(".$") {
                let path = path.to_owned();
                self.add_positional(&path, value)?;
                prefix.truncate(outer);
                continue;
            }
            if key.contains(".$.") {
                let message = format!(
                    "'$' in '{prefix}' may only stand at the end, as in 'a.b.$'; leave out what follows it"
                );
                return Err(bad_query(prefix, message).with_code(codes::PROJECTION_DOLLAR_IN_PATH));
            }
            if key.split('.').any(|part| part.is_empty() || part.starts_with('$')) {
                let message = format!(
                    "'{prefix}' cannot be projected: parts of a path must not be empty or start with '$'"
                );
                return Err(bad_query(prefix, message).with_code(path_fault(prefix)));
            }
            match value.seen() {
                NodeKind::Object(()) => self.read_nested(value, prefix)?,
                seen => match mode_of(seen) {
                    Some(mode) => self.add_mode(prefix, mode)?,
                    None => self.add_computed(prefix, value)?,
                },
            }
            prefix.truncate(outer);
        }
        Ok(())
    }

    fn read_nested(&mut self, value: RawValue<'_>, prefix: &mut String) -> Result<()> {
        match value.fields().next() {
            None => {
                let message = format!("the projection of '{prefix}' must not be an empty object");
                Err(bad_query(prefix, message).with_code(codes::PROJECTION_EMPTY_OBJECT))
            }
            Some((operator, operand)) if operator.starts_with('$') => {
                if value.fields().nth(1).is_some() {
                    let message = format!("the projection of '{prefix}' takes one operator, but has more");
                    return Err(bad_query(prefix, message).with_code(codes::EXPRESSION_FIELDS));
                }
                self.read_operator(prefix, (operator, operand), value)
            }
            Some(_) => self.read(value, prefix),
        }
    }

    fn read_operator(
        &mut self,
        path: &str,
        (operator, operand): (&str, RawValue<'_>),
        whole: RawValue<'_>,
    ) -> Result<()> {
        let rule = match operator {
            "$slice" if is_slice(operand) => Rule::Slice(Slice::parse(path, operand)?),
            "$elemMatch" if path.contains('.') => {
                let message = format!("$elemMatch at '{path}' cannot be projected inside another field");
                return Err(bad_query(path, message).with_code(codes::PROJECTION_NESTED_ELEM_MATCH));
            }
            "$elemMatch" => {
                self.first = true;
                Rule::First(Box::new(Element::parse(path, operand, self.constants.terms())?))
            }
            "$meta" => {
                return Err(not_supported(
                    path,
                    format!("$meta at '{path}' is not supported in a projection"),
                ));
            }
            _ => return self.add_computed(path, whole),
        };
        if path == "_id" && self.id.is_some() {
            return Err(collision(path));
        }
        self.add(path, rule)
    }

    /// A value or an expression: the field is computed, and the others are excluded unless they are named.
    fn add_computed(&mut self, path: &str, value: RawValue<'_>) -> Result<()> {
        self.include_or_exclude(path, Mode::Include)?;
        if path == "_id" && self.id.is_some() {
            return Err(collision(path));
        }
        let expression = Expression::of_projection(path, value, &self.constants)?;
        self.computed = true;
        self.add(path, Rule::Computed(Box::new(expression)))
    }

    fn add_positional(&mut self, path: &str, value: RawValue<'_>) -> Result<()> {
        let text = format!("{path}.$");
        if mode_of(value.seen()) != Some(Mode::Include) {
            let message = format!("'{text}' can only be included: give it 1 or true");
            return Err(bad_query(&text, message).with_code(codes::PROJECTION_POSITIONAL_EXCLUDES));
        }
        if path.split('.').any(|part| part.is_empty() || part.starts_with('$')) {
            let message = format!("'{text}' cannot be projected: '$' stands at the end only, after a path");
            return Err(bad_query(&text, message).with_code(codes::PROJECTION_DOLLAR_IN_PATH));
        }
        if self.positional.is_some() {
            let message = "a projection has at most one positional path";
            return Err(bad_query(&text, message).with_code(codes::PROJECTION_TWO_POSITIONAL));
        }
        self.include_or_exclude(&text, Mode::Include)?;
        self.positional = Some(path.to_owned());
        self.add(path, Rule::Matched)
    }

    fn add_mode(&mut self, text: &str, mode: Mode) -> Result<()> {
        if text == "_id" {
            if self.id.is_some() || self.fields.find("_id").is_some() {
                return Err(collision(text));
            }
            self.id = Some(mode);
            return Ok(());
        }
        self.include_or_exclude(text, mode)?;
        self.add(text, Rule::Whole)
    }

    fn include_or_exclude(&mut self, text: &str, mode: Mode) -> Result<()> {
        if *self.mode.get_or_insert(mode) != mode {
            let (verb, other, code) = match mode {
                Mode::Include => ("include", "excludes", codes::PROJECTION_INCLUDES),
                Mode::Exclude => ("exclude", "includes", codes::PROJECTION_EXCLUDES),
            };
            let message =
                format!("cannot {verb} '{text}' in a projection that {other} fields; only _id may differ");
            return Err(bad_query(text, message).with_code(code));
        }
        Ok(())
    }

    fn add(&mut self, text: &str, rule: Rule) -> Result<()> {
        if text.starts_with("_id.") && self.id.is_some() {
            return Err(collision(text));
        }
        let path = Path::parse(text);
        if path.parts().len() > MAX_DEPTH {
            return Err(bad_query(text, format!("a projected path has at most {MAX_DEPTH} parts")));
        }
        let (positional, computed) = (matches!(rule, Rule::Matched), matches!(rule, Rule::Computed(_)));
        let mut rule = Some(rule);
        let mut at = &mut self.fields;
        let mut parts = path.parts().iter().peekable();
        while let Some(part) = parts.next() {
            let last = parts.peek().is_none();
            let found = match at.find(&part.name) {
                Some(_) if last => return Err(collision(text)),
                Some(found) => found,
                None => {
                    let own = if last { rule.take() } else { None };
                    at.push(&part.name, own.unwrap_or_else(|| Rule::Below(Way::default())));
                    at.rules.len() - 1
                }
            };
            if last {
                return Ok(());
            }
            match at.rules.get_mut(found) {
                Some((_, Rule::Below(way))) => {
                    way.positional |= positional;
                    way.computed |= computed;
                    at = &mut way.branch;
                }
                _ => return Err(collision(text)),
            }
        }
        Ok(())
    }
}

/// The mode of 0, 1, false and true; `None` for a value of another type.
fn mode_of(seen: NodeKind<'_>) -> Option<Mode> {
    let included = match seen {
        NodeKind::Bool(value) => value,
        NodeKind::Int(n) => n != 0,
        NodeKind::Long(n) => n != 0,
        NodeKind::Double(n) => n != 0.0,
        _ => return None,
    };
    Some(if included { Mode::Include } else { Mode::Exclude })
}

/// Whether this is the operand of the projection `$slice`; an array with other values than numbers belongs to the
/// expression `$slice`.
fn is_slice<'a>(operand: impl Node<'a>) -> bool {
    operand.items().count() < 2 || operand.items().all(|item| as_double(&item.tree()).is_some())
}

fn collision(path: &str) -> Error {
    let message = format!(
        "the projection says two things about '{path}'; name each path once, and not also a part of it"
    );
    bad_query(path, message).with_code(codes::PROJECTION_COLLISION_BELOW)
}
