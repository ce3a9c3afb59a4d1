//! Values for tests, written as JSON text.
