//! DCOM remoting over TCP for client and server: security contexts, activation, object table

pub mod client;
pub mod security;
pub mod server;
