//! Regular expressions: `$regex`, and RegExp objects of JavaScript, which arrive as `{ $regularExpression: { pattern,
//! options } }`.
//!
//! The crate `regex` runs in time linear in the text, so it has neither look-around nor back-references. `translate`
//! rewrites expressions for it.

use memchr::memmem::Finder;
use regex::bytes::{Regex, RegexBuilder};

use super::translate::{Flags, Groups, translate};
use crate::document::{Node, NodeKind, Value};
use crate::error::{Error, Result, codes};
use crate::query::refusal::bad_query;
use crate::work::Work;

/// Longest source, in bytes; MongoDB's limit.
const MAX_SOURCE: usize = 32_764;
/// Limits for a compiled program: the smallest that suffices is used. Each has the size of the caches of searches,
/// and the bytes that an expression counts against the memory of its query.
const SIZES: [Size; 4] = [
    Size { program: 8 << 10, cache: 96 << 10, counted: 48 << 10 },
    Size { program: 64 << 10, cache: 512 << 10, counted: 512 << 10 },
    Size { program: 512 << 10, cache: 2 << 20, counted: 3 << 20 },
    Size { program: 4 << 20, cache: 4 << 20, counted: 12 << 20 },
];
/// Bytes of a program that count as one step.
const BYTES_A_STEP: usize = 64;
/// Deepest nesting of groups.
const MAX_NESTING: u32 = 100;
/// The field of a RegExp object of JavaScript.
const WRAPPER: &str = "$regularExpression";

/// Limits on the memory of an expression.
struct Size {
    program: usize,
    cache: usize,
    counted: usize,
}

/// A compiled expression.
#[derive(Clone, Debug)]
pub(in crate::query) struct Pattern {
    search: Search,
    /// The prefix of every text that it matches, if it has one.
    prefix: Option<Box<str>>,
}

/// How a pattern is found in a text. Many expressions are plain text, which needs neither a program nor its cache.
#[derive(Clone, Debug)]
enum Search {
    Expression(Regex),
    Text(Box<Finder<'static>>),
    Prefix(Box<str>),
}

/// Source and options as written.
#[derive(Clone, Copy)]
pub(in crate::query) struct Source<'a> {
    pub(in crate::query) pattern: &'a str,
    pub(in crate::query) options: &'a str,
}

