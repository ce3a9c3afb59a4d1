//! The real MoltenDB, to write databases and to read them, for `scripts/proofs/molten.mjs` and for the fixtures in `fixtures/molten-0.6`
//! and `fixtures/molten-1.0`.
//!
//! ```text
//! write <0.6|1.0> <log> [password]    documents from the input, lines of {"collection","key","value"}, an empty line compacts
//! read <0.6|1.0> <log> [password]     what it holds, as such lines, to the output
//! ask <0.6|1.0> <log>                 answers of its handlers: lines of {"call","payload"} in, {"status","body"} out
//! ```

use std::io::{self, BufRead, BufWriter, Write};

use serde_json::{Value, json};

const LARGE: usize = 1 << 30;

/// How many documents are written in one transaction.
const BATCH: usize = 500;

/// One release of MoltenDB.
enum Database {
    Six(molten06::engine::Db),
    One(molten1::engine::Db),
}

impl Database {
    fn open(release: &str, log: &str, password: Option<&str>) -> Database {
        match release {
            "0.6" => {
                let key =
                    password.map(|password| molten06::engine::EncryptedStorage::derive_key(password, log));
                Database::Six(
                    molten06::engine::Db::open(log, true, false, usize::MAX, 1000, 60, LARGE, key.as_ref())
                        .expect("MoltenDB opens the log"),
                )
            }
            "1.0" => {
                let key =
                    password.map(|password| molten1::engine::EncryptedStorage::derive_key(password, log));
                let config = molten1::engine::DbConfig {
                    path: log.to_owned(),
                    sync_mode: true,
                    encryption_key: key,
                    max_body_size: LARGE,
                    ..Default::default()
                };
                Database::One(molten1::engine::Db::open(config).expect("MoltenDB opens the log"))
            }
            _ => panic!("the releases are 0.6 and 1.0"),
        }
    }

    fn insert(&self, collection: &str, items: Vec<(String, Value)>) {
        match self {
            Database::Six(database) => database.insert_batch(collection, items).expect("MoltenDB inserts"),
            Database::One(database) => database.insert(collection, items).expect("MoltenDB inserts"),
        }
    }

    fn compact(&self) {
        match self {
            Database::Six(database) => database.compact().expect("MoltenDB compacts"),
            Database::One(database) => database.compact().expect("MoltenDB compacts"),
        }
    }

    fn ask(&self, call: &str, payload: &Value) -> (u16, Value) {
        match (self, call) {
            (Database::Six(database), "get") => molten06::handlers::process_get(database, payload, LARGE),
            (Database::Six(database), "set") => molten06::handlers::process_set(database, payload, LARGE),
            (Database::Six(database), "update") => {
                molten06::handlers::process_update(database, payload, LARGE)
            }
            (Database::Six(database), "delete") => {
                molten06::handlers::process_delete(database, payload, LARGE)
            }
            (Database::Six(database), "schema") => {
                let collection = payload["collection"].as_str().expect("a collection");
                database.set_schema(collection, payload["schema"].clone()).expect("MoltenDB sets the schema");
                (200, Value::Null)
            }
            (Database::One(database), "get") => {
                molten1::handlers::process_get(database, payload, LARGE, 1000)
            }
            (Database::One(database), "set") => {
                molten1::handlers::process_set(database, payload, LARGE, 1000)
            }
            (Database::One(database), "update") => {
                molten1::handlers::process_update(database, payload, LARGE, 1000)
            }
            (Database::One(database), "delete") => {
                molten1::handlers::process_delete(database, payload, LARGE, 1000)
            }
            (Database::One(database), "schema") => {
                molten1::handlers::process_schema(database, payload, LARGE, 1000)
            }
            (_, "compact") => {
                self.compact();
                (200, Value::Null)
            }
            _ => panic!("the calls are get, set, update, delete, schema and compact"),
        }
    }

    /// All documents of a collection, by key.
    fn all(&self, collection: &str) -> Vec<(String, Value)> {
        match self {
            Database::Six(database) => database.get_all(collection).into_iter().collect(),
            Database::One(database) => {
                let mut keys = Vec::new();
                database.with_raw_collection(collection, |documents| {
                    keys.extend(documents.iter().map(|one| one.key().clone()));
                });
                database.get(collection, keys).into_iter().collect()
            }
        }
    }
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [command, release, log, rest @ ..] = arguments.as_slice() else {
        panic!("see the head of this file")
    };
    let database = Database::open(release, log, rest.first().map(String::as_str));
    let mut out = BufWriter::new(io::stdout().lock());
    match command.as_str() {
        "write" => write(&database),
        "read" => {
            // The collections are named in the input: MoltenDB 0.6 does not list them.
            for collection in io::stdin().lock().lines().map_while(Result::ok) {
                for (key, value) in database.all(&collection) {
                    writeln!(out, "{}", json!({ "collection": collection, "key": key, "value": value }))
                        .expect("a pipe");
                }
            }
        }
        "ask" => {
            for line in io::stdin().lock().lines().map_while(Result::ok) {
                let line: Value = serde_json::from_str(&line).expect("a line of JSON");
                let (status, body) = database.ask(line["call"].as_str().expect("a call"), &line["payload"]);
                writeln!(out, "{}", json!({ "status": status, "body": body })).expect("a pipe");
            }
        }
        _ => panic!("see the head of this file"),
    }
    out.flush().expect("a pipe");
}

fn write(database: &Database) {
    let mut batch: (String, Vec<(String, Value)>) = Default::default();
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        let line: Option<Value> =
            (!line.is_empty()).then(|| serde_json::from_str(&line).expect("a line of JSON"));
        let collection = line.as_ref().and_then(|line| line["collection"].as_str()).unwrap_or_default();
        if batch.1.len() >= BATCH || batch.0 != collection {
            let (name, items) = std::mem::replace(&mut batch, (collection.to_owned(), Vec::new()));
            if !items.is_empty() {
                database.insert(&name, items);
            }
        }
        match line {
            None => database.compact(),
            Some(mut line) => {
                let key = line["key"].as_str().expect("a key").to_owned();
                batch.1.push((key, line["value"].take()));
            }
        }
    }
    if !batch.1.is_empty() {
        database.insert(&batch.0, batch.1);
    }
}
