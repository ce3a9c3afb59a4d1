//! Queries without an index over reference documents in memory, below the boundary: what a scan costs, as medians.
//!
//! `cargo run --release --no-default-features --example scan -- [documents] [runs] [works]`

#![expect(clippy::unwrap_used, reason = "a benchmark ends at the first thing that is not as expected")]

use std::sync::Arc;
use std::time::Instant;

use moltendb_node::document::{Shapes, Value, encode_plain};
use moltendb_node::engine::{Answer, Database, FindOptions, Incoming, InsertOrder, Operation, Session};
use moltendb_node::options::{OpenOptions, StorageMode};

fn incoming(value: &Value) -> Incoming {
    let mut bytes = Vec::new();
    encode_plain(value, &mut bytes);
    Incoming { range: 0..bytes.len(), buffer: bytes.into(), shapes: Arc::new(Shapes::new()) }
}

fn text(text: impl Into<String>) -> Value {
    Value::String(text.into())
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Object(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// A 32-bit mixer over a counter.
struct Random(u32);

impl Random {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9);
        let mut word = self.0;
        word = (word ^ (word >> 16)).wrapping_mul(0x21f0_aaad);
        word = (word ^ (word >> 15)).wrapping_mul(0x735a_2d97);
        ((u64::from(word ^ (word >> 15)) * u64::from(bound)) >> 32) as u32
    }
}

/// The reference document of `documents.mjs`: 245 bytes as JSON.
fn document(index: u32) -> Value {
    let mut random = Random(0x10001 + index);
    let names = ["Ada Hopper", "Grace Byron", "Edsger Knuth", "Barbara Wirth", "Radia Perlman", "Tony Hoare"];
    let tags = ["red", "blue", "green", "black", "white", "amber", "teal", "rose"];
    let mut pick = |list: &[&str]| text(list[random.below(list.len() as u32) as usize]);
    let (name, first, second, third) = (pick(&names), pick(&tags), pick(&tags), pick(&tags));
    let street = pick(&["Mill Lane", "High Street", "Mill Road", "Church Way", "Park Row"]);
    object([
        ("_id", text(format!("u{index:07}"))),
        ("name", name),
        ("email", text(format!("mailmailmail{index:07}@i.org"))),
        ("age", Value::Int(18 + random.below(72) as i32)),
        ("city", text(format!("City {:02}", index % 100))),
        ("score", Value::number(f64::from(100_000 + random.below(900_000)) / 1000.0)),
        ("active", Value::Bool(random.below(2) == 0)),
        ("tags", Value::Array(vec![first, second, third])),
        ("address", object([("street", street), ("zip", text((10_000 + random.below(90_000)).to_string()))])),
        ("createdAt", text(format!("2023-11-14T{:02}:{:02}:20.000Z", index / 60 % 24, index % 60))),
    ])
}

struct Bench {
    session: Arc<Session>,
}

impl Bench {
    fn call(&self, operation: Operation) -> Answer {
        self.session.call("users", operation).answer.unwrap()
    }

    /// How many documents come, in batches of the usual size.
    fn find(&self, filter: &Value, sort: Option<(&str, i32)>, limit: u64) -> u64 {
        let pair = |(path, direction)| {
            incoming(&Value::Array(vec![Value::Array(vec![text(path), Value::Int(direction)])]))
        };
        let options = FindOptions {
            sort: sort.map(pair),
            projection: None,
            skip: 0,
            limit,
            batch: 0,
            hint: None,
            meta: false,
        };
        self.drain(self.call(Operation::Find { filter: incoming(filter), options }))
    }

    fn aggregate(&self, stages: Vec<Value>) -> u64 {
        self.drain(self.call(Operation::Aggregate {
            pipeline: incoming(&Value::Array(stages)),
            batch: 0,
            hint: None,
        }))
    }

    fn drain(&self, mut answer: Answer) -> u64 {
        let mut found = 0;
        while let Answer::Batch { cursor, documents } = answer {
            found += documents.len() as u64;
            if cursor == 0 {
                break;
            }
            answer = self.call(Operation::More { cursor, batch: 0 });
        }
        found
    }

