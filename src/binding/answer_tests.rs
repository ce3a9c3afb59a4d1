//! Results, decoded by a minimal reader: Latin-1 strings only, and only the tokens that these tests need.

use std::collections::BTreeMap;

use super::*;
use crate::document::Value;
use crate::engine::{CollectionInfo, UpdateOutcome};
use crate::error::{Details, codes};

#[derive(Debug, PartialEq)]
enum Token {
    Nil,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Token>),
    Map(BTreeMap<String, Token>),
}

struct Reader<'a> {
    tokens: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.tokens.split_at(count);
        self.tokens = rest;
        taken
    }

    fn length(&mut self, bytes: usize) -> usize {
        self.take(bytes).iter().fold(0, |length, byte| length << 8 | usize::from(*byte))
    }

    fn text(&mut self, length: usize) -> Token {
        Token::Text(String::from_utf8(self.take(length).to_vec()).unwrap())
    }

    fn list(&mut self, length: usize) -> Token {
        Token::List((0..length).map(|_| self.token()).collect())
    }

    fn map(&mut self, length: usize) -> Token {
        let entry = |_| {
            let Token::Text(key) = self.token() else { panic!("a key is text") };
            (key, self.token())
        };
        Token::Map((0..length).map(entry).collect())
    }

    fn token(&mut self) -> Token {
        match self.length(1) {
            lead @ 0..=0x7f => Token::Number(lead as f64),
            lead @ 0x80..=0x8f => self.map(lead & 15),
            lead @ 0x90..=0x9f => self.list(lead & 15),
            lead @ 0xa0..=0xbf => self.text(lead & 31),
            0xc0 => Token::Nil,
            0xc2 => Token::Bool(false),
            0xc3 => Token::Bool(true),
            0xcb => Token::Number(f64::from_be_bytes(self.take(8).try_into().unwrap())),
            0xcc => Token::Number(self.length(1) as f64),
            0xcd => Token::Number(self.length(2) as f64),
            0xce => Token::Number(self.length(4) as f64),
            0xd9 => {
                let length = self.length(1);
                self.text(length)
            }
            0xdc => {
                let length = self.length(2);
                self.list(length)
            }
            other => panic!("an unexpected token {other:#x}"),
        }
    }
}

/// Ticket, status and value of a result without a collection.
fn read(bytes: &[u8]) -> (u32, u8, Token) {
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    assert_eq!(word(8) as usize, bytes.len() - 12, "the section's length");
    assert_eq!(word(12), u32::MAX, "no collection");
    assert_eq!(word(16), 0, "no shapes");
    assert_eq!(word(20), 0, "no blocks");
    let mut reader = Reader { tokens: &bytes[24..] };
    let token = reader.token();
    assert!(reader.tokens.is_empty(), "nothing follows the value");
    (word(0), bytes[4], token)
}

fn answered(answer: Answer) -> Token {
    let (ticket, status, token) = read(&encode(0x0102_0304, Known::NONE, None, Ok(answer)));
    assert_eq!((ticket, status), (0x0102_0304, 0));
    token
}

fn refused(result: Result<Answer>) -> BTreeMap<String, Token> {
    match read(&encode(1, Known::NONE, None, result)) {
        (1, 1, Token::Map(map)) => map,
        other => panic!("no error: {other:?}"),
    }
}

fn text(text: &str) -> Token {
    Token::Text(text.to_owned())
}

#[test]
fn small_answers_are_their_values() {
    assert_eq!(answered(Answer::Done), Token::Nil);
    assert_eq!(answered(Answer::Count(1 << 40)), Token::Number((1u64 << 40) as f64));
    assert_eq!(answered(Answer::Bool(true)), Token::Bool(true));
    assert_eq!(
        answered(Answer::Inserted(InsertOutcome { inserted: 3, failures: vec![] })),
        Token::Number(3.0)
    );
    assert_eq!(
        answered(Answer::Versions(vec![1, 2])),
        Token::List(vec![Token::Number(1.0), Token::Number(2.0)])
    );
    assert_eq!(answered(Answer::Document(None)), Token::Nil);
    assert_eq!(answered(Answer::Documents(vec![None])), Token::List(vec![Token::Nil]));
}

