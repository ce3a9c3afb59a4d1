//! Well-formed and malformed requests.

use proptest::prelude::*;

use super::*;
use crate::document::Value;

const NIL: u8 = token::NIL;

fn row(opcode: u8, flags: u8, ticket: u32, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![opcode, flags, 0, 0];
    for word in [ticket, 3, u32::MAX, 0, body.len() as u32] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes.extend_from_slice(body);
    bytes
}

fn definition(first: u16, shapes: &[&[&str]]) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend_from_slice(&first.to_le_bytes());
    body.extend_from_slice(&(shapes.len() as u16).to_le_bytes());
    for keys in shapes {
        body.extend_from_slice(&(keys.len() as u16).to_le_bytes());
        for key in *keys {
            body.extend_from_slice(&(key.len() as u32).to_le_bytes());
            body.extend_from_slice(key.as_bytes());
        }
    }
    row(op::DEFINE, 0, 0, &body)
}

fn one(opcode: u8, flags: u8, body: &[u8]) -> Result<Operation> {
    let mut requests = parse(&row(opcode, flags, 9, body), &Arc::new(Shapes::new()))?;
    assert_eq!(requests.len(), 1);
    let request = requests.remove(0);
    assert_eq!((request.ticket, request.collection), (9, 3));
    assert_eq!((request.known.number, request.known.count), (u32::MAX, 0));
    request.operation
}

#[test]
fn definitions_and_documents_of_one_request_fit_together() {
    let shapes = Arc::new(Shapes::new());
    let mut bytes = definition(0, &[&["_id", "a"], &[]]);
    bytes.extend(row(10, 1, 1, &[0x92, token::RECORD, 0, 0, 1, 2, token::RECORD, 0, 1]));
    bytes.extend(definition(2, &[&["b"]]));
    bytes.extend(row(20, 0, 2, &[5]));
    let requests = parse(&bytes, &shapes).unwrap();
    assert_eq!(shapes.len(), 3);
    assert_eq!(requests.iter().map(|request| request.ticket).collect::<Vec<_>>(), [1, 2]);
    let Ok(Operation::Insert { documents, order }) = &requests[0].operation else { panic!("no insert") };
    assert_eq!(*order, InsertOrder::Unordered);
    let expected = Value::Object(vec![("_id".into(), Value::Int(1)), ("a".into(), Value::Int(2))]);
    assert_eq!(documents[0].raw().to_value(), expected);
    assert_eq!(documents[1].raw().to_value(), Value::Object(vec![]));
}

#[test]
fn shape_numbers_must_follow_one_another() {
    let shapes = Arc::new(Shapes::new());
    assert!(parse(&definition(1, &[&["a"]]), &shapes).is_err());
    assert!(parse(&definition(0, &[&["a"], &["a"]]), &shapes).is_err());
}

#[test]
fn the_options_of_a_find_are_split() {
    let half = [token::FLOAT64, 0x41, 0xf0, 0, 0, 0, 0, 0, 0];
    let mut body = vec![0x80, 0x91, 0x92, 0xa1, b'a', 1, NIL, 2];
    body.extend_from_slice(&half);
    body.extend_from_slice(&[100, 0xa1, b'a']);
    let Operation::Find { filter, options } = one(11, 0, &body).unwrap() else { panic!("no find") };
    assert_eq!(filter.range.len(), 1);
    assert_eq!(options.sort.unwrap().range.len(), 5);
    assert!(options.projection.is_none());
    assert_eq!((options.skip, options.limit, options.batch), (2, 1 << 32, 100));
    assert_eq!(options.hint.unwrap().raw().to_value(), Value::String("a".into()));
    let Operation::Find { options, .. } = one(11, 1, &[0x80, NIL, NIL, 0, 0, 1, NIL]).unwrap() else {
        panic!("no find")
    };
    assert_eq!(options.limit, 1);
}

#[test]
fn flags_choose_reach_upsert_and_meta() {
    let Operation::Update { reach, upsert, .. } = one(15, 3, &[0x80, 0x80, 1, NIL, NIL]).unwrap() else {
        panic!("no update")
    };
    assert_eq!((reach, upsert), (Reach::Many, Upsert::Yes));
    let Operation::Replace { upsert, .. } = one(16, 2, &[0x80, 0x80, 1, NIL]).unwrap() else {
        panic!("no replace")
    };
    assert_eq!(upsert, Upsert::Yes);
    let Operation::Delete { reach, .. } = one(17, 0, &[0x80, NIL]).unwrap() else { panic!("no delete") };
    assert_eq!(reach, Reach::One);
    assert!(matches!(one(18, 1, &[1]), Ok(Operation::Get { meta: true, .. })));
}

