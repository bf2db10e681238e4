//! The certificate database: SQLite with numbered log generations, hot backup, truncation, recovery