#[test]
fn an_update_tells_whether_it_upserted() {
    let outcome = |upserted| Answer::Updated(UpdateOutcome { matched: 2, modified: 1, upserted });
    let numbers = |list: [f64; 2]| list.map(Token::Number);
    let [two, one] = numbers([2.0, 1.0]);
    assert_eq!(answered(outcome(None)), Token::List(vec![two, one, Token::Nil, Token::Number(0.0)]));
    let [two, one] = numbers([2.0, 1.0]);
    let id = crate::document::Value::String("x".into());
    assert_eq!(answered(outcome(Some(id))), Token::List(vec![two, one, text("x"), Token::Number(1.0)]));
}

#[test]
fn a_listing_has_name_number_and_count() {
    let row =
        CollectionInfo { name: "users".into(), number: 4, count: 9, options: Value::Object(Vec::new()) };
    let Token::List(rows) = answered(Answer::Collections(vec![row])) else { panic!("no list") };
    let Token::Map(row) = &rows[0] else { panic!("no map") };
    assert_eq!(row["name"], text("users"));
    assert_eq!((&row["number"], &row["count"]), (&Token::Number(4.0), &Token::Number(9.0)));
}

#[test]
fn names_and_single_values_are_written_as_they_are() {
    let names = answered(Answer::Names(vec!["a_1".into(), "b".into()]));
    assert_eq!(names, Token::List(vec![text("a_1"), text("b")]));
    let value = answered(Answer::Value(Value::Object(vec![("ok".into(), Value::Int(1))])));
    assert_eq!(value, Token::Map(BTreeMap::from([("ok".into(), Token::Number(1.0))])));
}

#[test]
fn an_error_carries_what_it_has() {
    let plain = refused(Err(Error::new(Kind::Closed, "gone")));
    assert_eq!(plain.keys().collect::<Vec<_>>(), ["kind", "message"]);
    let details = Details {
        path: Some("a.b".into()),
        file: Some("f".into()),
        offset: Some(70_000),
        pid: Some(3),
        open_with: None,
        code: Some(codes::INDEX_NOT_FOUND),
        transient: true,
        index: Some("a_1".into()),
        key_pattern: Some(vec![0x81, 0xa1, b'a', 1]),
        key_value: Some(vec![0x81, 0xa1, b'a', 7]),
        info: Some(vec![0x81, 0xa1, b'a', 9]),
    };
    let full = refused(Err(Error::new(Kind::DuplicateKey, "taken").with_details(details)));
    assert_eq!(full["kind"], text("DUPLICATE_KEY"));
    assert_eq!((&full["path"], &full["file"]), (&text("a.b"), &text("f")));
    assert_eq!((&full["offset"], &full["pid"]), (&Token::Number(70_000.0), &Token::Number(3.0)));
    assert_eq!((&full["code"], &full["codeName"]), (&Token::Number(27.0), &text("IndexNotFound")));
    assert_eq!((&full["indexName"], &full["transient"]), (&text("a_1"), &Token::Bool(true)));
    assert_eq!(full["keyPattern"], Token::Map(BTreeMap::from([("a".into(), Token::Number(1.0))])));
    assert_eq!(full["keyValue"], Token::Map(BTreeMap::from([("a".into(), Token::Number(7.0))])));
    assert_eq!(full["errInfo"], Token::Map(BTreeMap::from([("a".into(), Token::Number(9.0))])));
}

#[test]
fn a_partial_insert_is_its_first_error_with_all_of_them() {
    let failure = |index, message: &str| WriteError { index, error: Error::new(Kind::DuplicateKey, message) };
    let failures = vec![failure(1, "first"), failure(3, "second")];
    let error = refused(Ok(Answer::Inserted(InsertOutcome { inserted: 2, failures })));
    assert_eq!((&error["message"], &error["inserted"]), (&text("first"), &Token::Number(2.0)));
    let Token::List(errors) = &error["writeErrors"] else { panic!("no list") };
    let Token::Map(second) = &errors[1] else { panic!("no map") };
    assert_eq!((&second["index"], &second["message"]), (&Token::Number(3.0), &text("second")));
    assert_eq!(second["kind"], text("DUPLICATE_KEY"));
}

#[test]
fn documents_without_their_collection_are_an_internal_error() {
    use crate::storage::{Block, BlockPlace, FileId};
    let place = BlockPlace { file: FileId::Memory, frame: 0, offset: 0, len: 1 };
    let block = std::sync::Arc::new(Block { place, base: 0, bytes: vec![1].into(), transient: false });
    let document = Document::Stored { block, range: 0..1 };
    let error = refused(Ok(Answer::Document(Some(document))));
    assert_eq!(error["kind"], text("INTERNAL"));
}
