//! The rules of C706 and \[MS-RPCE\] that this crate implements, module by section.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod c706_12_6_pdus;
mod c706_14_ndr;
mod c706_l_towers;
mod framing;
mod rpce_2_2_1_2_endpoint_mapper;
mod rpce_2_2_2_11_security_trailer;
mod rpce_2_2_2_13_verification_trailer;
mod rpce_3_3_1_5_2_security_contexts;
mod rpce_3_3_1_5_3_features;
mod rpce_3_3_1_5_6_presentation_contexts;
mod rpce_3_3_2_client;
mod rpce_3_3_3_5_server_errors;
mod seeds;
mod support;
