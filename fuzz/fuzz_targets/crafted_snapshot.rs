#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| moltendb_node_fuzz::crafted_snapshot(data));
