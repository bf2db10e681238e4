#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| testkit::oracle::run("dcom_remote_activation", data));
