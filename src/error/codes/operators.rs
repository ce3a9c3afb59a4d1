//! The error codes of expression operators, by operator and by fault.
//!
//! An operator can refuse arguments of a wrong type, numbers that are not whole, and values out of range. An operator with
//! named arguments can also refuse a value that is not an object, an unknown field and a missing field. A fault that a row
//! does not list has the default code of that fault.

use super::code::{ARGUMENT_COUNT, BAD_VALUE, Code, TYPE_MISMATCH, place};

/// The codes of one operator; 0 means that the default applies.
#[derive(Debug)]
pub struct Operator {
    name: &'static str,
    types: &'static [i32],
    whole: &'static [i32],
    value: i32,
    shape: i32,
    unknown: i32,
    missing: &'static [i32],
    count: i32,
}

const fn row(name: &'static str) -> Operator {
    Operator { name, types: &[], whole: &[], value: 0, shape: 0, unknown: 0, missing: &[], count: 0 }
}

/// The last code of a list also applies to all later positions.
fn at(numbers: &[i32], argument: usize) -> Option<Code> {
    let number = numbers.get(argument).or(numbers.last()).copied();
    number.filter(|number| *number != 0).map(place)
}

fn or(number: i32, other: Code) -> Code {
    if number == 0 { other } else { place(number) }
}

impl Operator {
    /// By argument: the code for a wrong type.
    const fn types(self, types: &'static [i32]) -> Operator {
        Operator { types, ..self }
    }

    /// By argument: the code for a number that is not whole, or too large.
    const fn whole(self, whole: &'static [i32]) -> Operator {
        Operator { whole, ..self }
    }

    /// The codes for values out of range.
    const fn value(self, value: i32) -> Operator {
        Operator { value, ..self }
    }

    /// For named arguments: not an object, an unknown field, and by argument a missing field.
    const fn object(self, shape: i32, unknown: i32, missing: &'static [i32]) -> Operator {
        Operator { shape, unknown, missing, ..self }
    }

    /// The code for too few or too many arguments.
    const fn count(self, count: i32) -> Operator {
        Operator { count, ..self }
    }

    /// The code for an argument of a wrong type.
    pub fn of_type(&self, argument: usize) -> Code {
        at(self.types, argument).unwrap_or(TYPE_MISMATCH)
    }

    /// The code for an argument that is not a whole number.
    pub fn not_whole(&self, argument: usize) -> Code {
        at(self.whole, argument).unwrap_or_else(|| self.of_type(argument))
    }

    /// The code for a value that the operator does not accept.
    pub fn of_value(&self) -> Code {
        or(self.value, BAD_VALUE)
    }

    /// The code for named arguments that are not an object.
    pub fn of_shape(&self) -> Code {
        or(self.shape, ARGUMENT_COUNT)
    }

    /// The code for a field that the operator does not know.
    pub fn unknown(&self) -> Code {
        or(self.unknown, BAD_VALUE)
    }

    /// The code for a missing field.
    pub fn missing(&self, argument: usize) -> Code {
        at(self.missing, argument).unwrap_or(BAD_VALUE)
    }

    /// The code for a wrong number of arguments; `other` is the code of most operators.
    pub fn of_count(&self, other: Code) -> Code {
        or(self.count, other)
    }
}

/// The codes of this operator.
pub fn operator(name: &str) -> &'static Operator {
    const NONE: &Operator = &row("");
    ROWS.binary_search_by(|row| row.name.cmp(name)).ok().and_then(|found| ROWS.get(found)).unwrap_or(NONE)
}

/// `$firstN` and the like.
const fn some(name: &'static str) -> Operator {
    row(name).types(&[5_788_200, 5_787_902]).whole(&[0, 5_787_903]).value(5_787_908).object(
        5_787_900,
        5_787_901,
        &[5_787_907, 5_787_906],
    )
}

/// A date part.
const fn part(name: &'static str) -> Operator {
    row(name).types(&[16006]).object(40539, 40535, &[40539])
}

const fn date_step(name: &'static str) -> Operator {
    row(name).types(&[5_166_403, 5_166_404, 5_166_405]).value(5_166_406).object(
        5_166_400,
        5_166_401,
        &[5_166_402],
    )
}

