#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| testkit::oracle::run("ese_log_record", data));
