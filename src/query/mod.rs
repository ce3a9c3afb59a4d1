//! Queries, pure: parsed once, matched many times over encoded bytes. No I/O, no locks.
