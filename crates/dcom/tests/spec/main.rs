//! What MS-DCOM requires, section by section.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod support;

mod s1_7_versioning;
mod s2_2_13_orpc_headers;
mod s2_2_18_objref;
mod s2_2_19_dual_string_array;
mod s2_2_22_activation_properties;
mod s2_2_3_hresult;
mod s3_1_1_5_6_rem_unknown;
mod s3_1_2_5_1_object_exporter;
mod s3_1_2_5_2_3_activation;
