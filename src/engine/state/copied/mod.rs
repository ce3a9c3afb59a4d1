//! What a restore brings back of a collection, and copies of it for another database.

mod collection;
