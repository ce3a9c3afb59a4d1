//! Bounded runs of combining marks. A collator looks through all marks after a letter for those that form one unit with it, for each
//! of them again, so that a long run takes quadratic time. No language has more than a few, and Unicode's stream-safe text format
//! (UAX #15) has 30: the marks behind
//! them are not compared. With that format's joiner in place of them it stayed slow.

use std::borrow::Cow;

use icu_normalizer::properties::CanonicalCombiningClassMap;

/// The longest run of marks.
const LONGEST: usize = 30;

/// The text as a collator is given it.
pub(super) fn bounded(text: &[u8]) -> Cow<'_, [u8]> {
    // A mark has two bytes at least.
    if text.len() <= 2 * LONGEST || text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let classes = CanonicalCombiningClassMap::new();
    // The last three are not of a class, and are made of marks.
    let is_mark = |character: char| {
        !character.is_ascii()
            && (classes.get_u8(character) != 0 || matches!(character, '\u{f73}' | '\u{f75}' | '\u{f81}'))
    };
    let within = || {
        let mut run = 0;
        move |character: &char| {
            run = if is_mark(*character) { run + 1 } else { 0 };
            run <= LONGEST
        }
    };
    // A collator replaces what is no character in the same way.
    let given = String::from_utf8_lossy(text);
    let mut is_kept = within();
    if given.chars().all(|character| is_kept(&character)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(given.chars().filter(within()).collect::<String>().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_run_of_marks_thirty_are_left_and_other_text_stays_as_it_is() {
        for text in
            ["", "plain", &"\u{e9}t\u{e9} ".repeat(50), &"a\u{301}".repeat(50), &"\u{4e2d}".repeat(50)]
        {
            assert!(
                matches!(bounded(text.as_bytes()), Cow::Borrowed(same) if same == text.as_bytes()),
                "{text}"
            );
        }
        for mark in ["\u{301}", "\u{f71}", "\u{f73}"] {
            let text = ["a", &mark.repeat(61), "b", mark].concat();
            let expected = ["a", &mark.repeat(30), "b", mark].concat();
            assert_eq!(bounded(text.as_bytes()), expected.as_bytes());
        }
    }
}
