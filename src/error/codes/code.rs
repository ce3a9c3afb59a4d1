//! MongoDB's error codes: the only table of them, for Rust and, through each error, for JavaScript.
//!
//! A code has a name, its `codeName`. Codes that the server uses at only one place of its source have no name of their own;
//! their name is `Location` and the number.

use std::borrow::Cow;

/// An error code of MongoDB's server.
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

/// Defines a constant for each code with a name, and the list of all of them.
macro_rules! named {
    ($($constant:ident = $number:literal, $name:literal;)*) => {
        $(#[doc = $name] pub const $constant: Code = Code($number);)*
        const NAMES: &[(Code, &str)] = &[$(($constant, $name)),*];
    };
}

named! {
    BAD_VALUE = 2, "BadValue";
    GRAPH_CONTAINS_CYCLE = 5, "GraphContainsCycle";
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
    NO_MATCHING_DOCUMENT = 47, "NoMatchingDocument";
    NAMESPACE_EXISTS = 48, "NamespaceExists";
    MAX_TIME_MS_EXPIRED = 50, "MaxTimeMSExpired";
    DOLLAR_PREFIXED_FIELD_NAME = 52, "DollarPrefixedFieldName";
    INVALID_ID_FIELD = 53, "InvalidIdField";
    NOT_SINGLE_VALUE_FIELD = 54, "NotSingleValueField";
    EMPTY_FIELD_NAME = 56, "EmptyFieldName";
    DOTTED_FIELD_NAME = 57, "DottedFieldName";
    COMMAND_NOT_FOUND = 59, "CommandNotFound";
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
    CAPPED_POSITION_LOST = 136, "CappedPositionLost";
    EXCEEDED_MEMORY_LIMIT = 146, "ExceededMemoryLimit";
    VIEW_DEPTH_LIMIT_EXCEEDED = 165, "ViewDepthLimitExceeded";
    COMMAND_NOT_SUPPORTED_ON_VIEW = 166, "CommandNotSupportedOnView";
    OPTION_NOT_SUPPORTED_ON_VIEW = 167, "OptionNotSupportedOnView";
    INVALID_PIPELINE_OPERATOR = 168, "InvalidPipelineOperator";
    CANNOT_INDEX_PARALLEL_ARRAYS = 171, "CannotIndexParallelArrays";
    INVALID_INDEX_SPECIFICATION_OPTION = 197, "InvalidIndexSpecificationOption";
    CANNOT_BUILD_INDEX_KEYS = 201, "CannotBuildIndexKeys";
    MAX_SUB_PIPELINE_DEPTH_EXCEEDED = 232, "MaxSubPipelineDepthExceeded";
    CURSOR_KILLED = 237, "CursorKilled";
    NOT_IMPLEMENTED = 238, "NotImplemented";
    CONVERSION_FAILURE = 241, "ConversionFailure";
    NO_SUCH_TRANSACTION = 251, "NoSuchTransaction";
    TRANSACTION_TOO_LARGE = 257, "TransactionTooLarge";
    OPERATION_NOT_SUPPORTED_IN_TRANSACTION = 263, "OperationNotSupportedInTransaction";
    INVALID_RESUME_TOKEN = 260, "InvalidResumeToken";
    CHANGE_STREAM_FATAL_ERROR = 280, "ChangeStreamFatalError";
    CHANGE_STREAM_HISTORY_LOST = 286, "ChangeStreamHistoryLost";
    QUERY_EXCEEDED_MEMORY_LIMIT = 292, "QueryExceededMemoryLimitNoDiskUseAllowed";
    BSON_OBJECT_TOO_LARGE = 10334, "BSONObjectTooLarge";
    DUPLICATE_KEY = 11000, "DuplicateKey";
    INTERRUPTED = 11601, "Interrupted";
    MERGE_STAGE_NO_MATCHING_DOCUMENT = 13113, "MergeStageNoMatchingDocument";
    DATABASE_DIFFER_CASE = 13297, "DatabaseDifferCase";
    OUT_OF_DISK_SPACE = 14031, "OutOfDiskSpace";
    KEY_TOO_LONG = 17280, "KeyTooLong";
    IDL_FAILED_TO_PARSE = 40414, "IDLFailedToParse";
    IDL_UNKNOWN_FIELD = 40415, "IDLUnknownField";
}

/// Defines constants for codes without a name.
macro_rules! places {
    ($($(#[$doc:meta])* $constant:ident = $number:literal;)*) => {
        $($(#[$doc])* pub const $constant: Code = Code($number);)*
    };
}

places! {
    /// A number outside of the range of an option.
    OUT_OF_RANGE = 51024;
    /// `$out` into a capped collection.
    OUT_INTO_CAPPED = 17152;
    /// A compound sort or index with too many paths.
    TOO_MANY_KEYS = 13103;
    /// A sort that is not an object.
    SORT_NOT_AN_OBJECT = 15973;
    /// A sort direction that is neither a number nor `$meta`.
    SORT_DIRECTION_TYPE = 15974;
    /// A sort direction other than 1 and -1.
    SORT_DIRECTION = 15975;
    /// An empty sort.
    SORT_EMPTY = 15976;
    /// An object with an operator and other fields beside it.
    EXPRESSION_FIELDS = 15983;
    /// A path with an empty part.
    EMPTY_PATH_PART = 15998;
    /// A wrong number of arguments for an operator with a fixed number of them.
    ARGUMENT_COUNT = 16020;
    /// A part of a path that starts with '$'.
    DOLLAR_IN_PATH = 16410;
    /// A field name with a dot.
    DOT_IN_FIELD_NAME = 16412;
    /// '$' alone.
    DOLLAR_ALONE = 16872;
    /// `distinct` past 16 MB.
    DISTINCT_TOO_LARGE = 17217;
    /// An undefined variable.
    UNDEFINED_VARIABLE = 17276;
    /// An update that would make a document larger than 16 MiB.
    UPDATED_DOCUMENT_TOO_LARGE = 17419;
    /// A wrong number of arguments for an operator that takes a range of them.
    ARGUMENT_RANGE = 28667;
    /// Two paths of a projection of which one equals or contains the other.
    PROJECTION_COLLISION_BELOW = 31250;
    /// An inclusion in an exclusion projection.
    PROJECTION_INCLUDES = 31253;
    /// An exclusion in an inclusion projection.
    PROJECTION_EXCLUDES = 31254;
    /// `$elemMatch` on a nested field.
    PROJECTION_NESTED_ELEM_MATCH = 31275;
    /// A second positional path.
    PROJECTION_TWO_POSITIONAL = 31276;
    /// A positional `$` that is not at the end of its path.
    PROJECTION_DOLLAR_IN_PATH = 31394;
    /// A positional path in an exclusion projection.
    PROJECTION_POSITIONAL_EXCLUDES = 31395;
    /// A stage with more or less than one field.
    STAGE_FIELDS = 40323;
    /// An unknown stage.
    UNKNOWN_STAGE = 40324;
    /// A path that ends with a dot.
    DOT_AT_THE_END = 40353;
    /// An unknown time zone.
    UNKNOWN_TIME_ZONE = 40485;
    /// A stage that is not allowed within `$facet`.
    NOT_IN_FACET = 40600;
    /// A stage that must be the last one.
    MUST_BE_LAST = 40601;
    /// A stage that must be the first one.
    MUST_BE_FIRST = 40602;
    /// Options both in the regular expression and in the `options` argument.
    REGEX_OPTIONS_TWICE = 51075;
    /// A malformed regular expression in a filter.
    REGEX_INVALID = 51091;
    /// An unknown flag of a regular expression.
    REGEX_FLAG = 51108;
    /// A malformed regular expression in an expression.
    REGEX_EXPRESSION_INVALID = 51111;
    /// An empty object, or an empty `$elemMatch`, in a projection.
    PROJECTION_EMPTY_OBJECT = 51270;
    /// An empty projection.
    PROJECTION_EMPTY = 51272;
    /// A positional projection that matched no element.
    PROJECTION_NO_ELEMENT = 51246;
    /// A `$slice` of a projection whose count is not positive.
    SLICE_COUNT = 28724;
    /// A path that occurs twice in a sort.
    SORT_TWICE = 7472500;
    /// More stages than a pipeline may have.
    TOO_MANY_STAGES = 7749501;
    /// `$limit` of 0.
    LIMIT_OF_NONE = 15958;
    /// `$unwind` of a path without '$'.
    UNWIND_WITHOUT_DOLLAR = 28818;
    /// An `$unwind` whose path is not a string.
    UNWIND_PATH_TYPE = 28808;
    /// A `preserveNullAndEmptyArrays` that is not a boolean.
    UNWIND_PRESERVE = 28809;
    /// An `includeArrayIndex` that starts with '$'.
    UNWIND_INDEX = 28822;
    /// A field of `$group` that is not an accumulator.
    GROUP_FIELD = 40234;
    /// A field of `$group` with a dot.
    GROUP_FIELD_DOT = 40235;
    /// A field of `$group` that starts with '$'.
    GROUP_FIELD_DOLLAR = 40236;
    /// An accumulator with more or less than one expression.
    GROUP_UNARY = 40237;
    /// A field of `$group` with more or less than one accumulator.
    GROUP_ONE = 40238;
    /// An unknown accumulator.
    UNKNOWN_ACCUMULATOR = 15952;
    /// `$firstN` and the like without `input`.
    N_INPUT = 5_787_907;
    /// `$topN` and the like without `n`.
    RANKED_N = 5_788_003;
    /// `$top` and the like without `output`.
    RANKED_OUTPUT = 5_788_004;
    /// `$top` and the like without `sortBy`.
    RANKED_SORT = 5_788_005;
    /// `boundaries` of `$bucket` that are not an array.
    BUCKET_BOUNDARIES = 40200;
    /// A `groupBy` of `$bucket` that is neither a path nor an expression.
    BUCKET_BY = 40202;
    /// The same of `$bucketAuto`.
    BUCKETS_BY = 40239;
    /// A `$sortByCount` of an object that is no expression.
    SORT_BY_COUNT_OBJECT = 40147;
    /// A `$sortByCount` of a text that is no path.
    SORT_BY_COUNT_TEXT = 40148;
    /// A `$sortByCount` of something else.
    SORT_BY_COUNT_TYPE = 40149;
    /// Too few boundaries.
    BUCKET_FEW = 40192;
    /// Boundaries of different types.
    BUCKET_TYPES = 40193;
    /// Boundaries that are not in ascending order.
    BUCKET_ORDER = 40194;
    /// A `default` within the boundaries.
    BUCKET_DEFAULT = 40199;
    /// A value outside of the boundaries when there is no default.
    BUCKET_NONE = 40066;
    /// A `buckets` of `$bucketAuto` that is not a number.
    BUCKETS_TYPE = 40241;
    /// A `$count` with an empty name.
    COUNT_EMPTY = 40157;
    /// A `$count` with a name that starts with '$'.
    COUNT_DOLLAR = 40158;
    /// A `$count` with a name that contains a dot.
    COUNT_DOT = 40160;
    /// A `size` of `$sample` that is not a number.
    SAMPLE_TYPE = 28746;
    /// An element of `$unset` that is not a string.
    UNSET_TYPE = 31120;
    /// A `$replaceRoot` whose result is not an object.
    NEW_ROOT = 40228;
    /// A `pipeline` of `$facet` that is not an array.
    FACET_PIPELINE = 40170;
    /// A date part with more or less than one argument.
    DATE_PART_COUNT = 40536;
    /// `branches` of `$switch` that are not an array.
    SWITCH_BRANCHES = 40061;
    /// A `useLongestLength` of `$zip` that is not a boolean.
    ZIP_LONGEST = 34463;
    /// `defaults` of `$zip` without `useLongestLength`.
    ZIP_DEFAULTS = 34466;
    /// `defaults` of `$zip` whose length differs from that of `inputs`.
    ZIP_DEFAULTS_COUNT = 34467;
    /// An invalid base of `$log`.
    LOG_BASE = 28759;
    /// A limit of `$filter` that is not an int32.
    FILTER_LIMIT = 327_391;
    /// A value that cannot be converted to a string.
    NO_STRING = 16007;
    /// A start index within a character.
    SUBSTRING_START = 28656;
    /// An end index within a character.
    SUBSTRING_END = 28657;
    /// A negative length of `$substrCP`.
    SUBSTRING_LENGTH = 34454;
    /// An `$arrayToObject` of objects that also contains another value.
    ARRAY_TO_OBJECT_OBJECTS = 40391;
    /// An object with more or less than two fields.
    ARRAY_TO_OBJECT_FIELDS = 40392;
    /// An object without `k` or `v`.
    ARRAY_TO_OBJECT_KV = 40393;
    /// A `k` that is not a string.
    ARRAY_TO_OBJECT_K = 40394;
    /// A pair whose first element is not a string.
    ARRAY_TO_OBJECT_KEY = 40395;
    /// An `$arrayToObject` of pairs that also contains another value.
    ARRAY_TO_OBJECT_PAIRS = 40396;
    /// An array that does not have two elements.
    ARRAY_TO_OBJECT_PAIR = 40397;
    /// An `input` of `$setField` or `$unsetField` that is not an object.
    SET_FIELD_INPUT = 4_161_105;
    /// Options both in the regular expression and beside it.
    REGEX_EXPRESSION_OPTIONS = 51107;
    /// Date parts of both the Gregorian and the ISO calendar.
    DATE_PARTS_MIXED = 40489;
    /// The year is missing.
    DATE_PARTS_YEAR = 40516;
    /// A date part that is too large.
    DATE_PARTS_RANGE = 31034;
    /// A time zone that is not a string.
    TIME_ZONE_TYPE = 40517;
    /// A time zone of a date part that is not a string.
    TIME_ZONE_TYPE_OF_PART = 40533;
    /// An unknown unit of time.
    TIME_UNIT = 5_439_014;
    /// An unknown day of the week.
    START_OF_WEEK = 5_439_016;
    /// A date format that is not a string.
    DATE_FORMAT_TYPE = 18533;
    /// A format of `$dateFromString` that is not a string.
    DATE_READ_FORMAT_TYPE = 40684;
    /// A format that ends with a single '%'.
    DATE_FORMAT_END = 18535;
    /// Invalid percentiles of `$percentile`.
    PERCENTILE_PARTS = 7_750_301;
    /// An `$ifNull` with fewer than two arguments.
    IF_NULL_COUNT = 1257300;
    /// A `$documents` that does not evaluate to an array.
    DOCUMENTS_NOT_AN_ARRAY = 5858203;
}

/// A code from the tables of operators and stages.
pub(super) const fn place(number: i32) -> Code {
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
        let rows: Vec<(&str, i32)> = include_str!("../../../js/errors.ts")
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
        let source = include_str!("../../../js/errors.ts");
        for kind in Kind::ALL {
            let line = format!("\n  {}: ", kind.as_str());
            let said = source.split_once(&line).map(|(_, rest)| rest.split([',', '\n']).next().unwrap());
            let wanted = kind.code().map(|code| format!("'{}'", code.name()));
            assert!(said.is_none() || said == wanted.as_deref(), "{}: {said:?}", kind.as_str());
        }
    }
}
