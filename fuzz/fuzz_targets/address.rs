//! The parser of source addresses under random text.

#![no_main]

#[path = "../checks/address.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::address(data));
