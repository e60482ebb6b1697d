//! What is measured, as values: samples of each contestant in rounds, a row of contestants, a note.

use serde::{Deserialize, Serialize};

/// What a number counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Nanoseconds for each operation: less is better.
    Nanoseconds,
    /// Microseconds: less is better.
    Microseconds,
    /// Milliseconds: less is better.
    Milliseconds,
    /// Bytes for each entry: less is better.
    Bytes,
    /// Operations a second: more is better.
    PerSecond,
    /// A share of something: more is better.
    Share,
    /// Things that should not have happened.
    Count,
}

impl Unit {
    /// As it stands in tables.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Nanoseconds => "ns",
            Self::Microseconds => "µs",
            Self::Milliseconds => "ms",
            Self::Bytes => "bytes",
            Self::PerSecond => "/s",
            Self::Share => "×",
            Self::Count => "",
        }
    }

    /// Whether less is better.
    pub fn less_is_better(self) -> bool {
        !matches!(self, Self::PerSecond | Self::Share)
    }
}

/// One contestant's samples, one for each round.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Figure {
    /// Who.
    pub who: String,
    /// By which hash; empty where none matters.
    pub hash: String,
    /// In the order of the rounds: the same place is the same round for all figures of a row.
    pub samples: Vec<f64>,
}

impl Figure {
    /// A figure of samples.
    pub fn new(who: impl Into<String>, hash: impl Into<String>, samples: Vec<f64>) -> Self {
        Self { who: who.into(), hash: hash.into(), samples }
    }

    /// The middle sample.
    pub fn median(&self) -> f64 {
        quantile(&self.samples, 0.5)
    }

    /// The best sample.
    pub fn best(&self, unit: Unit) -> f64 {
        quantile(&self.samples, if unit.less_is_better() { 0.0 } else { 1.0 })
    }

    /// First and third quartile.
    pub fn quartiles(&self) -> (f64, f64) {
        (quantile(&self.samples, 0.25), quantile(&self.samples, 0.75))
    }

    /// Ours in parts of theirs, taken within each round, then the middle of that: what disturbs a round
    /// disturbs both.
    pub fn ratio_to(&self, other: &Self) -> f64 {
        let ratios: Vec<f64> = self.samples.iter().zip(&other.samples).map(|(a, b)| a / b).collect();
        quantile(&ratios, 0.5)
    }
}

/// The sample below which this share of all lies.
pub fn quantile(samples: &[f64], share: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let at = share * last as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (high - low) * at.fract()
}

/// All contestants at one thing of one size.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// What was measured; goals name it.
    pub what: String,
    /// Entries; 0 where it means nothing.
    pub size: u64,
    /// Which keys: family and order.
    pub keys: String,
    /// What the numbers count.
    pub unit: Unit,
    /// Ours first.
    pub figures: Vec<Figure>,
    /// What a reader has to know.
    pub notes: Vec<String>,
}

impl Row {
    /// A row without figures yet.
    pub fn new(what: &str, size: u64, keys: impl Into<String>, unit: Unit) -> Self {
        Self { what: what.into(), size, keys: keys.into(), unit, figures: Vec::new(), notes: Vec::new() }
    }

    /// With one more figure.
    #[must_use]
    pub fn with(mut self, who: &str, hash: &str, samples: Vec<f64>) -> Self {
        self.figures.push(Figure::new(who, hash, samples));
        self
    }

    /// With a remark.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Somebody's figure.
    pub fn figure(&self, who: &str) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.who == who)
    }
}

/// What a part has to say: rows, and why something was left out.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// A row.
    Row(Row),
    /// A row that could not be had, and why.
    Skipped {
        /// What would have been measured.
        what: String,
        /// Why not.
        why: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_the_samples() {
        let samples = [4.0, 1.0, 3.0, 2.0];
        assert_eq!(
            (quantile(&samples, 0.0), quantile(&samples, 0.5), quantile(&samples, 1.0)),
            (1.0, 2.5, 4.0)
        );
        assert!(quantile(&[], 0.5).is_nan());
    }

    #[test]
    fn a_ratio_is_taken_within_each_round() {
        // The second round was ten times slower for both.
        let ours = Figure::new("a", "", vec![1.0, 10.0, 1.0]);
        let theirs = Figure::new("b", "", vec![2.0, 20.0, 2.0]);
        assert_eq!(ours.ratio_to(&theirs), 0.5);
    }
}
