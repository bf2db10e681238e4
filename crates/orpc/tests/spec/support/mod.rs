pub mod accounts;
pub mod ntlm_client;
