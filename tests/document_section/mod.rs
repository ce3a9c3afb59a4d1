//! A minimal decoder of sections.

use moltendb_node::document::Value;

/// A decoded section of `docs/boundary.md`.
pub struct Section<'a> {
    pub number: u32,
    pub first: u16,
    pub definitions: Vec<Vec<String>>,
    pub utf16: Vec<&'a [u8]>,
    tokens: &'a [u8],
}

fn cut<'a>(bytes: &mut &'a [u8], len: usize) -> &'a [u8] {
    let (head, tail) = bytes.split_at(len);
    *bytes = tail;
    head
}

fn le(bytes: &mut &[u8], width: usize) -> usize {
    cut(bytes, width).iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte))
}

fn be(bytes: &mut &[u8], width: usize) -> u64 {
    cut(bytes, width).iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

impl<'a> Section<'a> {
    pub fn read(mut bytes: &'a [u8]) -> Section<'a> {
        let rest = &mut bytes;
        assert_eq!(le(rest, 4), rest.len());
        let number = le(rest, 4) as u32;
        let first = le(rest, 2) as u16;
        let count = le(rest, 2);
        let mut definitions = Vec::new();
        for _ in 0..count {
            let keys = le(rest, 2);
            let key = |rest: &mut &[u8]| {
                let len = le(rest, 4);
                String::from_utf8(cut(rest, len).to_vec()).unwrap()
            };
            definitions.push((0..keys).map(|_| key(rest)).collect());
        }
        let blocks = le(rest, 4);
        let lengths: Vec<usize> = (0..blocks).map(|_| le(rest, 4)).collect();
        assert!(lengths.iter().all(|length| *length > 0));
        let utf16: Vec<&[u8]> = lengths.iter().map(|length| cut(rest, *length)).collect();
        Section { number, first, definitions, utf16, tokens: bytes }
    }

    /// The value; nothing may follow it.
    pub fn value(mut self, known: &[Vec<String>]) -> Value {
        let mut shapes = known[..usize::from(self.first)].to_vec();
        shapes.append(&mut self.definitions);
        let value = self.next(&shapes);
        assert!(self.tokens.is_empty() && self.utf16.iter().all(|block| block.is_empty()));
        value
    }

    fn characters(blocks: &mut Vec<&'a [u8]>, len: usize) -> &'a [u8] {
        if len == 0 {
            return &[];
        }
        while blocks[0].is_empty() {
            blocks.remove(0);
        }
        cut(&mut blocks[0], len)
    }

    fn latin1(&mut self, len: usize) -> Value {
        let text = cut(&mut self.tokens, len);
        Value::String(text.iter().map(|byte| char::from(*byte)).collect())
    }

    fn utf16(&mut self, len: usize) -> Value {
        let text = Self::characters(&mut self.utf16, 2 * len);
        let units: Vec<u16> = text.chunks(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
        Value::String(String::from_utf16(&units).unwrap())
    }

    fn next(&mut self, shapes: &[Vec<String>]) -> Value {
        let lead = be(&mut self.tokens, 1) as u8;
        let mut number = |width| be(&mut self.tokens, width);
        match lead {
            0x00..=0x7f => Value::Int(i32::from(lead)),
            0xe0..=0xff => Value::Int(i32::from(lead as i8)),
            0xc0 => Value::Null,
            0xc2 | 0xc3 => Value::Bool(lead == 0xc3),
            0xcc => Value::Int(number(1) as i32),
            0xcd => Value::Int(number(2) as i32),
            0xce => Value::Int(number(4) as i32),
            0xd0 => Value::Int(i32::from(number(1) as i8)),
            0xd1 => Value::Int(i32::from(number(2) as i16)),
            0xd2 => Value::Int(number(4) as i32),
            0xcb => Value::Double(f64::from_bits(number(8))),
            0xd3 => Value::Long(number(8) as i64),
            0xd7 => {
                assert_eq!(number(1), 1);
                Value::Date(number(8) as i64)
            }
            0xc7 => {
                assert_eq!(number(2), 0x0c02);
                Value::ObjectId(cut(&mut self.tokens, 12).try_into().unwrap())
            }
            0xc4..=0xc6 => {
                let len = number(1 << (lead - 0xc4)) as usize;
                Value::Binary(cut(&mut self.tokens, len).to_vec())
            }
            0xa0..=0xbf => self.latin1(usize::from(lead & 0x1f)),
            0xd9..=0xdb => {
                let len = number(1 << (lead - 0xd9)) as usize;
                self.latin1(len)
            }
            0xd4..=0xd6 => {
                let len = number(1 << (lead - 0xd4)) as usize;
                self.utf16(len)
            }
            0x90..=0x9f | 0xdc | 0xdd => {
                let len = if lead < 0xa0 { u64::from(lead & 15) } else { number(2 << (lead - 0xdc)) };
                Value::Array((0..len).map(|_| self.next(shapes)).collect())
            }
            0x80..=0x8f | 0xde | 0xdf => {
                let len = if lead < 0x90 { u64::from(lead & 15) } else { number(2 << (lead - 0xde)) };
                let field = |_| match self.next(shapes) {
                    Value::String(key) => (key, self.next(shapes)),
                    other => panic!("{other:?} is a key"),
                };
                Value::Object((0..len).map(field).collect())
            }
            0xc1 => {
                let keys = &shapes[number(2) as usize];
                Value::Object(keys.iter().map(|key| (key.clone(), self.next(shapes))).collect())
            }
            lead => panic!("token {lead:#x}"),
        }
    }
}
