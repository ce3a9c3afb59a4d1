//! The error codes of pipeline stages and of accumulators with named arguments, by stage and by fault.

use super::code::{BAD_VALUE, Code, FAILED_TO_PARSE, IDL_FAILED_TO_PARSE, IDL_UNKNOWN_FIELD, place};

/// The codes of one stage; 0 means that the default applies.
#[derive(Debug)]
pub struct Stage {
    name: &'static str,
    shape: i32,
    unknown: i32,
    missing: i32,
    text: i32,
    count: i32,
}

/// A stage with its codes for a specification that is not an object, an unknown field and a missing field.
const fn row(name: &'static str, shape: i32, unknown: i32, missing: i32) -> Stage {
    Stage { name, shape, unknown, missing, text: 0, count: 0 }
}

/// An accumulator with the argument `n`.
const fn some(name: &'static str) -> Stage {
    row(name, 5_787_900, 5_787_901, 5_787_906).count(5_787_908)
}

/// An accumulator with a sort order.
const fn ranked(name: &'static str, missing: i32) -> Stage {
    row(name, 5_788_001, 5_788_002, missing).count(5_787_908)
}

fn or(number: i32, other: Code) -> Code {
    if number == 0 { other } else { place(number) }
}

impl Stage {
    /// The code for a field that must be a string.
    const fn text(self, text: i32) -> Stage {
        Stage { text, ..self }
    }

    /// The code for a value that is not a number, or too small.
    const fn count(self, count: i32) -> Stage {
        Stage { count, ..self }
    }

    /// The code for a specification that the stage does not accept, such as one that is not an object.
    pub fn of_shape(&self) -> Code {
        or(self.shape, FAILED_TO_PARSE)
    }

    /// The code for a field that the stage does not know.
    pub fn unknown(&self) -> Code {
        or(self.unknown, IDL_UNKNOWN_FIELD)
    }

    /// The code for a missing field.
    pub fn missing(&self) -> Code {
        or(self.missing, IDL_FAILED_TO_PARSE)
    }

    /// The code for a field that must be a string.
    pub fn of_text(&self) -> Code {
        or(self.text, FAILED_TO_PARSE)
    }

    /// The code for a value that is not a number, or too small.
    pub fn of_count(&self) -> Code {
        or(self.count, BAD_VALUE)
    }
}

/// The codes of this stage or accumulator.
pub fn stage(name: &str) -> &'static Stage {
    const NONE: &Stage = &row("", 0, 0, 0);
    ROWS.iter().find(|row| row.name == name).unwrap_or(NONE)
}

const ROWS: &[Stage] = &[
    row("$addFields", 40272, 0, 40177),
    ranked("$bottom", 5_788_005),
    ranked("$bottomN", 5_788_003),
    row("$bucket", 40201, 40197, 40198),
    row("$bucketAuto", 40240, 40245, 40246).count(40243),
    row("$count", 40156, 0, 40157),
    row("$documents", 5_858_203, 0, 0),
    row("$facet", 40169, 0, 40169),
    some("$firstN"),
    row("$group", 15947, 0, 15955),
    some("$lastN"),
    row("$limit", 5_107_201, 0, 0).count(5_107_201),
    row("$lookup", 40319, 9, 9).text(9),
    row("$match", 15959, 0, 0),
    some("$maxN"),
    row("$median", 7_436_100, 40415, 40414),
    row("$merge", 51182, 40415, 40414).text(14),
    some("$minN"),
    row("$out", 16990, 16994, 16994).text(16990),
    row("output", 40196, 0, 0),
    row("$percentile", 7_429_703, 40415, 40414),
    row("$project", 15969, 0, 51272),
    row("$replaceRoot", 40229, 40415, 40414),
    row("$replaceWith", 40228, 0, 0),
    row("$sample", 28745, 28748, 28749).count(28747),
    row("$set", 40272, 0, 40177),
    row("$skip", 5_107_200, 0, 0).count(5_107_200),
    row("$sort", 15973, 0, 15976),
    row("$sortByCount", 40149, 0, 0),
    ranked("$top", 5_788_005),
    ranked("$topN", 5_788_003),
    row("$unionWith", 9, 40415, 40414).text(14),
    row("$unset", 31002, 0, 31119),
    row("$unwind", 15981, 28811, 28812).text(28810),
];
