#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| testkit::oracle::run("orpc_ntlm_initiator", data));
