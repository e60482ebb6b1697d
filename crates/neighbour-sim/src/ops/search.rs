//! Looking for a sequence that breaks an invariant, and making it short.

use super::{Op, Trial};
use crate::dice::Dice;
use crate::invariants::Broken;
use neighbour::{Config, Family};
use std::fmt;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A sequence that breaks something.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The seed of the sequence and of the engine.
    pub seed: u64,
    /// Which table it was about.
    pub family: Family,
    /// The shortest sequence that was found.
    pub ops: Vec<Op>,
    /// What it breaks.
    pub broken: Vec<Broken>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {} ({:?}) breaks:", self.seed, self.family)?;
        self.broken.iter().try_for_each(|broken| writeln!(f, "  {broken}"))?;
        writeln!(f, "after these operations, the shortest sequence that does:")?;
        self.ops.iter().try_for_each(|op| writeln!(f, "  {op:?}"))
    }
}

/// What a sequence breaks; a panic is something broken, too.
fn run(family: Family, seed: u64, ops: &[Op]) -> Vec<Broken> {
    let result = catch_unwind(AssertUnwindSafe(|| {
        // Odd seeds are the vigilant profile's.
        let config = if seed & 1 == 0 { Config::linux() } else { Config::guarded() };
        let mut trial = Trial::of(config.seed(seed), family);
        for op in ops {
            trial.apply(op);
            let broken = trial.broken();
            if !broken.is_empty() {
                return broken;
            }
        }
        Vec::new()
    }));
    result.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        vec![Broken { rule: "nothing panics on input", seen: text.unwrap_or_default() }]
    })
}

/// Tries the sequence of a seed, `len` operations long, on both families' tables.
pub fn try_seed(seed: u64, len: usize) -> Option<Failure> {
    let mut dice = Dice::new(seed);
    let draw = |dice: &mut Dice| {
        let bytes: Vec<u8> = (0..8).flat_map(|_| dice.u64().to_le_bytes()).collect();
        let len = dice.below(bytes.len() as u64) as usize;
        Op::decode(&bytes[..len.max(12)])
    };
    let ops: Vec<Op> = (0..len).map(|_| draw(&mut dice)).collect();
    let family = Family::BOTH.into_iter().find(|family| !run(*family, seed, &ops).is_empty())?;
    let ops = minimise(&ops, |ops| !run(family, seed, ops).is_empty());
    let broken = run(family, seed, &ops);
    Some(Failure { seed, family, ops, broken })
}

/// Tries many seeds; the first that fails. `progress` hears how many were tried.
pub fn search(seeds: Range<u64>, len: usize, mut progress: impl FnMut(u64)) -> Option<Failure> {
    let first = seeds.start;
    seeds.into_iter().find_map(|seed| {
        progress(seed - first);
        try_seed(seed, len)
    })
}

/// The shortest sequence that still fails, as far as leaving parts out finds it: halves first, then less and less.
pub fn minimise<T: Clone>(ops: &[T], mut fails: impl FnMut(&[T]) -> bool) -> Vec<T> {
    let mut ops = ops.to_vec();
    let mut part = ops.len().div_ceil(2);
    while part > 0 {
        let mut at = 0;
        let before = ops.len();
        while at < ops.len() {
            let end = (at + part).min(ops.len());
            let without: Vec<T> = ops[..at].iter().chain(&ops[end..]).cloned().collect();
            if fails(&without) {
                ops = without;
            } else {
                at = end;
            }
        }
        part = match part {
            1 if ops.len() < before => 1, // what needed it may be gone
            1 => 0,
            part => part.div_ceil(2),
        };
    }
    ops
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_part_in_a_failure_is_left_out() {
        let ops: Vec<u32> = (0..1000).collect();
        let needs = |wanted: &'static [u32]| move |ops: &[u32]| wanted.iter().all(|w| ops.contains(w));
        assert_eq!(minimise(&ops, needs(&[17])), [17]);
        assert_eq!(minimise(&ops, needs(&[3, 500, 999])), [3, 500, 999]);
        assert_eq!(minimise(&ops, |ops| ops.len() >= 10).len(), 10);
        assert_eq!(minimise(&ops, |_| true), [] as [u32; 0]);
    }

    #[test]
    fn random_sequences_keep_the_invariants() {
        if let Some(failure) = search(0..60, 120, |_| {}) {
            panic!("{failure}");
        }
    }

    #[test]
    fn a_failure_tells_its_seed_and_the_sequence() {
        let broken = vec![Broken { rule: "a rule", seen: "what was seen".into() }];
        let failure = Failure { seed: 77, family: Family::Inet, ops: vec![Op::Flush, Op::Delete(3)], broken };
        let text = failure.to_string();
        for word in ["seed 77", "Inet", "a rule: what was seen", "Flush", "Delete(3)"] {
            assert!(text.contains(word), "{word}: {text}");
        }
    }
}
