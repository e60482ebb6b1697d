//! Floods: what they may cost, and that the living are served meanwhile and afterwards.

use crate::stage::{PEER, Running, Stage, has};
use crate::world::in_namespace;

/// Entries of a family that there may be: `gc_thresh3`.
const ENTRIES_MAX: usize = 1024;
/// What a flood may add to the daemon's memory, in kB.
const MEMORY_MAX: u64 = 16 * 1024;

/// Lets it run until the watcher calls it a storm; the honest host is answered, and what was bounded is.
fn survives(stage: &Stage, attack: Running) {
    let before = stage.memory();
    stage.watcher_tells("storm: dev v0: ");
    for _ in 0..5 {
        stage.peer_is_answered();
    }
    let entries = stage.daemon.show("-6 nud all").lines().count();
    assert!(entries <= ENTRIES_MAX + 16, "{entries} entries");
    drop(attack);
    stage.peer_is_answered();
    let after = stage.memory();
    assert!(after < before + MEMORY_MAX, "{before} kB before, {after} kB after");
    assert_eq!(stage.lladdr("192.0.2.1").as_deref(), Some(PEER));
}

/// The same for tools of thc-ipv6 that flood the link.
fn flood(tool: &str, words: &str, check: impl FnOnce(&Stage)) {
    if !has(tool) {
        return;
    }
    let stage = Stage::new("--profile guarded --set conf/accept_ra=1");
    let attack = stage.attack(&format!("{tool} {words}"));
    survives(&stage, attack);
    check(&stage);
}

#[test]
fn flood_router26_is_bounded_in_addresses_routes_and_entries() {
    in_namespace("floods::flood_router26_is_bounded_in_addresses_routes_and_entries", || {
        flood("atk6-flood_router26", "a1", |stage| {
            let addresses = stage.ask("address show dev v1").lines().count();
            assert!(addresses < 100, "{addresses} addresses");
            stage.watcher_tells("new router: ");
        });
    });
}

#[test]
fn flood_advertise6_makes_no_entries() {
    in_namespace("floods::flood_advertise6_makes_no_entries", || {
        flood("atk6-flood_advertise6", "a1", |stage| {
            let entries = stage.daemon.show("-6").lines().count();
            assert!(entries < 20, "{}", stage.daemon.show("-6"));
        });
    });
}

#[test]
fn flood_solicitate6_is_bounded() {
    in_namespace("floods::flood_solicitate6_is_bounded", || {
        flood("atk6-flood_solicitate6", "a1 2001:db8::2", |_| {});
    });
}
