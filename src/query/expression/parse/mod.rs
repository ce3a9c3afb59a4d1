//! Parsing expressions.
//!
//! - `parser`: what is known at the place of an expression: its path, the variables in scope
//! - `grammar`: an expression, by its form and the table of operators
//! - `special_forms`: operators that evaluate their operands themselves
//! - `let_option`: the option `let`
//!
//! `grammar` and `special_forms` call each other through `Parser::expression`: the language is recursive.

mod grammar;
mod let_option;
mod parser;
mod special_forms;

#[cfg(test)]
pub(in crate::query) use grammar::operators;
pub(in crate::query) use parser::Parser;
