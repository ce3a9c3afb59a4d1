//! The log of the core, where the environment asks for one.

mod collector;

pub(super) use collector::begin;
