//! Regular expressions: `$regex`, and the expressions of JavaScript, which cross as
//! `{ $regularExpression: { pattern, options } }`.
//!
//! The engine runs in time linear in the text, so it has neither look-around nor back-references. What it is given
//! is written anew by [`translate`], because the same text means other things in JavaScript than to the engine:
//! `\d`, `\w` and `\b` are ASCII, `$` is the very end, `[` stands in a class, `\u0061` is a character.

use std::fmt::Write as _;

use regex::bytes::{Regex, RegexBuilder};

use super::refusal::bad_query;
use crate::document::{Node, Seen};
use crate::error::{Error, Result};

/// Longest source, in bytes; MongoDB's limit.
const MAX_SOURCE: usize = 32_764;
/// Largest compiled program, in bytes.
const MAX_PROGRAM: usize = 4 << 20;
/// Deepest nesting of groups.
const MAX_NESTING: u32 = 100;
/// The field that an expression of JavaScript crosses in.
const WRAPPER: &str = "$regularExpression";

/// A compiled expression, and what every text begins with in which it is found.
#[derive(Clone, Debug)]
pub(super) struct Pattern(Regex, Option<Box<str>>);

/// Source and options as they were given.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) pattern: &'a str,
    pub(super) options: &'a str,
}

/// What the options and `(?...)` switch.
#[derive(Clone, Copy, Default)]
struct Flags {
    ignore_case: bool,
    lines: bool,
    dot_all: bool,
    extended: bool,
}

impl<'a> Source<'a> {
    /// The expression that this value is; `None` for any other value.
    pub(super) fn of(value: impl Node<'a>) -> Option<Source<'a>> {
        let mut fields = value.fields();
        let (Some((WRAPPER, inner)), None) = (fields.next(), fields.next()) else { return None };
        let text = |key| match inner.field(key).map(Node::seen) {
            Some(Seen::String(bytes)) => std::str::from_utf8(bytes).ok(),
            _ => None,
        };
        Some(Source { pattern: text("pattern")?, options: text("options")? })
    }

    /// Compiles it; refusals name this path.
    pub(super) fn compile(self, path: &str) -> Result<Pattern> {
        let refuse = |why: &str| bad_query(path, format!("the regular expression at '{path}' {why}"));
        if self.pattern.len() > MAX_SOURCE {
            return Err(refuse(&format!("is longer than {MAX_SOURCE} bytes; use a shorter one")));
        }
        let flags = Flags::parse(self.options).map_err(|why| refuse(&why))?;
        let text = translate(self.pattern, flags).map_err(|why| refuse(&why))?;
        let beginning = if flags.ignore_case { None } else { beginning(&text) };
        build(&text, flags.ignore_case)
            .map(|regex| Pattern(regex, beginning))
            .map_err(|error| refuse(&reason(&error)))
    }
}

impl Pattern {
    /// The expression that finds this text, whatever its case.
    pub(super) fn containing(text: &str, path: &str) -> Result<Pattern> {
        let refuse =
            |error| -> Error { bad_query(path, format!("$contains at '{path}' {}", reason(&error))) };
        build(&regex::escape(text), true).map(|regex| Pattern(regex, None)).map_err(refuse)
    }

    /// What every text begins with in which it is found, where that is known.
    pub(super) fn prefix(&self) -> Option<&str> {
        self.1.as_deref()
    }

    #[inline]
    pub(super) fn is_in(&self, text: &[u8]) -> bool {
        self.0.is_match(text)
    }
}

/// The characters that the engine's text asks for at the very start.
fn beginning(text: &str) -> Option<Box<str>> {
    let mut rest = text.strip_prefix(r"\A")?;
    // Alternatives may begin with other characters; that one may be escaped is not worth a look.
    if rest.contains('|') {
        return None;
    }
    let mut found = String::new();
    while let Some(first) = rest.chars().next() {
        let (character, after) = match first {
            '\\' => match rest.chars().nth(1) {
                Some(escaped) if escaped.is_ascii_punctuation() => (escaped, rest.get(2..)?),
                _ => break,
            },
            '.' | '[' | '(' | ')' | '*' | '+' | '?' | '{' | '^' | '$' => break,
            other => (other, rest.get(other.len_utf8()..)?),
        };
        // A count that may be zero takes the character back.
        if after.starts_with(['*', '?', '{']) {
            break;
        }
        found.push(character);
        rest = after;
    }
    (!found.is_empty()).then(|| found.into())
}

fn build(text: &str, ignore_case: bool) -> Result<Regex, regex::Error> {
    RegexBuilder::new(text)
        .case_insensitive(ignore_case)
        .size_limit(MAX_PROGRAM)
        .dfa_size_limit(MAX_PROGRAM)
        .nest_limit(MAX_NESTING)
        .build()
}

fn reason(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "needs too much memory; use smaller counts in braces".to_owned(),
        other => {
            // The engine draws the place in its own text; the last line says what is wrong.
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            format!("is not well formed: {last}")
        }
    }
}

