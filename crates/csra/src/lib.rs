//! MS-CSRA: the ICertAdminD and ICertAdminD2 calls, their types, and the order in which they may come