    fn count(&self, filter: &Value) -> u64 {
        match self.call(Operation::Count { filter: incoming(filter), skip: 0, limit: 0, hint: None }) {
            Answer::Count(count) => count,
            _ => 0,
        }
    }

    fn distinct(&self, key: &str) -> u64 {
        match self.call(Operation::Distinct {
            key: incoming(&text(key)),
            filter: incoming(&object([])),
            hint: None,
        }) {
            Answer::Values(values) => values.len() as u64,
            _ => 0,
        }
    }

    fn run(&self, work: &str) -> u64 {
        let below = |score: i32| object([("score", object([("$lt", Value::Int(score))]))]);
        let group = |key: &str, field: &str, accumulator: &str, operand: Value| {
            let accumulator = object([(accumulator, operand)]);
            self.aggregate(vec![object([("$group", object([("_id", text(key)), (field, accumulator)]))])])
        };
        match work {
            "scan" => self.find(&below(109), None, 0),
            "scan-half" => self.find(&below(550), None, 0),
            "scan-string" => self.find(&object([("city", text("City 07"))]), None, 0),
            "scan-two" => self.find(
                &object([
                    ("active", Value::Bool(true)),
                    ("age", object([("$gte", Value::Int(80))])),
                    ("city", text("City 10")),
                ]),
                None,
                0,
            ),
            "scan-nested" => self.find(&object([("address.zip", text("12345"))]), None, 0),
            "scan-array" => self.find(&object([("tags", text("rose"))]), None, 0),
            "scan-or" => {
                let either = vec![below(104), object([("age", Value::Int(18))])];
                self.find(&object([("$or", Value::Array(either))]), None, 0)
            }
            "scan-in" => {
                let cities = Value::Array(vec![text("City 07"), text("City 70"), text("City 93")]);
                self.find(&object([("city", object([("$in", cities)]))]), None, 0)
            }
            "count" => self.count(&below(550)),
            "count-all" => self.count(&object([])),
            "top" => self.find(&object([]), Some(("score", 1)), 20),
            "top-string" => self.find(&object([]), Some(("email", -1)), 20),
            "sort" => self.find(&object([]), Some(("score", 1)), 0),
            "sort-string" => self.find(&object([]), Some(("address.zip", 1)), 0),
            "group" => group("$city", "average", "$avg", text("$score")),
            "group-number" => group("$age", "most", "$max", text("$score")),
            "group-all" => group("$email", "count", "$sum", Value::Int(1)),
            "distinct" => self.distinct("city"),
            _ => panic!("no work is called {work}"),
        }
    }
}

const WORKS: &str = "scan,scan-half,scan-string,scan-two,scan-nested,scan-array,scan-or,scan-in,count,count-all,\
top,top-string,sort,sort-string,group,group-number,group-all,distinct";

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default| arguments.next().map_or(default, |text| text.parse().unwrap());
    let (documents, runs): (u32, u32) = (number(100_000), number(15));
    let works = arguments.next().unwrap_or_else(|| WORKS.to_owned());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let options = OpenOptions { storage: StorageMode::Memory, ..OpenOptions::default() };
    let database = Database::open(":memory:", options, runtime.handle().clone()).unwrap();
    let bench = Bench { session: database.session() };
    for start in (0..documents).step_by(1_000) {
        let batch = (start..documents.min(start + 1_000)).map(|index| incoming(&document(index))).collect();
        bench.call(Operation::Insert { documents: batch, order: InsertOrder::Ordered });
    }
    for work in works.split(',') {
        let found = bench.run(work);
        let mut times: Vec<f64> = (0..runs)
            .map(|_| {
                let start = Instant::now();
                assert_eq!(bench.run(work), found, "{work}");
                start.elapsed().as_secs_f64() * 1_000.0
            })
            .collect();
        times.sort_by(f64::total_cmp);
        let at = |part: usize| times[(times.len() - 1) * part / 4];
        println!("{work} {:.3} {:.3} {found}", at(2), at(0));
    }
}
