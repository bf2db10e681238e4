//! Security providers behind [`dcerpc::security::SecurityContext`], and the accounts that a server checks them against.

pub mod accounts;
mod file_time;
pub mod ntlm;

pub use dcerpc::security::Identity;