#[test]
fn versions_and_cursors_are_whole_numbers() {
    let Operation::Set { entries } = one(21, 0, &[0x92, 0x92, 0x80, 7, 0x92, 0x80, NIL]).unwrap() else {
        panic!("no set")
    };
    assert_eq!(entries.iter().map(|entry| entry.if_version).collect::<Vec<_>>(), [Some(7), None]);
    assert!(matches!(one(22, 0, &[1, NIL]), Ok(Operation::DeleteId { if_version: None, .. })));
    assert!(matches!(one(12, 0, &[5, 6]), Ok(Operation::More { cursor: 5, batch: 6 })));
    assert!(matches!(one(13, 0, &[5]), Ok(Operation::CloseCursor { cursor: 5 })));
    assert!(one(13, 0, &[0xff]).is_err());
    assert!(one(13, 0, &[token::FLOAT64, 0x3f, 0xe0, 0, 0, 0, 0, 0, 0]).is_err());
    assert!(one(14, 0, &[0x80, 0, 0, NIL]).is_ok());
    assert!(one(19, 0, &[0x92, 1, 2]).is_ok());
    assert!(one(23, 0, &[]).is_ok());
    assert!(one(24, 0, &[NIL]).is_ok());
    assert!(matches!(one(30, 0, &[0x90, 5, NIL]), Ok(Operation::Aggregate { batch: 5, .. })));
    assert!(one(30, 0, &[0x90]).is_err());
}

#[test]
fn an_explanation_wraps_one_operation_that_reads_or_writes_by_filter() {
    let count = [14, 0, 0x80, 0, 0, NIL, 1];
    let Operation::Explain { operation, verbosity } = one(34, 0, &count).unwrap() else {
        panic!("no explanation")
    };
    assert!(matches!(*operation, Operation::Count { hint: None, .. }));
    assert_eq!(verbosity, Verbosity::Execution);
    let delete = [17, 1, 0x80, 0xa1, b'a', 0];
    let Operation::Explain { operation, verbosity } = one(34, 0, &delete).unwrap() else {
        panic!("no explanation")
    };
    assert!(matches!(*operation, Operation::Delete { reach: Reach::Many, hint: Some(_), .. }));
    assert_eq!(verbosity, Verbosity::Planner);
    assert!(one(34, 0, &[14, 0, 0x80, 0, 0, NIL, 3]).is_err());
    assert!(one(34, 0, &[23, 0, 0]).is_err());
    assert!(one(34, 0, &[34, 0, 14, 0, 0x80, 0, 0, NIL, 1, 1]).is_err());
}

#[test]
fn operations_on_indexes_are_split() {
    let specs = [0x92, 0x81, 0xa1, b'a', 1, 0x80];
    assert!(matches!(one(31, 0, &specs), Ok(Operation::CreateIndexes { specs }) if specs.len() == 2));
    assert!(matches!(one(32, 0, &[0xa1, b'*']), Ok(Operation::DropIndex { .. })));
    assert!(matches!(one(33, 0, &[]), Ok(Operation::ListIndexes)));
    assert!(matches!(one(35, 0, &[]), Ok(Operation::Stats)));
    assert!(matches!(one(36, 0, &[]), Ok(Operation::Create { options: None })));
}

#[test]
fn a_broken_body_ends_only_its_own_operation() {
    let mut bytes = row(20, 0, 1, &[]);
    bytes.extend(row(99, 0, 2, &[]));
    bytes.extend(row(20, 0, 3, &[1, 2]));
    bytes.extend(row(21, 0, 4, &[token::ARRAY32, 0xff, 0xff, 0xff, 0xff]));
    bytes.extend(row(20, 0, 5, &[1]));
    let requests = parse(&bytes, &Arc::new(Shapes::new())).unwrap();
    let fine: Vec<_> = requests.iter().map(|request| request.operation.is_ok()).collect();
    assert_eq!(fine, [false, false, false, false, true]);
}

#[test]
fn a_broken_row_refuses_the_request() {
    let whole = row(20, 0, 1, &[1]);
    for cut in 1..whole.len() {
        let error = parse(&whole[..cut], &Arc::new(Shapes::new())).err().unwrap();
        assert_eq!(error.kind(), Kind::Internal);
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), opcode in 0u8..40, flags: u8) {
        let shapes = Arc::new(Shapes::new());
        let _ = parse(&bytes, &shapes);
        let _ = parse(&row(opcode, flags, 0, &bytes), &shapes);
    }
}
