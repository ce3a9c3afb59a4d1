//! Indexes: order-preserving keys.
