//! Values of plans that TOML has no type for: times with a unit, and shares.

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;

/// A length of time, in microseconds; written `250us`, `20ms`, `1.5s`, `2m` or `0`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) struct Span(pub(crate) u64);

const SPAN: &str = "a time such as \"250us\", \"20ms\", \"1.5s\" or \"2m\", not negative";
/// A day: longer than anybody waits for a simulation, and far from any overflow.
const LONGEST_US: f64 = 86_400e6;

impl Span {
    pub(crate) const fn millis(ms: u64) -> Self {
        Self(ms * 1000)
    }

    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
        let (number, unit) = text.split_at(split);
        let number: f64 = number.trim().parse().ok()?;
        let micros = match unit {
            "us" => 1.0,
            "ms" => 1e3,
            "s" => 1e6,
            "m" => 60e6,
            "" if number == 0.0 => 1.0,
            _ => return None,
        };
        let span = number * micros;
        (number.is_finite() && (0.0..=LONGEST_US).contains(&span)).then_some(Self(span.round() as u64))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            us if us % 1_000_000 == 0 => write!(f, "{}s", us / 1_000_000),
            us if us % 1000 == 0 => write!(f, "{}ms", us / 1000),
            us => write!(f, "{us}us"),
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Span;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(SPAN)
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Span, E> {
                Span::parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &SPAN))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// A probability: 0 to 1.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(crate) struct Share(pub(crate) f64);

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let share = f64::deserialize(deserializer)?;
        match (0.0..=1.0).contains(&share) {
            true => Ok(Self(share)),
            false => Err(D::Error::invalid_value(Unexpected::Float(share), &"a share from 0.0 to 1.0")),
        }
    }
}

/// How often in a second: more than 0, at most ten million.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Rate(pub(crate) f64);

const RATE: &str = "a number in a second, more than 0 and at most 10000000";

impl Rate {
    /// The time from the n-th to the next one, in microseconds, without drifting off.
    pub(crate) fn gap(self, n: u64) -> u64 {
        let at = |n: u64| (n as f64 * 1e6 / self.0).round() as u64;
        at(n + 1) - at(n)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = Rate;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(RATE)
            }
            fn visit_f64<E: Error>(self, rate: f64) -> Result<Rate, E> {
                match rate > 0.0 && rate <= 1e7 {
                    true => Ok(Rate(rate)),
                    false => Err(E::invalid_value(Unexpected::Float(rate), &RATE)),
                }
            }
            fn visit_i64<E: Error>(self, rate: i64) -> Result<Rate, E> {
                match (1..=10_000_000).contains(&rate) {
                    true => Ok(Rate(rate as f64)),
                    false => Err(E::invalid_value(Unexpected::Signed(rate), &RATE)),
                }
            }
        }
        deserializer.deserialize_any(Number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit_and_are_not_negative() {
        for (text, us) in [
            ("250us", 250),
            ("20ms", 20_000),
            ("1.5s", 1_500_000),
            ("2m", 120_000_000),
            ("0", 0),
            (" 3 s", 3_000_000),
        ] {
            assert_eq!(Span::parse(text), Some(Span(us)), "{text}");
        }
        for text in ["", "5", "-1s", "1h", "s", "1e40s", "NaNs", "infs", "1 s s"] {
            assert_eq!(Span::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_rate_does_not_drift() {
        let rate = Rate(3.0);
        assert_eq!((0..3).map(|n| rate.gap(n)).sum::<u64>(), 1_000_000);
        assert_eq!((0..3_000_000).map(|n| Rate(3e6).gap(n)).sum::<u64>(), 1_000_000);
    }
}
