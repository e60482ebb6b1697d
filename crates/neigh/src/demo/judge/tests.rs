//! What the judges accept, and that each departure from it is noticed.

use super::*;
use crate::demo::cast::{self, OUR_MAC, PEER_MAC, TIMERS};
use crate::demo::evidence::{End, Record};
use crate::demo::phase::Phase;
use neighbour::Family;

const STRANGER: Mac = [2, 0, 0, 0, 0, 0x99];

/// A phase that began at ten seconds, and what was seen in it; times are milliseconds since its beginning.
struct Scene {
    family: Family,
    records: Vec<Record>,
    rested_ms: u64,
}

const BEGAN_MS: u64 = 10_000;

impl Scene {
    fn new(family: Family) -> Self {
        Self { family, records: Vec::new(), rested_ms: 5_000 }
    }

    fn us(&self) -> IpAddr {
        cast::our_prefix(self.family).address()
    }

    fn peer(&self) -> IpAddr {
        cast::peer_prefix(self.family).address()
    }

    fn fact(mut self, ms: u64, fact: Fact) -> Self {
        self.records.push(Record { at: Time::from_millis(BEGAN_MS + ms), fact });
        self
    }

    fn out(self, ms: u64, to: Mac, what: What) -> Self {
        let (at, direction, from) = (Time::from_millis(BEGAN_MS + ms), Direction::Out, OUR_MAC);
        self.fact(ms, Fact::Frame(Sighting { at, direction, to, from, what }))
    }

    fn comes(self, ms: u64, to: Mac, what: What) -> Self {
        let (at, direction, from) = (Time::from_millis(BEGAN_MS + ms), Direction::In, PEER_MAC);
        self.fact(ms, Fact::Frame(Sighting { at, direction, to, from, what }))
    }

    fn question(self, ms: u64, to: Mac) -> Self {
        let what = What::Solicit { target: self.peer(), source: self.us() };
        self.out(ms, to, what)
    }

    fn question_to_all(self, ms: u64) -> Self {
        let group = group_mac(self.peer());
        self.question(ms, group)
    }

    fn answer_from(self, ms: u64, lladdr: Mac) -> Self {
        let what = What::Answer { target: self.peer(), lladdr: Some(lladdr), solicited: true };
        self.comes(ms, OUR_MAC, what)
    }

    fn request(self, ms: u64, seq: u16) -> Self {
        let what = What::Echo { source: self.us(), destination: self.peer(), reply: false, seq };
        self.out(ms, PEER_MAC, what)
    }

    fn reply(self, ms: u64, seq: u16) -> Self {
        let what = What::Echo { source: self.peer(), destination: self.us(), reply: true, seq };
        self.comes(ms, OUR_MAC, what)
    }

    /// The items that the phase leaves unproven when it ends after `ms`.
    fn missing(&self, phase: Phase, ms: u64) -> Vec<Item> {
        let began = Time::from_millis(BEGAN_MS);
        let view = View {
            records: &self.records,
            family: self.family,
            us: End { address: self.us(), mac: OUR_MAC },
            peer: End { address: self.peer(), mac: PEER_MAC },
            timers: TIMERS,
            began,
            until: began + Time::from_millis(ms),
            confirmed: began - Time::from_millis(self.rested_ms),
        };
        let findings = phase.judge(&view);
        findings.into_iter().filter(|finding| finding.verdict.is_err()).map(|finding| finding.item).collect()
    }
}

fn both(check: impl Fn(Scene)) {
    Family::BOTH.into_iter().map(Scene::new).for_each(check);
}

const NOTHING: [Item; 0] = [];

#[test]
fn a_silent_wire_proves_nothing() {
    both(|scene| {
        for phase in Phase::ALL {
            assert_eq!(scene.missing(phase, 9_000), phase.items(), "{phase:?}");
        }
    });
}

#[test]
fn resolution_is_a_question_to_all_an_answer_and_the_packet_behind_it() {
    both(|scene| {
        let scene = scene.question_to_all(0).answer_from(1, PEER_MAC).request(1, 1).reply(2, 1);
        assert_eq!(scene.missing(Phase::Resolution, 2), NOTHING);
    });
}

#[test]
fn a_packet_on_the_wire_before_the_answer_did_not_wait() {
    both(|scene| {
        let scene = scene.question_to_all(0).request(0, 1).answer_from(1, PEER_MAC).reply(2, 1);
        assert_eq!(scene.missing(Phase::Resolution, 2), [Item::Incomplete, Item::Delivered]);
    });
}

