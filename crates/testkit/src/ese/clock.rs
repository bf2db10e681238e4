//! Time, as the composed files see it.

use ese::LogTime;

/// A clock that moves when it is read: two moments are never the same, and every run has the same ones.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    seconds: u32,
}

const SECONDS_OF_DAY: u32 = 86_400;

impl Clock {
    /// 2024-01-08, 08:00:00 UTC.
    pub(super) fn new() -> Self {
        Clock { seconds: 7 * SECONDS_OF_DAY + 8 * 3600 }
    }

    /// The next second. After three weeks the days of January are over; nothing composed here takes that long.
    pub(super) fn now(&mut self) -> LogTime {
        self.seconds += 1;
        let day = self.seconds / SECONDS_OF_DAY % 28;
        let time = self.seconds % SECONDS_OF_DAY;
        let [second, minute, hour, day] = [time % 60, time / 60 % 60, time / 3600, day + 1].map(|part| part as u8);
        LogTime([second, minute, hour, day, 1, 124, 1, 0])
    }
}