impl Flags {
    fn parse(options: &str) -> Result<Flags, String> {
        let mut flags = Flags::default();
        for option in options.chars() {
            match option {
                'i' => flags.ignore_case = true,
                'm' => flags.lines = true,
                's' => flags.dot_all = true,
                'x' => flags.extended = true,
                // Text is Unicode always; g, y and d say how JavaScript iterates over matches.
                'u' | 'g' | 'y' | 'd' => {}
                'v' => return Err("has the flag 'v'; use 'u', and no set operations in classes".to_owned()),
                other => return Err(format!("has the unknown option '{other}'; there are i, m, s, x and u")),
            }
        }
        Ok(flags)
    }
}

/// The engine's text for an expression of JavaScript (and of PCRE, as far as MongoDB's manual uses it).
fn translate(source: &str, flags: Flags) -> Result<String, String> {
    let mut translator =
        Translator { rest: source, out: String::with_capacity(source.len() + 16), flags, outer: Vec::new() };
    while let Some(next) = translator.next() {
        translator.token(next)?;
    }
    if translator.outer.is_empty() {
        Ok(translator.out)
    } else {
        Err("is not well formed: a group is not closed".to_owned())
    }
}

struct Translator<'a> {
    rest: &'a str,
    out: String,
    flags: Flags,
    /// The flags outside of each open group.
    outer: Vec<Flags>,
}

const DIGIT: &str = "0-9";
const WORD: &str = "0-9A-Za-z_";
const SPACE: &str = r"\t-\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}";