#[test]
fn a_first_question_by_unicast_is_no_question_to_all() {
    both(|scene| {
        let scene = scene.question(0, PEER_MAC).answer_from(1, PEER_MAC).request(1, 1).reply(2, 1);
        assert_eq!(scene.missing(Phase::Resolution, 2), [Item::Solicitation]);
    });
}

#[test]
fn an_answer_with_a_strangers_address_is_none() {
    both(|scene| {
        let scene = scene.question_to_all(0).answer_from(1, STRANGER).request(1, 1).reply(2, 1);
        let missing = [Item::Incomplete, Item::Answer, Item::Delivered];
        assert_eq!(scene.missing(Phase::Resolution, 2), missing);
    });
}

#[test]
fn a_question_after_the_answer_is_not_reachable() {
    both(|scene| {
        let scene =
            scene.question_to_all(0).answer_from(1, PEER_MAC).request(1, 1).question_to_all(1).reply(2, 1);
        assert_eq!(scene.missing(Phase::Resolution, 2), [Item::Answer]);
    });
}

#[test]
fn a_packet_delivered_twice_or_not_answered_is_not_delivered() {
    both(|scene| {
        let scene = scene.question_to_all(0).answer_from(1, PEER_MAC).request(1, 1);
        assert_eq!(scene.missing(Phase::Resolution, 2), [Item::Delivered]);
        let scene = scene.request(1, 1).reply(2, 1);
        assert_eq!(scene.missing(Phase::Resolution, 2), [Item::Delivered]);
    });
}

#[test]
fn reachable_is_quiet_for_half_of_its_base() {
    both(|scene| {
        let scene = Scene { rested_ms: 20, ..scene }.request(0, 2).reply(1, 2);
        assert_eq!(scene.missing(Phase::Reachable, 1_100), NOTHING);
        assert_eq!(scene.missing(Phase::Reachable, 1_050), [Item::Reachable], "not watched for long enough");
        let scene = scene.question(900, PEER_MAC);
        assert_eq!(scene.missing(Phase::Reachable, 1_100), [Item::Reachable]);
    });
}

#[test]
fn a_packet_that_waits_is_not_sent_at_once() {
    both(|scene| {
        let scene = scene.request(100, 2).reply(101, 2);
        assert_eq!(scene.missing(Phase::Reachable, 1_200), [Item::Reachable]);
    });
}

#[test]
fn a_probe_comes_a_delay_after_the_packet() {
    let probed = |scene: Scene, ms| scene.request(0, 3).reply(1, 3).question(ms, PEER_MAC);
    both(|scene| {
        let scene = probed(scene, 1_004).answer_from(1_005, PEER_MAC);
        assert_eq!(scene.missing(Phase::Probing, 1_005), NOTHING);
    });
    both(|scene| {
        let scene = probed(scene, 950).answer_from(951, PEER_MAC);
        assert_eq!(scene.missing(Phase::Probing, 951), [Item::Delay, Item::Probe], "early");
    });
    both(|scene| {
        let scene = probed(scene, 1_400).answer_from(1_401, PEER_MAC);
        assert_eq!(scene.missing(Phase::Probing, 1_401), [Item::Probe], "late");
    });
    both(|scene| {
        let scene = probed(scene, 1_004).answer_from(1_000, PEER_MAC);
        let scene = Scene { records: scene.records.into_iter().rev().collect(), ..Scene::new(scene.family) };
        assert_eq!(scene.missing(Phase::Probing, 1_900), [Item::ProbeAnswered], "answered before");
    });
    both(|scene| {
        let scene = scene.request(0, 3).question_to_all(1_004).answer_from(1_005, PEER_MAC);
        assert_eq!(scene.missing(Phase::Probing, 1_005), [Item::Probe], "to all");
    });
}

#[test]
fn a_neighbour_confirmed_just_now_is_not_stale() {
    both(|scene| {
        let scene = Scene { rested_ms: 1_000, ..scene };
        let scene = scene.request(0, 3).question(1_004, PEER_MAC).answer_from(1_005, PEER_MAC);
        assert_eq!(scene.missing(Phase::Probing, 1_005), [Item::Stale]);
    });
}

