use super::*;

#[test]
fn records_are_read_as_written() {
    let mut out = Vec::new();
    begin(&mut out, 1_000);
    create(&mut out, 7, "users", b"");
    shape(&mut out, 7, 0, &["_id", "name"]);
    let (document, head) = put(
        &mut out,
        1_000,
        Metadata { collection: 7, version: 3, created_at: 400, modified_at: 1_200 },
        b"doc",
    );
    let made = |out: &mut Vec<u8>, making| write(out, 1_000, (7, 4, 400), making, b"made", b"was").0;
    let inserted = made(&mut out, Making::Inserted);
    let updated = made(&mut out, Making::Updated(b"paths"));
    let replaced = made(&mut out, Making::Replaced);
    delete(&mut out, 7, b"id", b"gone");
    transaction(&mut out, b"0123456789abcdef", 300);
    past(&mut out, 6, 900, true, "before");
    past_shape(&mut out, 6, &["_id"]);
    rename(&mut out, 7, "people");
    index(&mut out, 7, b"spec");
    drop_index(&mut out, 7, "name_1");
    coll_mod(&mut out, 7, b"{}", b"");
    drop_collection(&mut out, 7);
    drop_database(&mut out, "");
    drop_database(&mut out, "other");
    next(&mut out, 8);
    let put = Put {
        made: Made::Kept,
        collection: 7,
        version: 3,
        created_at: 400,
        modified_at: 1_200,
        head,
        document,
    };
    let written = |made, created_at, head, document: &Range<usize>| Put {
        made,
        collection: 7,
        version: 4,
        created_at,
        modified_at: 1_000,
        head,
        document: document.clone(),
    };
    let (changes, end) = (updated.end + 1..updated.end + 6, updated.end + 7..updated.end + 10);
    let read: Vec<_> = Records::new(&out).map(Result::unwrap).collect();
    assert_eq!(
        read,
        [
            Record::Create { collection: 7, name: "users", options: b"" },
            Record::Shape { collection: 7, shape: 0, keys: vec!["_id", "name"] },
            Record::Put(put.clone()),
            Record::Put(written(Made::Inserted, 1_000, 4, &inserted)),
            Record::Put(written(Made::Updated { changes, before: end }, 400, 6, &updated)),
            Record::Put(written(
                Made::Replaced { before: replaced.end + 1..replaced.end + 4 },
                400,
                6,
                &replaced
            )),
            Record::Delete { collection: 7, id: b"id", before: b"gone" },
            Record::Transaction { session: *b"0123456789abcdef", number: 300 },
            Record::Past { collection: 6, until: 900, is_dropped: true, name: "before" },
            Record::PastShape { collection: 6, keys: vec!["_id"] },
            Record::Rename { collection: 7, name: "people" },
            Record::Index { collection: 7, spec: b"spec" },
            Record::Unindex { collection: 7, name: "name_1" },
            Record::CollMod { collection: 7, options: b"{}", before: b"" },
            Record::Drop { collection: 7 },
            Record::DropDatabase { name: "" },
            Record::DropDatabase { name: "other" },
            Record::Next { collection: 8 },
        ]
    );
    assert_eq!(Records::put_at(&out, put.document.start, head as usize), Some(put));
}

#[test]
fn any_cut_or_changed_byte_is_read_without_panic() {
    let mut out = Vec::new();
    begin(&mut out, -5);
    shape(&mut out, 300, 0, &["a", "b"]);
    let extreme =
        Metadata { collection: 300, version: u64::MAX, created_at: i64::MIN, modified_at: i64::MAX };
    put(&mut out, -5, extreme, &[0xc0; 200]);
    delete(&mut out, 300, b"x", b"y");
    transaction(&mut out, &[0xff; 16], u64::MAX);
    past(&mut out, u32::MAX, u64::MAX, false, "n");
    past_shape(&mut out, 1, &["k", "l"]);
    coll_mod(&mut out, u32::MAX, b"new", b"old");
    for cut in 0..out.len() {
        Records::new(&out[..cut]).for_each(drop);
    }
    for at in 0..out.len() {
        for value in 0..=255 {
            let mut changed = out.clone();
            changed[at] = value;
            Records::new(&changed).for_each(drop);
        }
    }
}
