pub mod accounts;
pub mod echo;
pub mod ntlm_client;
pub mod raw;