impl<'a> Source<'a> {
    /// The expression that this value is; `None` for any other value.
    pub(in crate::query) fn of(value: impl Node<'a>) -> Option<Source<'a>> {
        let mut fields = value.fields();
        let (Some((WRAPPER, inner)), None) = (fields.next(), fields.next()) else { return None };
        let text = |key| match inner.field(key).map(Node::seen) {
            Some(NodeKind::String(bytes)) => std::str::from_utf8(bytes).ok(),
            _ => None,
        };
        Some(Source { pattern: text("pattern")?, options: text("options")? })
    }

    /// Compiles it; errors name this path.
    pub(in crate::query) fn compile(self, path: &str, work: &Work) -> Result<Pattern> {
        let (text, flags) = self.translated(path, Groups::Plain)?;
        if flags.ignore_case {
            let search = Search::Expression(self.built(&text, true, path, Groups::Plain, work)?);
            return Ok(Pattern { search, prefix: None });
        }
        let prefix = beginning(&text);
        let search = match Search::of_literal(&text) {
            Some(search) => {
                work.step(1 + text.len())?;
                work.hold("a regular expression", size_of::<Finder<'_>>() + text.len())?;
                search
            }
            None => Search::Expression(self.built(&text, false, path, Groups::Plain, work)?),
        };
        Ok(Pattern { search, prefix })
    }

    /// Compiles it with capturing groups.
    pub(in crate::query) fn compile_capturing(self, path: &str, work: &Work) -> Result<CapturingPattern> {
        let (text, flags) = self.translated(path, Groups::Capturing)?;
        self.built(&text, flags.ignore_case, path, Groups::Capturing, work).map(CapturingPattern)
    }

    /// The expression as the crate reads it.
    fn translated(self, path: &str, groups: Groups) -> Result<(String, Flags)> {
        if self.pattern.len() > MAX_SOURCE {
            return Err(refused(
                path,
                groups,
                &format!("is longer than {MAX_SOURCE} bytes; use a shorter one"),
            ));
        }
        let flags = Flags::parse(self.options)
            .map_err(|why| refused(path, groups, &why).with_code(codes::REGEX_FLAG))?;
        let text = translate(self.pattern, flags, groups).map_err(|why| refused(path, groups, &why))?;
        Ok((text, flags))
    }

    fn built(self, text: &str, ignore_case: bool, path: &str, groups: Groups, work: &Work) -> Result<Regex> {
        build(text, ignore_case, work)?.map_err(|error| refused(path, groups, &reason(&error)))
    }
}

fn refused(path: &str, groups: Groups, why: &str) -> Error {
    bad_query(path, format!("the regular expression at '{path}' {why}")).with_code(match groups {
        Groups::Capturing => codes::REGEX_EXPRESSION_INVALID,
        Groups::Plain => codes::REGEX_INVALID,
    })
}

impl Search {
    /// The search for a text that matches itself only, or for one at the beginning.
    fn of_literal(text: &str) -> Option<Search> {
        let anchored = text.strip_prefix(r"\A");
        let (literal, rest) = literal_run(anchored.unwrap_or(text));
        if !rest.is_empty() {
            return None;
        }
        Some(match anchored {
            Some(_) => Search::Prefix(literal.into()),
            None => Search::Text(Box::new(Finder::new(literal.as_bytes()).into_owned())),
        })
    }
}

impl Pattern {
    /// The expression that finds this text, ignoring case.
    pub(in crate::query) fn containing(text: &str, path: &str, work: &Work) -> Result<Pattern> {
        let refuse =
            |error| -> Error { bad_query(path, format!("$contains at '{path}' {}", reason(&error))) };
        let regex = build(&regex::escape(text), true, work)?.map_err(refuse)?;
        Ok(Pattern { search: Search::Expression(regex), prefix: None })
    }

    /// The prefix of every text that it matches, if that is known.
    pub(in crate::query) fn prefix(&self) -> Option<&str> {
        self.prefix.as_deref()
    }

    #[inline]
    pub(in crate::query) fn is_in(&self, text: &[u8]) -> bool {
        match &self.search {
            Search::Expression(regex) => regex.is_match(text),
            Search::Text(finder) => finder.find(text).is_some(),
            Search::Prefix(prefix) => text.starts_with(prefix.as_bytes()),
        }
    }
}

/// The literal characters at the start of an anchored expression.
fn beginning(text: &str) -> Option<Box<str>> {
    let rest = text.strip_prefix(r"\A")?;
    // Alternatives may begin with other characters. An escaped bar is treated like one.
    if rest.contains('|') {
        return None;
    }
    let (found, _) = literal_run(rest);
    (!found.is_empty()).then(|| found.into())
}

/// The characters up to the first one that does not stand for itself alone, and the rest of the expression.
fn literal_run(text: &str) -> (String, &str) {
    let (mut found, mut rest) = (String::new(), text);
    while let Some(first) = rest.chars().next() {
        let (character, after) = match first {
            '\\' => match rest.chars().nth(1) {
                Some(escaped) if escaped.is_ascii_punctuation() => {
                    (escaped, rest.get(2..).unwrap_or_default())
                }
                _ => break,
            },
            '.' | '[' | '(' | ')' | '*' | '+' | '?' | '{' | '^' | '$' | '|' => break,
            other => (other, rest.get(other.len_utf8()..).unwrap_or_default()),
        };
        // A quantifier that allows zero removes the character.
        if after.starts_with(['*', '?', '{']) {
            break;
        }
        found.push(character);
        rest = after;
    }
    (found, rest)
}

/// Compiles with as little memory as suffices. The counted memory is released at the end of the query.
fn build(text: &str, ignore_case: bool, work: &Work) -> Result<Result<Regex, regex::Error>> {
    let mut built = Err(regex::Error::CompiledTooBig(0));
    for Size { program, cache, counted } in SIZES {
        work.room("a regular expression", counted)?;
        built = RegexBuilder::new(text)
            .case_insensitive(ignore_case)
            .size_limit(program)
            .dfa_size_limit(cache)
            .nest_limit(MAX_NESTING)
            .build();
        let too_big = matches!(built, Err(regex::Error::CompiledTooBig(_)));
        work.step(1 + if too_big { program / BYTES_A_STEP } else { text.len() })?;
        if !too_big {
            work.hold("a regular expression", counted)?;
            break;
        }
    }
    Ok(built)
}

fn reason(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "needs too much memory; use smaller counts in braces".to_owned(),
        other => {
            // The crate shows the place in its own text; the last line says what is wrong.
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            format!("is not well formed: {last}")
        }
    }
}

/// A compiled expression with captures.
#[derive(Clone, Debug)]
pub(in crate::query) struct CapturingPattern(Regex);

/// A match.
pub(in crate::query) struct Found<'t> {
    /// Offsets in bytes.
    pub(in crate::query) start: usize,
    pub(in crate::query) end: usize,
    text: &'t str,
    captures: Vec<Option<&'t str>>,
}

impl CapturingPattern {
    /// The first match from this offset on.
    pub(in crate::query) fn find<'t>(&self, text: &'t str, from: usize) -> Option<Found<'t>> {
        if from > text.len() {
            return None;
        }
        let captures = self.0.captures_at(text.as_bytes(), from)?;
        let whole = captures.get(0)?;
        let part = |found: regex::bytes::Match<'_>| text.get(found.range());
        Some(Found {
            start: whole.start(),
            end: whole.end(),
            text,
            captures: captures.iter().skip(1).map(|group| group.and_then(part)).collect(),
        })
    }
}