const fn regex(name: &'static str) -> Operator {
    row(name).types(&[51104, 51105, 51106]).value(51151).object(51103, 31024, &[31022, 31023])
}

const fn replace(name: &'static str) -> Operator {
    row(name).types(&[51746, 51745, 51744]).object(51751, 51750, &[51749, 51748, 51747])
}

const fn trim(name: &'static str) -> Operator {
    row(name).types(&[50699, 50700]).object(50696, 50694, &[50695])
}

/// A function of one number.
const fn function(name: &'static str) -> Operator {
    row(name).types(&[28765])
}

/// Sorted by name.
const ROWS: &[Operator] = &[
    function("$abs").value(28680),
    function("$acos").value(50989),
    function("$acosh").value(50989),
    row("$add").value(16612),
    row("$allElementsTrue").types(&[17040]),
    row("$anyElementTrue").types(&[17041]),
    row("$arrayElemAt").types(&[28689, 28690]).whole(&[0, 28691]),
    row("$arrayToObject").types(&[40386]).value(40398),
    function("$asin").value(50989),
    function("$asinh"),
    function("$atan"),
    row("$atan2").types(&[51044, 51045]),
    function("$atanh").value(50989),
    row("$binarySize").value(51276),
    row("$bitAnd").value(14),
    row("$bitNot").value(14),
    row("$bitOr").value(14),
    row("$bitXor").value(14),
    row("$bsonSize").value(31393),
    function("$ceil"),
    row("$concat").types(&[16702]),
    row("$concatArrays").types(&[28664]),
    row("$cond").object(0, 17083, &[17080, 17081, 17082]),
    row("$convert").value(241).object(9, 9, &[9]),
    function("$cos").value(50989),
    function("$cosh"),
    date_step("$dateAdd"),
    row("$dateDiff").types(&[5_166_307, 5_166_307, 5_439_013, 40517, 5_439_015]).object(
        5_166_301,
        5_166_302,
        &[5_166_303, 5_166_304, 5_166_305],
    ),
    row("$dateFromParts").types(&[40515]).value(40523).object(40519, 40518, &[40516]),
    row("$dateFromString").types(&[241, 40684]).value(241).object(40540, 40541, &[40542]),
    date_step("$dateSubtract"),
    row("$dateToParts").types(&[16006]).value(40521).object(40524, 40520, &[40522]),
    row("$dateToString").types(&[16006]).value(18536).object(18629, 18534, &[18628]),
    row("$dateTrunc").types(&[5_439_012, 5_439_013, 5_439_017, 40517, 5_439_015]).value(5_439_018).object(
        5_439_007,
        5_439_008,
        &[5_439_009, 5_439_010],
    ),
    part("$dayOfMonth"),
    part("$dayOfWeek"),
    part("$dayOfYear"),
    function("$degreesToRadians"),
    function("$exp"),
    row("$filter").types(&[28651]).value(327_392).object(28646, 28647, &[28648, 28650]),
    row("$first").types(&[28689]),
    some("$firstN"),
    function("$floor"),
    row("$getField").types(&[3_041_704]).object(3_041_704, 3_041_701, &[3_041_702, 3_041_703]),
    part("$hour"),
    row("$in").types(&[40081]),
    row("$indexOfArray").types(&[40090, 0, 40096]).value(40097),
    row("$indexOfBytes").types(&[40091, 40092, 40096]).value(40097),
    row("$indexOfCP").types(&[40093, 40094, 40096]).value(40097),
    part("$isoDayOfWeek"),
    part("$isoWeek"),
    part("$isoWeekYear"),
    row("$last").types(&[28689]),
    some("$lastN"),
    row("$let").object(16874, 16875, &[16876, 16877]),
    function("$ln").value(28766),
    row("$log").types(&[28756, 28757]).value(28758),
    function("$log10").value(28761),
    trim("$ltrim"),
    row("$map").types(&[16883]).object(16878, 16879, &[16880, 16882]),
    some("$maxN"),
    row("$median").object(7_436_100, 40415, &[40414]),
    row("$mergeObjects").value(40400),
    part("$millisecond"),
    some("$minN"),
    part("$minute"),
    row("$mod").types(&[16611]).value(16610),
    part("$month"),
    row("$multiply"),
    row("$objectToArray").types(&[40390]),
    row("$percentile").object(7_429_703, 40415, &[40414]),
    row("$pow").types(&[28762, 28763]).value(28764),
    function("$radiansToDegrees"),
    row("$rand").count(3_040_501),
    row("$range").types(&[34443, 34445, 34447]).whole(&[34444, 34446, 34448]).value(34449),
    row("$reduce").types(&[40080]).value(15).object(40075, 40076, &[40077, 40078, 40079]),
    regex("$regexFind"),
    regex("$regexFindAll"),
    regex("$regexMatch"),
    replace("$replaceAll"),
    replace("$replaceOne"),
    row("$reverseArray").types(&[34435]),
    row("$round").types(&[51081, 51082]).value(51083),
    trim("$rtrim"),
    part("$second"),
    row("$setDifference").types(&[17048, 17049]),
    row("$setEquals").types(&[17044]).count(17045),
    row("$setField").types(&[4_161_107, 4_161_105]).object(
        4_161_100,
        4_161_101,
        &[4_161_102, 4_161_109, 4_161_103],
    ),
    row("$setIntersection").types(&[17047]),
    row("$setIsSubset").types(&[17046, 17042]),
    row("$setUnion").types(&[17043]),
    function("$sigmoid"),
    function("$sin").value(50989),
    function("$sinh"),
    row("$size").types(&[17124]),
    row("$slice").types(&[28724, 28725, 28727]).whole(&[0, 28726, 28728]).value(28729),
    row("$sortArray").types(&[2_942_504]).object(2_942_500, 2_942_501, &[2_942_502, 2_942_503]),
    row("$split").types(&[40085, 40086]).value(40087),
    function("$sqrt").value(28714),
    row("$strLenBytes").types(&[34473]),
    row("$strLenCP").types(&[34471]),
    row("$strcasecmp").value(16007),
    row("$substr").types(&[16007, 16034, 16035]).value(50752),
    row("$substrBytes").types(&[16007, 16034, 16035]).value(50752),
    row("$substrCP").types(&[16007, 34450, 34452]).whole(&[0, 34451, 34453]).value(34455),
    row("$subtract"),
    row("$switch").value(40066).object(40060, 40067, &[40068]),
    function("$tan").value(50989),
    function("$tanh"),
    row("$toBool").value(241),
    row("$toDate").value(241),
    row("$toDouble").value(241),
    row("$toInt").value(241),
    row("$toLong").value(241),
    row("$toLower").value(16007),
    row("$toObjectId").value(241),
    row("$toString").value(241),
    row("$toUpper").value(16007),
    trim("$trim"),
    row("$trunc").types(&[51081, 51082]).value(51083),
    row("$unsetField").types(&[4_161_107, 4_161_105]).object(4_161_100, 4_161_101, &[4_161_102, 4_161_109]),
    part("$week"),
    part("$year"),
    row("$zip").types(&[34461, 34463, 34462]).value(34468).object(34460, 34464, &[34465]),
    row("a branch of $switch").object(40062, 40063, &[40064, 40065]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_the_order_that_the_search_needs() {
        let names: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
        assert!(names.is_sorted(), "{names:?}");
    }

    #[test]
    fn the_last_number_holds_for_the_arguments_behind_it() {
        let element = operator("$arrayElemAt");
        assert_eq!((element.of_type(0).number(), element.of_type(1).number()), (28689, 28690));
        assert_eq!((element.not_whole(0).number(), element.not_whole(1).number()), (28689, 28691));
        assert_eq!(operator("$setUnion").of_type(7).number(), 17043);
    }

    #[test]
    fn an_operator_without_a_row_has_the_numbers_that_most_have() {
        let none = operator("$nothing");
        assert_eq!((none.of_type(0), none.of_value()), (TYPE_MISMATCH, BAD_VALUE));
    }
}
