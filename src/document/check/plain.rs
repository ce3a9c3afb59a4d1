//! A quick check of a stored value: most documents contain only ASCII strings, numbers, dates and small containers,
//! and can be copied as they are.
//!
//! One loop without recursion that reports no errors: `walk` decides about everything that it does not accept. What
//! passes here passes there.

use super::walk::{is_ascii, is_one_double};
use crate::document::MAX_DEPTH;
use crate::document::encoding::token;
use crate::document::shapes::shape::{ShapeId, Shapes};
use crate::document::value::MAX_DATE;

/// The end of the value at the start of `input`, if it is canonical and all its strings are ASCII; `None` means
/// undecided.
#[inline]
pub(crate) fn plain_end(input: &[u8], shapes: &Shapes) -> Option<usize> {
    let mut at = 0;
    // Values left to read, and containers seen: fewer than `MAX_DEPTH` of them cannot be nested too deep.
    let (mut left, mut containers) = (1_usize, 0);
    while left > 0 {
        left -= 1;
        let rest = input.get(at..)?;
        let lead = *rest.first()?;
        at += match lead {
            0x00..=0x7f | 0xe0..=0xff | token::NIL | token::FALSE | token::TRUE => 1,
            0xa0..=0xbf => string(rest, 1, usize::from(lead & 0x1f), 0)?,
            token::STR8 => string(rest, 2, usize::from(*rest.get(1)?), 32)?,
            token::RECORD => {
                let id = ShapeId(u16::from_be_bytes(after(rest)?));
                left += shapes.get(id)?.len();
                containers += 1;
                3
            }
            0x90..=0x9f => {
                left += usize::from(lead & 0x0f);
                containers += 1;
                1
            }
            token::FLOAT64 if is_one_double(f64::from_be_bytes(after(rest)?)) => 9,
            token::UINT8 if u8::from_be_bytes(after(rest)?) >= 0x80 => 2,
            token::UINT16 if u16::from_be_bytes(after(rest)?) > 0xff => 3,
            token::UINT32 if (0x1_0000..0x8000_0000).contains(&u32::from_be_bytes(after(rest)?)) => 5,
            token::FIXEXT8 => {
                let [kind, millis @ ..]: [u8; 9] = after(rest)?;
                if kind != token::EXT_DATE || i64::from_be_bytes(millis).unsigned_abs() > MAX_DATE {
                    return None;
                }
                10
            }
            _ => return None,
        };
        if containers > MAX_DEPTH {
            return None;
        }
    }
    Some(at)
}

/// The bytes after the lead.
#[inline]
fn after<const N: usize>(rest: &[u8]) -> Option<[u8; N]> {
    rest.get(1..)?.first_chunk().copied()
}

/// The length of a string with its head, if it is ASCII and in its smallest form.
#[inline]
fn string(rest: &[u8], head: usize, len: usize, least: usize) -> Option<usize> {
    let text = rest.get(head..head + len)?;
    (len >= least && is_ascii(text)).then_some(head + len)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::document::check::walk::Form;
    use crate::document::check::walk::Sink;
    use crate::document::check::walk::Spot;
    use crate::document::check::walk::walk_one;
    use crate::document::shapes::shape::Shape;

    /// Notes whether all strings are ASCII.
    struct Ascii(bool);

    impl Sink for Ascii {
        const WANTS_KEYS: bool = false;

        fn string(&mut self, _: &[u8], _: Spot, _: &[u8], ascii: bool) {
            self.0 &= ascii;
        }

        fn record(&mut self, _: &[u8], _: Spot, _: ShapeId, _: &Shape) -> Form {
            Form::Positional
        }

        fn map(&mut self, _: &[u8], _: Spot, _: &[&str]) -> Form {
            Form::Keyed
        }

        fn member(&mut self, _: &[u8], _: usize, _: &str) {}

        fn omit(&mut self, _: &[u8], _: Spot, _: usize) {}
    }

    fn table() -> Shapes {
        let shapes = Shapes::new();
        for keys in [&["a", "b"][..], &[], &["c"]] {
            shapes.push(Shape::new(keys)).unwrap();
        }
        shapes
    }

    /// Tokens with every lead, their lengths and kinds right more often than not.
    fn token() -> impl Strategy<Value = Vec<u8>> {
        let number = prop_oneof![Just(1.5), Just(3.0), Just(-0.0), Just(f64::NAN), any::<f64>()];
        prop_oneof![
            4 => any::<u8>().prop_map(|lead| vec![lead]),
            4 => "[a-z]{0,31}".prop_map(|text| [&[0xa0 | text.len() as u8], text.as_bytes()].concat()),
            1 => "\\PC{0,7}".prop_map(|text| [&[0xa0 | text.len() as u8], text.as_bytes()].concat()),
            2 => "[a-z]{20,60}".prop_map(|text| [&[0xd9, text.len() as u8], text.as_bytes()].concat()),
            2 => number.prop_map(|number: f64| [&[0xcb][..], &number.to_be_bytes()].concat()),
            2 => any::<i64>().prop_map(|millis| [&[0xd7, 1][..], &(millis >> 10).to_be_bytes()].concat()),
            2 => (0xcc_u8..0xd3, any::<[u8; 4]>()).prop_map(|(lead, bytes)| [&[lead][..], &bytes].concat()),
            3 => (0_u8..4).prop_map(|id| vec![token::RECORD, 0, id]),
            3 => (0_u8..4).prop_map(|len| vec![0x90 | len]),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

        #[test]
        fn what_passes_is_in_its_one_encoding_and_ascii(tokens in prop::collection::vec(token(), 1..20)) {
            let (input, shapes) = (tokens.concat(), table());
            let mut ascii = Ascii(true);
            let walked = walk_one(&input, &shapes, &mut ascii);
            if let Some(end) = plain_end(&input, &shapes) {
                prop_assert_eq!((walked.ok(), ascii.0), (Some(end), true));
            }
        }
    }

    #[test]
    fn a_usual_document_passes_and_each_of_its_beginnings_does_not() {
        let shapes = table();
        let mut input = vec![token::RECORD, 0, 0, 0xa2, b'u', b'1', 0x93, 7, 0xc3, token::RECORD, 0, 2];
        input.extend_from_slice(&[token::FLOAT64, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0]);
        assert_eq!(plain_end(&input, &shapes), Some(input.len()));
        for end in 0..input.len() {
            assert_eq!(plain_end(&input[..end], &shapes), None, "{end}");
        }
    }

    #[test]
    fn what_may_be_nested_too_deep_is_left_to_the_strict_pass() {
        let nested = |depth: usize| [vec![0x91; depth], vec![0xc0]].concat();
        assert_eq!(plain_end(&nested(MAX_DEPTH), &table()), Some(MAX_DEPTH + 1));
        assert_eq!(plain_end(&nested(MAX_DEPTH + 1), &table()), None);
    }
}
