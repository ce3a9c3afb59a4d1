//! All operators: a file of operators is added to [`TABLES`], and parsing finds each by its name.

use super::operator::Operator;

/// All operators, by subject.
const TABLES: [&[Operator]; 16] = [
    super::numbers::arithmetic::OPERATORS,
    super::arrays::elements::OPERATORS,
    super::numbers::bits::OPERATORS,
    super::types::convert::OPERATORS,
    super::dates::parts::OPERATORS,
    super::dates::steps::OPERATORS,
    super::dates::text::OPERATORS,
    super::logic::OPERATORS,
    super::objects::OPERATORS,
    super::arrays::percentile::OPERATORS,
    super::arrays::ranked::OPERATORS,
    super::strings::search::OPERATORS,
    super::arrays::sets::OPERATORS,
    super::types::sizes::OPERATORS,
    super::strings::text::OPERATORS,
    super::numbers::trigonometry::OPERATORS,
];

/// The names of these operators.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TABLES.into_iter().flatten().map(|operator| operator.name)
}

/// The operator of this name.
pub(super) fn find(name: &str) -> Option<&'static Operator> {
    TABLES.into_iter().flatten().find(|operator| operator.name == name)
}

/// Operators of MongoDB 8 that are not supported.
pub(super) const UNSUPPORTED: &[&str] = &[
    "$accumulator",
    "$covariancePop",
    "$covarianceSamp",
    "$denseRank",
    "$derivative",
    "$documentNumber",
    "$expMovingAvg",
    "$function",
    "$integral",
    "$linearFill",
    "$locf",
    "$meta",
    "$rank",
    "$sampleRate",
    "$shift",
    "$toDecimal",
    "$toHashedIndexKey",
    "$toUUID",
    "$tsIncrement",
    "$tsSecond",
];
