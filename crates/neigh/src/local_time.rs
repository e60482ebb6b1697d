//! Times of the wall clock, in the zone of the user (`$TZ`, /etc/localtime).

use jiff::{SignedDuration, Zoned};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_width_of_iproute2s() {
        assert_eq!(date(0).len(), "2026-11-20 21:03:07".len());
        assert_eq!(short().len(), "2026-11-20T21:11:03.434119".len());
        assert!(long().ends_with(" usec"));
        assert!(date(0) > date(u32::MAX), "the past sorts before now");
    }
}
