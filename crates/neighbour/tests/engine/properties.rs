//! Any sequence of frames, packets, requests, device events and time keeps what must always hold. A failure
//! prints the shortest sequence that was found, and its seed.
//!
//! Operations and invariants are those of `neighbour-sim`, which the fuzzer and the simulator use, too.

use neighbour::{Config, Family, NudState};
use neighbour_sim::ops::{Op, Trial};
use proptest::collection::vec;
use proptest::prelude::*;

/// Operations by the bytes that stand for them: fewer and smaller bytes are simpler ones.
fn ops(most: usize) -> impl Strategy<Value = Vec<Op>> {
    vec(vec(any::<u8>(), 1..80), 1..most)
        .prop_map(|sequence| sequence.iter().map(|bytes| Op::decode(bytes)).collect())
}

/// So many cases, or as many as PROPTEST_CASES says.
fn cases(cases: u32) -> ProptestConfig {
    let config = match std::env::var_os("PROPTEST_CASES") {
        Some(_) => ProptestConfig::default(),
        None => ProptestConfig::with_cases(cases),
    };
    ProptestConfig { failure_persistence: None, ..config }
}

fn run(config: Config, family: Family, ops: &[Op]) -> Result<Trial, TestCaseError> {
    let mut trial = Trial::of(config, family);
    prop_assert_eq!(trial.broken(), []);
    for op in ops {
        trial.apply(op);
        prop_assert_eq!(trial.broken(), [], "after {:?}", op);
        prop_assert_eq!(trial.ledger.lost, 0, "events are taken in time");
    }
    Ok(trial)
}

proptest! {
    #![proptest_config(cases(64))]

    /// Among them: a link-layer address is shown in VALID states alone (DM-6).
    #[test]
    fn arp_keeps_its_invariants(seed in any::<u64>(), ops in ops(80)) {
        run(Config::linux().seed(seed), Family::Inet, &ops)?;
    }

    #[test]
    fn nd_keeps_its_invariants(seed in any::<u64>(), ops in ops(80)) {
        run(Config::linux().seed(seed), Family::Inet6, &ops)?;
    }

    #[test]
    fn the_profile_guarded_keeps_them_as_well(seed in any::<u64>(), ops in ops(80)) {
        for family in Family::BOTH {
            run(Config::guarded().seed(seed), family, &ops)?;
        }
    }

    #[test]
    fn in_the_end_all_is_given_back(seed in any::<u64>(), ops in ops(60)) {
        let mut trial = run(Config::linux().seed(seed), Family::Inet, &ops)?;
        trial.release_all();
        trial.apply(&Op::Flush);
        prop_assert_eq!(trial.broken(), []);
        let counted = trial.engine.gc_entries(Family::Inet);
        prop_assert_eq!((trial.engine.stats(Family::Inet).entries, counted), (0, 0));
        // And it works as on the first day.
        let as_before = [Op::Link(true), Op::Noarp(false), Op::Lladdr(false), Op::Set("neigh/mcast_solicit", 3)];
        for op in as_before {
            trial.apply(&op);
        }
        for op in [
            Op::Set("neigh/base_reachable_time_ms", 20_000),
            Op::Send { peer: 0, len: 40 },
            Op::Answer { peer: 0, other: false },
        ] {
            trial.apply(&op);
        }
        prop_assert_eq!(trial.broken(), []);
        let device = trial.engine.device_ids().next().expect("a device");
        let entry = trial.engine.neighbour(device, trial.peer(0)).expect("an entry");
        prop_assert_eq!(entry.state, NudState::REACHABLE);
    }
}

proptest! {
    #![proptest_config(cases(32))]

    #[test]
    fn one_seed_and_one_sequence_give_one_run(seed in any::<u64>(), ops in ops(60)) {
        for family in Family::BOTH {
            let log = || run(Config::linux().seed(seed), family, &ops).map(|trial| trial.log);
            prop_assert_eq!(log()?, log()?);
        }
    }

    /// Without administrators nothing passes the third threshold (GC-17 is theirs).
    #[test]
    fn frames_and_packets_never_pass_the_third_threshold(seed in any::<u64>(), ops in ops(150)) {
        let ops: Vec<Op> = ops.into_iter().filter(|op| !matches!(op, Op::Admin { .. })).collect();
        for config in [Config::linux(), Config::guarded()] {
            for family in Family::BOTH {
                let trial = run(config.clone().seed(seed), family, &ops)?;
                prop_assert!(!trial.ledger.thresholds_open);
                prop_assert!(trial.engine.gc_entries(family) <= 16);
            }
        }
    }
}
