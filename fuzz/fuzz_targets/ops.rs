//! Sequences of operations on one device: frames and packets, requests of administrators, devices that change, time. What
//! must always hold is checked after each; a sequence that breaks it is made short and printed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use neighbour::Family;
use neighbour_sim::ops::{Op, Trial, minimise};

/// Does this sequence break anything, and what?
fn broken(family: Family, ops: &[Op]) -> Option<String> {
    let mut trial = Trial::new(family, 1);
    ops.iter().find_map(|op| {
        trial.apply(op);
        let broken = trial.broken();
        (!broken.is_empty()).then(|| format!("{broken:?}"))
    })
}

fuzz_target!(|input: &[u8]| {
    // The first bit says which table it is about.
    let Some((first, input)) = input.split_first() else { return };
    let family = Family::BOTH[usize::from(first & 1)];
    let ops = Op::sequence(input);
    if let Some(what) = broken(family, &ops) {
        let short = minimise(&ops, |ops| broken(family, ops).is_some());
        panic!("{family:?}: {what}\nthe shortest sequence that breaks anything: {short:#?}");
    }
});