impl<'a> Translator<'a> {
    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }

    fn skip(&mut self, start: &str) -> bool {
        match self.rest.strip_prefix(start) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn token(&mut self, next: char) -> Result<(), String> {
        match next {
            '\\' => self.escape()?,
            '[' => self.class()?,
            '(' => self.open()?,
            ')' => match self.outer.pop() {
                Some(flags) => {
                    self.flags = flags;
                    self.out.push(')');
                }
                None => return Err("is not well formed: a group is closed that was not opened".to_owned()),
            },
            '.' if self.flags.dot_all => self.out.push_str("(?s:.)"),
            '.' => self.out.push_str(r"[^\n\r\x{2028}\x{2029}]"),
            '^' => self.out.push_str(if self.flags.lines { "(?m:^)" } else { r"\A" }),
            '$' => self.out.push_str(if self.flags.lines { "(?m:$)" } else { r"\z" }),
            '*' | '+' | '?' => {
                self.out.push(next);
                self.greed()?;
            }
            '{' => self.braces()?,
            '|' => self.out.push('|'),
            '#' if self.flags.extended => {
                self.rest = self.rest.split_once('\n').map_or("", |(_, rest)| rest);
            }
            space if self.flags.extended && space.is_whitespace() => {}
            other => self.literal(other),
        }
        Ok(())
    }

    fn literal(&mut self, character: char) {
        self.out.push_str(&regex::escape(character.encode_utf8(&mut [0; 4])));
    }

    /// After a quantifier.
    fn greed(&mut self) -> Result<(), String> {
        if self.skip("?") {
            self.out.push('?');
        }
        if self.rest.starts_with('+') {
            return Err("has a possessive quantifier, which cannot be evaluated in linear time".to_owned());
        }
        Ok(())
    }

    /// A brace counts when a whole count follows, else it is itself.
    fn braces(&mut self) -> Result<(), String> {
        let count = self.rest.split_once('}').filter(|(count, _)| {
            let (least, most) = count.split_once(',').unwrap_or((count, ""));
            let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            !least.is_empty() && digits(least) && digits(most)
        });
        let Some((count, rest)) = count else {
            self.out.push_str(r"\{");
            return Ok(());
        };
        self.rest = rest;
        self.out.push('{');
        self.out.push_str(count);
        self.out.push('}');
        self.greed()
    }

    fn open(&mut self) -> Result<(), String> {
        const AROUND: &str = "has look-around, which cannot be evaluated in linear time; write it without, or filter the results";
        let flags = self.flags;
        if !self.skip("?") {
            // Nothing reads what a group captured.
            self.out.push_str("(?:");
        } else if self.skip("=") || self.skip("!") || self.skip("<=") || self.skip("<!") {
            return Err(AROUND.to_owned());
        } else if self.skip(">") {
            return Err("has an atomic group, which cannot be evaluated in linear time".to_owned());
        } else if self.skip("#") {
            self.rest = self.rest.split_once(')').map_or("", |(_, rest)| rest);
            return Ok(());
        } else if self.skip("<") || self.skip("P<") {
            let name = self.rest.split_once('>').filter(|(name, _)| is_name(name));
            let Some((_, rest)) = name else {
                return Err("is not well formed: a group's name is not".to_owned());
            };
            self.rest = rest;
            self.out.push_str("(?:");
        } else if self.rest.starts_with("P=") || self.rest.starts_with("P>") {
            return Err(BACK.to_owned());
        } else {
            return self.switches(flags);
        }
        self.outer.push(flags);
        Ok(())
    }

    /// `(?i)`, `(?i:...)`, `(?:...)`, `(?-i)`: the rest of the group, or this one.
    fn switches(&mut self, outside: Flags) -> Result<(), String> {
        let mut on = true;
        loop {
            match self.next() {
                Some('-') => on = false,
                Some('i') => self.flags.ignore_case = on,
                Some('m') => self.flags.lines = on,
                Some('s') => self.flags.dot_all = on,
                Some('x') => self.flags.extended = on,
                Some(end @ (':' | ')')) => {
                    let case = if self.flags.ignore_case { "(?i" } else { "(?-i" };
                    self.out.push_str(case);
                    self.out.push(end);
                    if end == ':' {
                        self.outer.push(outside);
                    }
                    return Ok(());
                }
                _ => return Err("is not well formed: '(?' begins a group that does not exist".to_owned()),
            }
        }
    }

    fn escape(&mut self) -> Result<(), String> {
        let Some(next) = self.next() else { return Err(TRAILING.to_owned()) };
        match next {
            // Without case folding, which would add a long s and a Kelvin sign to the letters.
            'd' => self.out.push_str("(?-i:[0-9])"),
            'D' => self.out.push_str("(?-i:[^0-9])"),
            'w' => write_to(&mut self.out, format_args!("(?-i:[{WORD}])")),
            'W' => write_to(&mut self.out, format_args!("(?-i:[^{WORD}])")),
            's' => write_to(&mut self.out, format_args!("[{SPACE}]")),
            'S' => write_to(&mut self.out, format_args!("[^{SPACE}]")),
            'b' => self.out.push_str(r"(?-u:\b)"),
            'B' => self.out.push_str(r"(?-u:\B)"),
            'A' => self.out.push_str(r"\A"),
            'z' => self.out.push_str(r"\z"),
            'Z' => self.out.push_str(r"\n?\z"),
            'p' | 'P' => self.property(next)?,
            _ => {
                let character = self.character(next)?;
                self.literal(character);
            }
        }
        Ok(())
    }

    /// `\p{Lu}`, as the engine has it.
    fn property(&mut self, kind: char) -> Result<(), String> {
        let name = self.rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).filter(|(name, _)| {
            name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'=')
        });
        let Some((name, rest)) = name else {
            return Err(r"is not well formed: \p needs a name in braces, as in \p{Lu}".to_owned());
        };
        self.rest = rest;
        write_to(&mut self.out, format_args!(r"\{kind}{{{name}}}"));
        Ok(())
    }

    /// The one character that an escape stands for.
    fn character(&mut self, escaped: char) -> Result<char, String> {
        Ok(match escaped {
            't' => '\t',
            'n' => '\n',
            'r' => '\r',
            'v' => '\x0b',
            'f' => '\x0c',
            'e' => '\x1b',
            '0' if !self.rest.starts_with(|next: char| next.is_ascii_digit()) => '\0',
            '0'..='9' | 'k' | 'g' => return Err(BACK.to_owned()),
            'c' => match self.next() {
                Some(letter) if letter.is_ascii_alphabetic() => char::from(letter as u8 & 0x1f),
                _ => return Err(r"is not well formed: \c needs a letter".to_owned()),
            },
            'x' => match self.braced().or_else(|| self.hex(2)) {
                Some(code) => scalar(code)?,
                None => return Err(r"is not well formed: \x needs two hexadecimal digits".to_owned()),
            },
            'u' => self.unicode()?,
            letter if letter.is_ascii_alphanumeric() => {
                return Err(format!(
                    r"has the escape '\{letter}', which does not exist; leave the backslash out"
                ));
            }
            other => other,
        })
    }

    /// `\u0061`, `\u{61}`, or two halves of a surrogate pair.
    fn unicode(&mut self) -> Result<char, String> {
        let Some(code) = self.braced().or_else(|| self.hex(4)) else {
            return Err(r"is not well formed: \u needs four hexadecimal digits, or some in braces".to_owned());
        };
        if (0xd800..0xdc00).contains(&code) {
            let before = self.rest;
            if self.skip(r"\u")
                && let Some(low @ 0xdc00..=0xdfff) = self.hex(4)
            {
                return scalar(0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00));
            }
            self.rest = before;
        }
        scalar(code)
    }

    fn hex(&mut self, digits: usize) -> Option<u32> {
        let text = self.rest.get(..digits)?;
        if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.rest = self.rest.get(digits..).unwrap_or_default();
        u32::from_str_radix(text, 16).ok()
    }

    fn braced(&mut self) -> Option<u32> {
        let (text, rest) = self.rest.strip_prefix('{')?.split_once('}')?;
        if text.is_empty() || text.len() > 6 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.rest = rest;
        u32::from_str_radix(text, 16).ok()
    }

    /// A class is written item by item, so that nothing in it has a meaning of the engine's own.
    fn class(&mut self) -> Result<(), String> {
        let open = if self.skip("^") { "[^" } else { "[" };
        self.out.push_str(open);
        let mut empty = true;
        loop {
            let Some(next) = self.next() else {
                return Err("is not well formed: a class is not closed".to_owned());
            };
            if next == ']' {
                break;
            }
            empty = false;
            let Some(low) = self.member(next)? else { continue };
            let ranged = self.rest.starts_with('-') && !self.rest.starts_with("-]");
            if !ranged {
                write_to(&mut self.out, format_args!(r"\x{{{:x}}}", u32::from(low)));
                continue;
            }
            self.skip("-");
            let next = self.next().unwrap_or(']');
            let before = self.out.len();
            match self.member(next)? {
                Some(high) if low <= high => {
                    write_to(
                        &mut self.out,
                        format_args!(r"\x{{{:x}}}-\x{{{:x}}}", u32::from(low), u32::from(high)),
                    );
                }
                Some(_) => return Err("is not well formed: a range in a class is out of order".to_owned()),
                // `[a-\d]`: three members.
                None => {
                    let text = format!(r"\x{{{:x}}}\-", u32::from(low));
                    self.out.insert_str(before, &text);
                }
            }
        }
        // An empty class holds nothing; negated, everything.
        self.out.push_str(if empty { "a&&b]" } else { "]" });
        Ok(())
    }

    /// A character in a class, or `None` when a whole set was written.
    fn member(&mut self, next: char) -> Result<Option<char>, String> {
        if next == '['
            && let Some((name, rest)) = self.rest.strip_prefix(':').and_then(|rest| rest.split_once(":]"))
            && !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_lowercase())
        {
            self.rest = rest;
            write_to(&mut self.out, format_args!("[:{name}:]"));
            return Ok(None);
        }
        if next != '\\' {
            return Ok(Some(next));
        }
        let Some(escaped) = self.next() else { return Err(TRAILING.to_owned()) };
        match escaped {
            'd' => self.out.push_str(DIGIT),
            'w' => self.out.push_str(WORD),
            's' => self.out.push_str(SPACE),
            'D' => write_to(&mut self.out, format_args!("[^{DIGIT}]")),
            'W' => write_to(&mut self.out, format_args!("[^{WORD}]")),
            'S' => write_to(&mut self.out, format_args!("[^{SPACE}]")),
            'p' | 'P' => self.property(escaped)?,
            'b' => return Ok(Some('\x08')),
            '-' => return Ok(Some('-')),
            _ => return self.character(escaped).map(Some),
        }
        Ok(None)
    }
}

const BACK: &str = "has a back-reference, which cannot be evaluated in linear time; write it without";
const TRAILING: &str = "is not well formed: it ends with a backslash";

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|part| part.is_alphanumeric() || part == '_' || part == '$')
}

fn scalar(code: u32) -> Result<char, String> {
    char::from_u32(code).ok_or_else(|| "names half of a surrogate pair, which no string holds".to_owned())
}

fn write_to(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compiled(pattern: &str, options: &str) -> Result<Pattern> {
        Source { pattern, options }.compile("a")
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
