//! Regular expressions of JavaScript, rewritten for the crate `regex`, to which some of the same text means something
//! else: in JavaScript `\d`, `\w` and `\b` are ASCII, `$` is the end of the text, `[` may be unescaped in a class,
//! `\u0061` is a character. Errors are the end of a sentence about the expression.

use std::fmt::Write as _;

/// The flags that options and `(?...)` set.
#[derive(Clone, Copy, Default)]
pub(in crate::query) struct Flags {
    pub(in crate::query) ignore_case: bool,
    lines: bool,
    dot_all: bool,
    extended: bool,
}

/// Whether groups capture, which takes time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::query) enum Groups {
    Plain,
    Capturing,
}

impl Flags {
    /// Reads options.
    pub(in crate::query) fn parse(options: &str) -> Result<Flags, String> {
        let mut flags = Flags::default();
        for option in options.chars() {
            match option {
                'i' => flags.ignore_case = true,
                'm' => flags.lines = true,
                's' => flags.dot_all = true,
                'x' => flags.extended = true,
                // Text is always Unicode; g, y and d control how JavaScript iterates over matches.
                'u' | 'g' | 'y' | 'd' => {}
                'v' => return Err("has the flag 'v'; use 'u', and no set operations in classes".to_owned()),
                other => return Err(format!("has the unknown option '{other}'; there are i, m, s, x and u")),
            }
        }
        Ok(flags)
    }
}

/// The text for the crate `regex` of an expression of JavaScript (and of PCRE, as far as MongoDB's manual uses it).
pub(in crate::query) fn translate(source: &str, flags: Flags, groups: Groups) -> Result<String, String> {
    let mut translator = Translator {
        rest: source,
        out: String::with_capacity(source.len() + 16),
        flags,
        outer: Vec::new(),
        groups,
    };
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
    groups: Groups,
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

    /// A brace starts a quantifier if a complete count follows; otherwise it is a literal.
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
            self.group();
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
            self.group();
        } else if self.rest.starts_with("P=") || self.rest.starts_with("P>") {
            return Err(BACK.to_owned());
        } else {
            return self.switches(flags);
        }
        self.outer.push(flags);
        Ok(())
    }

    /// A group, which captures if captures are read. Names of groups are dropped.
    fn group(&mut self) {
        self.out.push_str(if self.groups == Groups::Capturing { "(" } else { "(?:" });
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
            // Without case folding, which would add the long s and the Kelvin sign.
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

    /// `\p{Lu}`, unchanged.
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

    /// A class is rewritten item by item, so that nothing in it has a special meaning in the crate `regex`.
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
        // An empty class matches nothing; negated, everything.
        self.out.push_str(if empty { "a&&b]" } else { "]" });
        Ok(())
    }

    /// A character of a class, or `None` if a whole set was written.
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
