//! Our daemon beside the kernel: the same sequences of requests, frames and waits, and what differs.
//!
//! Two hosts with the same addresses, parameters and MAC: a network namespace of the running kernel, and
//! `neigh run`. A seeded generator makes sequences; each step is done to both; then tables, notifications
//! and frames are compared. A difference that shows three times is shrunk to the shortest sequence that
//! still shows it, and printed with its seed.
//!
//! `NEIGH_DIFF_SEQUENCES` and `NEIGH_DIFF_SEED` make more and other ones than the few dozen of each run
//! (`cargo xtask diff --sequences 300 --seed 7`).

mod compare;
mod fault;
mod frames;
mod rules;
mod run;
mod sides;
mod step;
#[path = "../run/world.rs"]
#[expect(dead_code, reason = "made for the tests of the program, of which these need a part")]
mod world;

use fault::Fault;
use run::{Found, search};
use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;
use world::in_namespace;

/// Hosts that work at the same time.
const WORKERS: u64 = 4;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}: not a number")))
}

/// Works through `sequences` seeds from `first` on; gives what was found and the rules that were reached.
fn work(first: u64, sequences: u64, fault: Fault) -> (Vec<Found>, BTreeSet<&'static str>) {
    let enough = AtomicBool::new(false);
    let enough = &enough;
    let results = std::thread::scope(|scope| {
        let worker = |n: u64| {
            scope.spawn(move || {
                search(
                    (first..first + sequences).skip(n as usize).step_by(WORKERS as usize),
                    n,
                    fault,
                    enough,
                )
            })
        };
        let workers: Vec<_> = (0..WORKERS).map(worker).collect();
        workers.into_iter().map(|worker| worker.join().expect("a worker")).collect::<Vec<_>>()
    });
    let mut all = (Vec::new(), BTreeSet::new());
    for (found, rules) in results {
        all.0.extend(found);
        all.1.extend(rules);
    }
    all
}

#[test]
fn the_daemon_does_what_the_kernel_does() {
    in_namespace("the_daemon_does_what_the_kernel_does", || {
        let (sequences, seed) = (number("NEIGH_DIFF_SEQUENCES", 24), number("NEIGH_DIFF_SEED", 1));
        let (found, rules) = work(seed, sequences, Fault::None);
        println!(
            "{sequences} sequences from seed {seed} on; rules reached ({}): {}",
            rules.len(),
            rules.iter().copied().collect::<Vec<_>>().join(" ")
        );
        let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert!(found.is_empty(), "{} of {sequences} sequences differ\n{}", found.len(), texts.join("\n"));
        assert!(rules.len() >= 40, "the sequences reach few rules only: {rules:?}");
    });
}

#[test]
fn a_fault_in_the_daemon_is_found() {
    in_namespace("a_fault_in_the_daemon_is_found", || {
        // Where to begin, so that little time goes by until each shows.
        for (fault, first) in
            [(Fault::OneProbeLess, 1), (Fault::OverrideIgnored, 46), (Fault::RemovalsNotTold, 1)]
        {
            let (found, _) = work(first, 96, fault);
            let shortest = found.iter().min_by_key(|found| found.steps.len());
            let shortest =
                shortest.unwrap_or_else(|| panic!("ninety-six sequences and {fault:?} goes unnoticed"));
            println!("{fault:?}: {shortest}");
            assert!(shortest.steps.len() <= 8, "not shrunk: {shortest}");
        }
    });
}
