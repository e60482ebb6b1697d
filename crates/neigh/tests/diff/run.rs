//! Running a sequence on both hosts, and shrinking one that shows a difference.

use crate::compare;
use crate::fault::Fault;
use crate::rules;
use crate::sides::Side;
use crate::step::{Dice, Step};
use crate::world::ip;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

/// A difference shows so many times before it is one.
const CONFIRM: usize = 3;
/// Attempts to do without a step.
const SHRINKS: usize = 24;

/// A difference.
pub(crate) struct Found {
    seed: u64,
    pub(crate) steps: Vec<Step>,
    what: String,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}, shortest sequence:", self.seed)?;
        for (n, step) in self.steps.iter().enumerate() {
            writeln!(f, "  {:2}. {step}", n + 1)?;
        }
        write!(f, "  {}", self.what)
    }
}

/// The two hosts of one sequence, and their cables.
struct Hosts {
    kernel: Side,
    daemon: Side,
    worker: u64,
}

impl Hosts {
    fn new(worker: u64, fault: Fault) -> Self {
        Self { kernel: Side::kernel(worker), daemon: Side::daemon(worker, fault), worker }
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        for cable in ["kw", "dw"] {
            ip(&format!("link del {cable}{}", self.worker));
        }
    }
}

/// Does the steps to both; the first difference, and the rules that were reached.
fn run(steps: &[Step], worker: u64, fault: Fault) -> (Result<(), String>, BTreeSet<&'static str>) {
    let mut hosts = Hosts::new(worker, fault);
    let Hosts { kernel, daemon, .. } = &mut hosts;
    let mut reached = BTreeSet::new();
    for (n, step) in steps.iter().enumerate() {
        // Waiting is done at the same time.
        let (theirs, ours) = std::thread::scope(|scope| {
            let theirs = scope.spawn(|| kernel.step(step));
            let ours = daemon.step(step);
            (theirs.join().expect("the kernel's side"), ours)
        });
        let at = |what: String| format!("after step {}: {what}", n + 1);
        if theirs != ours {
            return (Err(at(format!("answers\n    kernel: {theirs}\n    daemon: {ours}"))), reached);
        }
        reached.extend(rules::of(step, &theirs));
        if let Err(what) = compare::tables(kernel, daemon) {
            return (Err(at(what)), reached);
        }
    }
    reached.extend(rules::of_logs(&kernel.news, &kernel.sent));
    (compare::logs(kernel, daemon), reached)
}

/// Whether the steps differ each time; how, the last time.
fn differ(steps: &[Step], worker: u64, fault: Fault) -> Option<String> {
    let mut last = None;
    for _ in 0..CONFIRM {
        last = Some(run(steps, worker, fault).0.err()?);
    }
    last
}

/// Leaves out what the difference does not need.
fn shrink(mut steps: Vec<Step>, mut what: String, worker: u64, fault: Fault) -> (Vec<Step>, String) {
    let mut attempts = 0;
    let mut at = steps.len();
    while at > 0 && attempts < SHRINKS {
        at -= 1;
        attempts += 1;
        let mut fewer = steps.clone();
        fewer.remove(at);
        if run(&fewer, worker, fault).0.is_err()
            && let Some(still) = differ(&fewer, worker, fault)
        {
            (steps, what) = (fewer, still);
            at = at.min(steps.len());
        }
    }
    (steps, what)
}

/// Tries the sequences of these seeds. With a planted fault, up to the first, anybody's, that shows it.
pub(crate) fn search(
    seeds: impl Iterator<Item = u64>,
    worker: u64,
    fault: Fault,
    enough: &AtomicBool,
) -> (Vec<Found>, BTreeSet<&'static str>) {
    let (mut found, mut reached) = (Vec::new(), BTreeSet::new());
    for seed in seeds {
        if enough.load(Ordering::Relaxed) {
            break;
        }
        let steps = Dice::new(seed).sequence();
        let (result, rules) = run(&steps, worker, fault);
        reached.extend(rules);
        if result.is_err()
            && let Some(what) = differ(&steps, worker, fault)
        {
            if fault != Fault::None && enough.swap(true, Ordering::Relaxed) {
                break;
            }
            let (steps, what) = shrink(steps, what, worker, fault);
            found.push(Found { seed, steps, what });
        }
    }
    (found, reached)
}
