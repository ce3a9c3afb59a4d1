//! MongoDB's numbers for what went wrong: the one table of them, for Rust and, through each error, for JavaScript.
//!
//! A number has a name, its `codeName`. Those that the server gives one place in its source have none of their own; their
//! name is `Location` and the number. `operators` and `stages` say which number a fault of an expression, an accumulator or a
//! stage has.

use std::borrow::Cow;

#[path = "codes/operators.rs"]
mod operators;
#[path = "codes/stages.rs"]
mod stages;

pub use operators::{Operator, operator};
pub use stages::{Stage, stage};

/// A number of MongoDB's server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Code(i32);

impl Code {
    /// The number, which JavaScript sees as `code`.
    pub const fn number(self) -> i32 {
        self.0
    }

    /// The name, which JavaScript sees as `codeName`.
    pub fn name(self) -> Cow<'static, str> {
        match NAMES.iter().find(|(code, _)| *code == self) {
            Some((_, name)) => Cow::Borrowed(name),
            None => Cow::Owned(format!("Location{}", self.0)),
        }
    }
}

/// Constants of the numbers with names, and the list of both.
macro_rules! named {
    ($($constant:ident = $number:literal, $name:literal;)*) => {
        $(#[doc = $name] pub const $constant: Code = Code($number);)*
        const NAMES: &[(Code, &str)] = &[$(($constant, $name)),*];
    };
}

named! {
    BAD_VALUE = 2, "BadValue";
    FAILED_TO_PARSE = 9, "FailedToParse";
    TYPE_MISMATCH = 14, "TypeMismatch";
    OVERFLOW = 15, "Overflow";
    ILLEGAL_OPERATION = 20, "IllegalOperation";
    NAMESPACE_NOT_FOUND = 26, "NamespaceNotFound";
    INDEX_NOT_FOUND = 27, "IndexNotFound";
    PATH_NOT_VIABLE = 28, "PathNotViable";
    CANNOT_BACKFILL_ARRAY = 34, "CannotBackfillArray";
    CONFLICTING_UPDATE_OPERATORS = 40, "ConflictingUpdateOperators";
    CURSOR_NOT_FOUND = 43, "CursorNotFound";
    NAMESPACE_EXISTS = 48, "NamespaceExists";
    MAX_TIME_MS_EXPIRED = 50, "MaxTimeMSExpired";
    DOLLAR_PREFIXED_FIELD_NAME = 52, "DollarPrefixedFieldName";
    INVALID_ID_FIELD = 53, "InvalidIdField";
    NOT_SINGLE_VALUE_FIELD = 54, "NotSingleValueField";
    EMPTY_FIELD_NAME = 56, "EmptyFieldName";
    DOTTED_FIELD_NAME = 57, "DottedFieldName";
    IMMUTABLE_FIELD = 66, "ImmutableField";
    CANNOT_CREATE_INDEX = 67, "CannotCreateIndex";
    INVALID_OPTIONS = 72, "InvalidOptions";
    INVALID_NAMESPACE = 73, "InvalidNamespace";
    INDEX_OPTIONS_CONFLICT = 85, "IndexOptionsConflict";
    INDEX_KEY_SPECS_CONFLICT = 86, "IndexKeySpecsConflict";
    NOT_EXACT_VALUE_FIELD = 111, "NotExactValueField";
    WRITE_CONFLICT = 112, "WriteConflict";
    CONFLICTING_OPERATION_IN_PROGRESS = 117, "ConflictingOperationInProgress";
    DOCUMENT_VALIDATION_FAILURE = 121, "DocumentValidationFailure";
    EXCEEDED_MEMORY_LIMIT = 146, "ExceededMemoryLimit";
    INVALID_PIPELINE_OPERATOR = 168, "InvalidPipelineOperator";
    CANNOT_INDEX_PARALLEL_ARRAYS = 171, "CannotIndexParallelArrays";
    INVALID_INDEX_SPECIFICATION_OPTION = 197, "InvalidIndexSpecificationOption";
    CANNOT_BUILD_INDEX_KEYS = 201, "CannotBuildIndexKeys";
    MAX_SUB_PIPELINE_DEPTH_EXCEEDED = 232, "MaxSubPipelineDepthExceeded";
    CURSOR_KILLED = 237, "CursorKilled";
    NOT_IMPLEMENTED = 238, "NotImplemented";
    CONVERSION_FAILURE = 241, "ConversionFailure";
    QUERY_EXCEEDED_MEMORY_LIMIT = 292, "QueryExceededMemoryLimitNoDiskUseAllowed";
    BSON_OBJECT_TOO_LARGE = 10334, "BSONObjectTooLarge";
    DUPLICATE_KEY = 11000, "DuplicateKey";
    INTERRUPTED = 11601, "Interrupted";
    MERGE_STAGE_NO_MATCHING_DOCUMENT = 13113, "MergeStageNoMatchingDocument";
    OUT_OF_DISK_SPACE = 14031, "OutOfDiskSpace";
    KEY_TOO_LONG = 17280, "KeyTooLong";
    IDL_FAILED_TO_PARSE = 40414, "IDLFailedToParse";
    IDL_UNKNOWN_FIELD = 40415, "IDLUnknownField";
}

/// Constants of numbers without a name of their own.
macro_rules! places {
    ($($(#[$doc:meta])* $constant:ident = $number:literal;)*) => {
        $($(#[$doc])* pub const $constant: Code = Code($number);)*
    };
}

places! {
    /// A compound sort or index of too many paths.
    TOO_MANY_KEYS = 13103;
    /// A sort that is no object.
    SORT_NOT_AN_OBJECT = 15973;
    /// A direction that is neither a number nor `$meta`.
    SORT_DIRECTION_TYPE = 15974;
    /// A direction other than 1 and -1.
    SORT_DIRECTION = 15975;
    /// A sort without paths.
    SORT_EMPTY = 15976;
    /// An object with an operator and something beside it.
    EXPRESSION_FIELDS = 15983;
    /// A path with an empty part.
    EMPTY_PATH_PART = 15998;
    /// Another number of arguments than the operator takes.
    ARGUMENT_COUNT = 16020;
    /// A part of a path that starts with '$'.
    DOLLAR_IN_PATH = 16410;
    /// A field name with a dot.
    DOT_IN_FIELD_NAME = 16412;
    /// '$' alone.
    DOLLAR_ALONE = 16872;
    /// `distinct` past 16 MB.
    DISTINCT_TOO_LARGE = 17217;
    /// A variable that is not there.
    UNDEFINED_VARIABLE = 17276;
    /// An update that makes a document past 16 MiB.
    UPDATED_DOCUMENT_TOO_LARGE = 17419;
    /// Fewer or more arguments than an operator takes that takes a range of them.
    ARGUMENT_RANGE = 28667;
    /// Two fields of a projection of which one is the other, or part of it.
    PROJECTION_COLLISION_BELOW = 31250;
    /// An included field in a projection that excludes.
    PROJECTION_INCLUDES = 31253;
    /// An excluded field in a projection that includes.
    PROJECTION_EXCLUDES = 31254;
    /// `$elemMatch` of a nested field.
    PROJECTION_NESTED_ELEM_MATCH = 31275;
    /// A second positional path.
    PROJECTION_TWO_POSITIONAL = 31276;
    /// `$` that does not stand at the end of a path.
    PROJECTION_DOLLAR_IN_PATH = 31394;
    /// A positional path in a projection that excludes.
    PROJECTION_POSITIONAL_EXCLUDES = 31395;
    /// A stage with other than one field.
    STAGE_FIELDS = 40323;
    /// A stage that there is not.
    UNKNOWN_STAGE = 40324;
    /// A path that ends with a dot.
    DOT_AT_THE_END = 40353;
    /// A time zone that there is not.
    UNKNOWN_TIME_ZONE = 40485;
    /// A stage that may not stand within `$facet`.
    NOT_IN_FACET = 40600;
    /// A stage that must be the last one.
    MUST_BE_LAST = 40601;
    /// A stage that must be the first one.
    MUST_BE_FIRST = 40602;
    /// Options in the regular expression and beside it.
    REGEX_OPTIONS_TWICE = 51075;
    /// A regular expression of a filter that is not well formed.
    REGEX_INVALID = 51091;
    /// A flag that there is not.
    REGEX_FLAG = 51108;
    /// A regular expression of an expression that is not well formed.
    REGEX_EXPRESSION_INVALID = 51111;
    /// `$elemMatch`, or an object, of no field in a projection.
    PROJECTION_EMPTY_OBJECT = 51270;
    /// A projection without fields.
    PROJECTION_EMPTY = 51272;
    /// A positional projection that found no element.
    PROJECTION_NO_ELEMENT = 51246;
    /// `$slice` of a projection with a count that is not above 0.
    SLICE_COUNT = 28724;
    /// A path that a sort names twice.
    SORT_TWICE = 7472500;
    /// More stages than a pipeline may have.
    TOO_MANY_STAGES = 7749501;
    /// `$limit` of 0.
    LIMIT_OF_NONE = 15958;
    /// `$unwind` of a path without '$'.
    UNWIND_WITHOUT_DOLLAR = 28818;
    /// `$unwind` of what is no path.
    UNWIND_PATH_TYPE = 28808;
    /// `preserveNullAndEmptyArrays` is no boolean.
    UNWIND_PRESERVE = 28809;
    /// `includeArrayIndex` starts with '$'.
    UNWIND_INDEX = 28822;
    /// A field of `$group` that is no accumulator.
    GROUP_FIELD = 40234;
    /// A field of `$group` with a dot.
    GROUP_FIELD_DOT = 40235;
    /// A field of `$group` that starts with '$'.
    GROUP_FIELD_DOLLAR = 40236;
    /// An accumulator of other than one expression.
    GROUP_UNARY = 40237;
    /// A field of `$group` with other than one accumulator.
    GROUP_ONE = 40238;
    /// An accumulator that there is not.
    UNKNOWN_ACCUMULATOR = 15952;
    /// `$firstN` and the like without `input`.
    N_INPUT = 5_787_907;
    /// `$topN` and the like without `n`.
    RANKED_N = 5_788_003;
    /// `$top` and the like without `output`.
    RANKED_OUTPUT = 5_788_004;
    /// `$top` and the like without `sortBy`.
    RANKED_SORT = 5_788_005;
    /// `boundaries` of `$bucket` are no array.
    BUCKET_BOUNDARIES = 40200;
    /// Too few boundaries.
    BUCKET_FEW = 40192;
    /// Boundaries of several types.
    BUCKET_TYPES = 40193;
    /// Boundaries that do not rise.
    BUCKET_ORDER = 40194;
    /// `default` lies within the boundaries.
    BUCKET_DEFAULT = 40199;
    /// A value outside of the boundaries, and no default.
    BUCKET_NONE = 40066;
    /// `buckets` of `$bucketAuto` is no number.
    BUCKETS_TYPE = 40241;
    /// `$count` of the empty name.
    COUNT_EMPTY = 40157;
    /// `$count` of a name that starts with '$'.
    COUNT_DOLLAR = 40158;
    /// `$count` of a name with a dot.
    COUNT_DOT = 40160;
    /// `size` of `$sample` is no number.
    SAMPLE_TYPE = 28746;
    /// An element of `$unset` that is no string.
    UNSET_TYPE = 31120;
    /// `$replaceRoot` of what is no object.
    NEW_ROOT = 40228;
    /// `pipeline` of `$facet` is no array.
    FACET_PIPELINE = 40170;
    /// A part of a date of other than one argument.
    DATE_PART_COUNT = 40536;
    /// `branches` of `$switch` is no array.
    SWITCH_BRANCHES = 40061;
    /// `useLongestLength` of `$zip` is no boolean.
    ZIP_LONGEST = 34463;
    /// `defaults` of `$zip` without `useLongestLength`.
    ZIP_DEFAULTS = 34466;
    /// `defaults` of `$zip` of another length than `inputs`.
    ZIP_DEFAULTS_COUNT = 34467;
    /// The base of `$log`.
    LOG_BASE = 28759;
    /// A limit of `$filter` that is no int32.
    FILTER_LIMIT = 327_391;
    /// A value that does not read as a string.
    NO_STRING = 16007;
    /// A start within a character.
    SUBSTRING_START = 28656;
    /// An end within a character.
    SUBSTRING_END = 28657;
    /// A negative length of `$substrCP`.
    SUBSTRING_LENGTH = 34454;
    /// `$arrayToObject` of objects, among which there is another value.
    ARRAY_TO_OBJECT_OBJECTS = 40391;
    /// An object with other than two fields.
    ARRAY_TO_OBJECT_FIELDS = 40392;
    /// An object without `k` or `v`.
    ARRAY_TO_OBJECT_KV = 40393;
    /// `k` is no string.
    ARRAY_TO_OBJECT_K = 40394;
    /// The first of a pair is no string.
    ARRAY_TO_OBJECT_KEY = 40395;
    /// `$arrayToObject` of pairs, among which there is another value.
    ARRAY_TO_OBJECT_PAIRS = 40396;
    /// An array of other than two.
    ARRAY_TO_OBJECT_PAIR = 40397;
    /// `input` of `$setField` and `$unsetField` is no object.
    SET_FIELD_INPUT = 4_161_105;
    /// The options of a regular expression stand in it and beside it.
    REGEX_EXPRESSION_OPTIONS = 51107;
    /// Parts of a date of both calendars.
    DATE_PARTS_MIXED = 40489;
    /// The year is missing.
    DATE_PARTS_YEAR = 40516;
    /// A part of a date that is too large.
    DATE_PARTS_RANGE = 31034;
    /// A time zone that is no string.
    TIME_ZONE_TYPE = 40517;
    /// The same, of a part of a date.
    TIME_ZONE_TYPE_OF_PART = 40533;
    /// A unit of time that there is not.
    TIME_UNIT = 5_439_014;
    /// A day of the week that there is not.
    START_OF_WEEK = 5_439_016;
    /// A format of a date that is no string.
    DATE_FORMAT_TYPE = 18533;
    /// The same, of `$dateFromString`.
    DATE_READ_FORMAT_TYPE = 40684;
    /// A format that ends with a lone '%'.
    DATE_FORMAT_END = 18535;
    /// Parts of `$percentile` that are none.
    PERCENTILE_PARTS = 7_750_301;
    /// `$ifNull` of fewer than two.
    IF_NULL_COUNT = 1257300;
    /// `$documents` of what is no array.
    DOCUMENTS_NOT_AN_ARRAY = 5858203;
}

/// A number of the tables of operators and stages.
const fn place(number: i32) -> Code {
    Code(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn a_number_has_the_servers_name_or_that_of_a_place() {
        assert_eq!(BAD_VALUE.name(), "BadValue");
        assert_eq!(QUERY_EXCEEDED_MEMORY_LIMIT.name(), "QueryExceededMemoryLimitNoDiskUseAllowed");
        assert_eq!(UNKNOWN_STAGE.name(), "Location40324");
    }

    #[test]
    fn no_number_has_two_names() {
        for (n, (code, name)) in NAMES.iter().enumerate() {
            let again = NAMES.iter().skip(n + 1).find(|(other, text)| other == code || text == name);
            assert_eq!(again, None, "{} {name}", code.0);
        }
    }

    #[test]
    fn the_numbers_that_javascript_gives_are_those_of_the_table() {
        let rows: Vec<(&str, i32)> = include_str!("../../js/errors.ts")
            .lines()
            .take_while(|line| !line.starts_with('}'))
            .filter_map(|line| line.strip_prefix("  ")?.trim_end_matches(',').split_once(": "))
            .map(|(name, number)| (name, number.parse().unwrap()))
            .collect();
        assert!(rows.len() > 5, "{rows:?}");
        for (name, number) in rows {
            assert_eq!(Code(number).name(), name);
        }
    }

    #[test]
    fn the_numbers_of_kinds_are_the_same_in_javascript() {
        let source = include_str!("../../js/errors.ts");
        for kind in Kind::ALL {
            let line = format!("\n  {}: ", kind.as_str());
            let said = source.split_once(&line).map(|(_, rest)| rest.split([',', '\n']).next().unwrap());
            let wanted = kind.code().map(|code| format!("'{}'", code.name()));
            assert!(said.is_none() || said == wanted.as_deref(), "{}: {said:?}", kind.as_str());
        }
    }
}
