//! FILETIME, [MS-DTYP] 2.3.3: units of 100 ns since 1601-01-01 UTC.

use std::time::{SystemTime, UNIX_EPOCH};

/// The time of this machine.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos() / 100).unwrap_or(u64::MAX).saturating_add(UNIX_EPOCH_AS_FILE_TIME)
}

/// 1970-01-01.
const UNIX_EPOCH_AS_FILE_TIME: u64 = 116_444_736_000_000_000;