#[test]
fn confirmation_needs_a_neighbour_that_was_stale_and_no_probe() {
    both(|scene| {
        let scene = scene.request(0, 5).reply(1, 5);
        assert_eq!(scene.missing(Phase::Confirmed, 1_400), [Item::Confirmed], "one reply only");
        let scene = scene.request(500, 105).reply(501, 105);
        assert_eq!(scene.missing(Phase::Confirmed, 1_400), NOTHING);
        assert_eq!(scene.missing(Phase::Confirmed, 1_300), [Item::Confirmed], "a late probe may come yet");
        let rested = Scene { rested_ms: 3_200, records: scene.records.clone(), ..scene };
        assert_eq!(rested.missing(Phase::Confirmed, 1_400), [Item::Confirmed], "perhaps REACHABLE still");
        let probed = scene.question(1_004, PEER_MAC);
        assert_eq!(probed.missing(Phase::Confirmed, 1_400), [Item::Confirmed]);
    });
}

#[test]
fn failure_is_three_unicast_probes_and_then_none() {
    let probes = |scene: Scene, times: &[u64]| {
        times.iter().fold(scene.request(0, 6), |scene, ms| scene.question(*ms, PEER_MAC))
    };
    let cases: [(&[u64], u64, bool); 6] = [
        (&[1_000, 1_204, 1_408], 1_900, true),
        (&[1_000, 1_204], 1_900, false),
        (&[1_000, 1_204, 1_408, 1_612], 1_900, false),
        (&[1_000, 1_204, 1_350], 1_900, false),
        (&[800, 1_004, 1_208], 1_900, false),
        (&[1_000, 1_204, 1_408], 1_500, false),
    ];
    for (times, until, right) in cases {
        both(|scene| {
            let missing = probes(scene, times).missing(Phase::Failing, until);
            assert_eq!(missing.is_empty(), right, "{times:?} until {until}");
        });
    }
    both(|scene| {
        let answered = probes(scene, &[1_000, 1_204, 1_408]).answer_from(1_409, PEER_MAC);
        assert_eq!(answered.missing(Phase::Failing, 1_900), [Item::Failed]);
    });
}

#[test]
fn a_packet_to_a_failed_neighbour_is_given_back_after_three_questions_to_all() {
    let asked = |scene: Scene| scene.question_to_all(0).question_to_all(204).question_to_all(408);
    let back = |scene: Scene, ms| {
        let family = scene.family;
        scene.fact(ms, Fact::GivenBack { family, seq: 7 })
    };
    both(|scene| assert_eq!(back(asked(scene), 612).missing(Phase::GivenBack, 812), NOTHING));
    let wrong = [Item::GivenBack];
    both(|scene| assert_eq!(asked(scene).missing(Phase::GivenBack, 812), wrong, "not given back"));
    both(|scene| assert_eq!(back(asked(scene), 500).missing(Phase::GivenBack, 812), wrong, "too early"));
    both(|scene| {
        let sent = back(asked(scene).request(409, 7), 612);
        assert_eq!(sent.missing(Phase::GivenBack, 812), wrong, "on the wire");
    });
    both(|scene| {
        let unicast = back(scene.question(0, PEER_MAC).question_to_all(204).question_to_all(408), 612);
        assert_eq!(unicast.missing(Phase::GivenBack, 812), wrong, "not to all");
    });
}

#[test]
fn the_peer_resolves_us_when_its_own_table_says_so() {
    let call = |scene: Scene, state| {
        let (us, peer) = (scene.us(), scene.peer());
        let (forth, back) = (
            What::Datagram { source: peer, destination: us, port: 7 },
            What::Datagram { source: us, destination: peer, port: 40_000 },
        );
        let answer = What::Answer { target: us, lladdr: Some(OUR_MAC), solicited: true };
        let table = Fact::PeerTable { address: us, lladdr: Some(OUR_MAC), state, removed: false };
        let heard = Fact::PeerHeard(scene.family);
        scene
            .comes(0, group_mac(us), What::Solicit { target: us, source: peer })
            .out(0, PEER_MAC, answer)
            .comes(1, OUR_MAC, forth)
            .out(1, PEER_MAC, back)
            .fact(2, table)
            .fact(2, heard)
    };
    both(|scene| assert_eq!(call(scene, NudState::REACHABLE).missing(Phase::Called, 2), NOTHING));
    both(|scene| assert_eq!(call(scene, NudState::STALE).missing(Phase::Called, 2), [Item::PeerResolves]));
    both(|scene| {
        let mut deaf = call(scene, NudState::REACHABLE);
        deaf.records.pop();
        assert_eq!(deaf.missing(Phase::Called, 2), [Item::PeerHears]);
    });
}
