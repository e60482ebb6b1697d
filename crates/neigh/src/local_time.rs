//! Times of the wall clock, in the zone of the user (`$TZ`, /etc/localtime).

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};
use std::time::Duration;

/// What was so many milliseconds ago, as `2026-11-20 21:03:07`.
pub(crate) fn date(ago_ms: u32) -> String {
    let then = Zoned::now().checked_sub(SignedDuration::from_millis(ago_ms.into()));
    then.unwrap_or_else(|_| Zoned::now()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Now, as `Fri Nov 20 21:11:03 2026 434119 usec`.
pub(crate) fn long() -> String {
    let now = Zoned::now();
    format!("{} {} usec", now.strftime("%a %b %e %H:%M:%S %Y"), now.subsec_nanosecond() / 1000)
}

/// Now, as `2026-11-20T21:11:03.434119`.
pub(crate) fn short() -> String {
    let now = Zoned::now();
    format!("{}.{:06}", now.strftime("%Y-%m-%dT%H:%M:%S"), now.subsec_nanosecond() / 1000)
}

/// A moment so long after 1970, in the same form. One that no calendar has is the last that it has.
pub(crate) fn short_at(since_1970: Duration) -> String {
    let since = SignedDuration::try_from(since_1970).unwrap_or(SignedDuration::MAX);
    let then = Timestamp::from_duration(since).unwrap_or(Timestamp::MAX);
    let then = then.to_zoned(TimeZone::system());
    format!("{}.{:06}", then.strftime("%Y-%m-%dT%H:%M:%S"), then.subsec_nanosecond() / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_width_of_iproute2s() {
        assert_eq!(date(0).len(), "2026-11-20 21:03:07".len());
        assert_eq!(short().len(), "2026-11-20T21:11:03.434119".len());
        for seconds in [0, 1_700_000_000, u64::MAX] {
            let text = short_at(Duration::from_secs(seconds));
            assert_eq!(text.len(), short().len(), "{text}");
        }
        assert!(long().ends_with(" usec"));
        assert!(date(0) > date(u32::MAX), "the past sorts before now");
    }
}
