#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| securecode_fuzz::run("masker", data));

#[cfg(not(fuzzing))]
fn main() {}
