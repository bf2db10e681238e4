//! What MS-CSRA requires, section by section, and MS-WCCE and MS-OAUT where it refers to them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod support;

mod oaut_2_2_29_variant;
mod restore_instruction;
mod s2_2_1_4_certtransblob;
mod s2_2_4_file_names;
mod s2_2_5_error_codes;
mod s3_1_1_7_permissions;
mod s3_1_4_1_18_backup_sequence;
mod s3_1_4_calls;
mod s3_1_4_dispatch;
mod wcce_3_1_1_4_1_1_ca_names;
mod wcce_3_2_1_4_3_2_properties;