impl Found<'_> {
    /// About how many bytes its document takes.
    pub(in crate::query) fn size(&self) -> usize {
        let groups = self.captures.iter().map(|group| 32 + group.map_or(0, str::len));
        160 + (self.end - self.start) + groups.sum::<usize>()
    }

    /// `{ match, idx, captures }`; `points` is the number of code points before it, if it is known.
    pub(in crate::query) fn document(&self, points: Option<usize>) -> Value {
        let text = |text: &str| Value::String(text.to_owned());
        let idx = points.unwrap_or_else(|| self.text.get(..self.start).unwrap_or_default().chars().count());
        let captures = self.captures.iter().map(|group| group.map_or(Value::Null, text)).collect();
        Value::Object(vec![
            ("match".to_owned(), text(self.text.get(self.start..self.end).unwrap_or_default())),
            ("idx".to_owned(), Value::number(idx as f64)),
            ("captures".to_owned(), Value::Array(captures)),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compiled(pattern: &str, options: &str) -> Result<Pattern> {
        Source { pattern, options }.compile("a", &Work::default())
    }

    #[track_caller]
    fn finds(pattern: &str, options: &str, texts: &[&str], others: &[&str]) {
        let compiled = compiled(pattern, options).unwrap_or_else(|error| panic!("{error}"));
        texts.iter().for_each(|text| assert!(compiled.is_in(text.as_bytes()), "/{pattern}/ in {text:?}"));
        others
            .iter()
            .for_each(|text| assert!(!compiled.is_in(text.as_bytes()), "/{pattern}/ not in {text:?}"));
    }

    #[track_caller]
    fn refused(pattern: &str, options: &str, words: &str) {
        let error = compiled(pattern, options).expect_err(pattern);
        assert_eq!(error.details().path.as_deref(), Some("a"));
        assert!(error.message().contains(words), "{error}");
    }

    #[test]
    fn flags_are_javascripts_and_x_is_mongodbs() {
        finds("^ab", "", &["abc"], &["ABC", "x\nabc"]);
        finds("^ab", "i", &["ABC", "abc"], &["cab"]);
        finds("^ab", "m", &["x\nabc"], &["cab"]);
        finds("a.c", "", &["abc", "a\u{1f600}c"], &["a\nc", "a\rc"]);
        finds("a.c", "s", &["a\nc"], &["ac"]);
        finds("a b # a comment\n c", "x", &["abc"], &["a b"]);
        finds("a[ ]b", "x", &["a b"], &["ab"]);
        finds("a", "gydu", &["a"], &["b"]);
        refused("a", "q", "unknown option 'q'");
        refused("a", "v", "flag 'v'");
    }

    #[test]
    fn the_end_is_the_very_end() {
        finds("a$", "", &["a", "ba"], &["a\n", "a\nb"]);
        finds("a$", "m", &["a\nb"], &["ab"]);
        finds(r"a\Z", "", &["a", "a\n"], &["ab"]);
        finds(r"\Aa\z", "m", &["a"], &["a\n", "b\na"]);
    }

    #[test]
    fn lines_end_and_cases_fold_as_in_pcre() {
        finds("^b", "m", &["a\nb", "a\r\nb"], &["a\rb", "a\u{2028}b"]);
        finds("^a$", "m", &["a\nb"], &["a\r\nb", "a\rb", "a\u{2029}b"]);
        finds("^[sk]$", "i", &["S", "\u{17f}", "\u{212a}"], &["t"]);
        finds(r"^[\w]$", "i", &["s", "\u{17f}", "\u{212a}"], &["\u{e9}"]);
        finds(r"^[^\w]$", "i", &["\u{e9}"], &["s", "\u{17f}", "\u{212a}"]);
    }

    #[test]
    fn classes_of_characters_are_ascii_but_space() {
        finds(r"^\d$", "", &["7"], &["\u{663}", "a"]);
        finds(r"^\w$", "i", &["_", "K"], &["\u{e9}", "\u{17f}", "\u{212a}"]);
        finds(r"^\W$", "", &["\u{e9}", "-"], &["a"]);
        finds(r"^\s$", "", &["\u{a0}", "\u{feff}", "\n", " "], &["\u{85}", "a"]);
        finds(r"^\S\D$", "", &["ab"], &[" b", "a1"]);
        finds(r"\bcat\b", "", &["a cat.", "\u{e9}cat"], &["cats"]);
        finds(r"^[\d\-x]+$", "", &["1-x"], &["y"]);
        finds(r"^[^\w]$", "", &["\u{e9}"], &["a"]);
        finds(r"^\p{Lu}\P{Lu}$", "u", &["\u{c9}a"], &["aa"]);
        finds(r"\p{Script=Greek}", "u", &["\u{3b1}"], &["a"]);
    }

    #[test]
    fn brackets_hold_what_javascript_reads_in_them() {
        finds(r"^[[a&&b~~]+$", "", &["[", "&", "a", "~~"], &["d"]);
        finds("[]", "", &[], &["", "a"]);
        finds("^[^]$", "", &["a", "\n"], &[""]);
        finds(r"^[a\]]$", "", &["]", "a"], &["b"]);
        finds(r"^[a-\d]$", "", &["a", "-", "5"], &["b"]);
        finds(r"^[-a]$|^[b-]$", "", &["-", "a", "b"], &["c"]);
        finds(r"^[\b]$", "", &["\x08"], &["b"]);
        finds("^[[:alpha:]]$", "", &["a"], &["1", ":"]);
        finds(r"^[\u0061-\u0063]$", "", &["b"], &["d"]);
        refused("[b-a]", "", "out of order");
        refused("[a", "", "not closed");
    }

    #[test]
    fn escapes_are_characters() {
        finds(r"^\/\-\.\u0061\u{62}\x63\t\cJ\0$", "", &["/-.abc\t\n\0"], &["/"]);
        finds(r"^\ud83d\ude00$", "", &["\u{1f600}"], &["\u{1f601}"]);
        finds("^a{,2}{x}]}$", "", &["a{,2}{x}]}"], &["aa"]);
        finds("^a{2}b{1,2}c{1,}?$", "", &["aabbccc"], &["abc"]);
        refused(r"\ud83d", "", "surrogate");
        refused(r"\q", "", "does not exist");
        refused("\\", "", "backslash");
    }

    #[test]
    fn groups_capture_nothing_and_switch_flags() {
        finds(r"^(?<year>\d{4})-(?<$m_1>\d\d)(?:x|(y))$", "", &["2024-05x", "2024-05y"], &["2024-05"]);
        finds("^(?i)ab(?-i)c$", "", &["ABc", "abc"], &["ABC"]);
        finds("^(?i:ab)c$", "", &["ABc"], &["ABC"]);
        finds("^(a(?i)b)c$", "", &["aBc"], &["aBC", "ABc"]);
        finds("^(?s:.).$", "", &["\na"], &["\n\n"]);
        finds("a(?#why)b", "", &["ab"], &["a"]);
        refused("(a", "", "not closed");
        refused("a)", "", "not opened");
    }

    #[test]
    fn plain_text_is_found_without_a_program() {
        for (pattern, options, text, other) in [
            ("9@ex", "", "u9@example.org", "u8@example.org"),
            (r"a\.b\|c", "", "xa.b|c", "a.bc"),
            ("a b", "x", "xaby", "a b"),
            ("", "", "", "\u{0}never"),
            ("\u{e9}t", "", "\u{e9}t\u{e9}", "et"),
            ("^ab", "", "abc", "cab"),
            (r"\Aab", "m", "abc", "c\nab"),
        ] {
            let compiled = compiled(pattern, options).unwrap();
            assert!(!matches!(compiled.search, Search::Expression(_)), "/{pattern}/{options}");
            assert!(compiled.is_in(text.as_bytes()), "/{pattern}/{options}");
            assert!(pattern.is_empty() || !compiled.is_in(other.as_bytes()), "/{pattern}/{options}");
        }
        for (pattern, options) in
            [("ab", "i"), ("^ab", "m"), ("ab+", ""), ("a|b", ""), ("ab?", ""), ("a{2}", ""), (r"\d", "")]
        {
            assert!(
                matches!(compiled(pattern, options).unwrap().search, Search::Expression(_)),
                "/{pattern}/"
            );
        }
        assert_eq!(compiled("^ab+c", "").unwrap().prefix(), Some("ab"));
    }

    #[test]
    fn what_needs_more_than_linear_time_is_refused() {
        for pattern in ["a(?=b)", "a(?!b)", "(?<=a)b", "(?<!a)b"] {
            refused(pattern, "", "look-around");
        }
        for pattern in [r"(a)\1", r"(?<n>a)\k<n>", r"(?P<n>a)(?P=n)"] {
            refused(pattern, "", "back-reference");
        }
        refused("(?>a)", "", "atomic");
        refused("a++", "", "possessive");
        refused("*", "", "not well formed");
        refused("(?:a{1000}){1000}", "", "memory");
        refused(&format!("{}a{}", "(".repeat(200), ")".repeat(200)), "", "nest");
        refused(&"a".repeat(MAX_SOURCE + 1), "", "longer than 32764");
        let hard = compiled("(a+)+$", "").unwrap();
        assert!(!hard.is_in(format!("{}b", "a".repeat(100_000)).as_bytes()));
    }
}
