/// Why a stub cannot be decoded. Always the sender's fault; positions are bytes from the start of the stub.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The stub ends before the value does.
    #[error("stub ends early: {needed} bytes wanted at {at}, {remaining} left")]
    Truncated {
        /// Where the value starts.
        at: usize,
        /// Bytes that the value needs.
        needed: usize,
        /// Bytes that are left.
        remaining: usize,
    },
    /// A count is larger than the caller allows.
    #[error("count {claimed} at {at} exceeds the limit of {limit}")]
    Limit {
        /// Where the count stands.
        at: usize,
        /// What the sender claims.
        claimed: usize,
        /// What the caller allows.
        limit: usize,
    },
    /// Two fields that describe the same thing disagree, \[MS-RPCE\] 3.1.1.5.3.2.1.
    #[error("{field} at {at} is {found}, which contradicts {expected}")]
    Contradiction {
        /// Where the field stands.
        at: usize,
        /// Its name in C706.
        field: &'static str,
        /// What it holds.
        found: u64,
        /// What it had to hold, or the bound that it breaks.
        expected: u64,
    },
    /// A string is not UTF-16, or has a NUL inside.
    #[error("malformed UTF-16 string at {at}")]
    Text {
        /// Where the code units start.
        at: usize,
    },
    /// A pointer that must not be null is null, or a value lies outside its range.
    #[error("invalid {field} at {at}: {found:#x}")]
    Value {
        /// Where the field stands.
        at: usize,
        /// Its name in the IDL.
        field: &'static str,
        /// What it holds.
        found: u64,
    },
}
