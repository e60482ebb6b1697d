//! The answering side: a pure function from a request to messages.

use crate::entry::Entry;
use crate::interface::Interface;
use crate::message::{Head, RTM_GETLINK, RTM_GETNEIGH, emit, emit_error, split};
use crate::request::Filter;
use netlink_packet_core::{DoneMessage, NLM_F_DUMP, NLM_F_MULTIPART, NLM_F_REQUEST, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;

/// Positive errno values, as they go into an error message.
const EINVAL: i32 = 22;
const EOPNOTSUPP: i32 = 95;

/// Who knows the interfaces and neighbours that a dump tells of.
pub trait Snapshot {
    /// All interfaces, by index.
    fn interfaces(&self) -> Vec<Interface>;

    /// Neighbours, IPv4 before IPv6. What the filter does not let pass may be among them: it is left out.
    fn neighbours(&self, filter: &Filter) -> Vec<Entry>;
}

/// Answers one request, a whole message as [`crate::Frames`] gives it, by appending to `out`.
///
/// What is not understood is answered with an error message, never with silence; only a message that
/// is no request (`NLM_F_REQUEST` is not set) is passed over, as the kernel does.
pub fn respond(request: &[u8], snapshot: &impl Snapshot, out: &mut Vec<u8>) {
    let Some((head, payload)) = split(request) else { return };
    if head.flags & NLM_F_REQUEST == 0 {
        return;
    }
    let dump = head.flags & NLM_F_DUMP == NLM_F_DUMP;
    match head.kind {
        RTM_GETNEIGH if dump => match Filter::parse(payload) {
            Ok(filter) => {
                let mut entries = snapshot.neighbours(&filter);
                entries.retain(|entry| filter.admits(entry));
                let messages = entries.iter().map(|e| RouteNetlinkMessage::NewNeighbour(e.to_message()));
                dump_all(out, head, messages);
            }
            Err(_) => emit_error(out, request, EINVAL),
        },
        RTM_GETLINK if dump => {
            let interfaces = snapshot.interfaces();
            dump_all(out, head, interfaces.iter().map(|i| RouteNetlinkMessage::NewLink(i.to_message())));
        }
        _ => emit_error(out, request, EOPNOTSUPP),
    }
}

fn dump_all(out: &mut Vec<u8>, asked: Head, messages: impl Iterator<Item = RouteNetlinkMessage>) {
    let head = Head { flags: NLM_F_MULTIPART, ..asked };
    for message in messages {
        emit(out, head, NetlinkPayload::InnerMessage(message));
    }
    emit(out, head, NetlinkPayload::Done(DoneMessage::default()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::Frames;
    use crate::message::{Control, control};
    use crate::request;
    use neighbour::{Family, Flags, NudState};
    use proptest::prelude::*;

    struct World(Vec<Entry>);

    impl Snapshot for World {
        fn interfaces(&self) -> Vec<Interface> {
            let name = |index: u32| format!("eth{index}");
            let make = |i| Interface { index: i, name: name(i), hardware: 1, flags: 0, lladdr: None };
            (1..=2).map(make).collect()
        }

        fn neighbours(&self, _: &Filter) -> Vec<Entry> {
            self.0.clone()
        }
    }

    fn world() -> World {
        let entry = |interface, address: &str| Entry {
            interface,
            address: address.parse().unwrap(),
            state: NudState::STALE,
            flags: Flags::empty(),
            kind: 1,
            lladdr: Some([2, 0, 0, 0, 0, 1].into()),
            cache: None,
            probes: None,
            protocol: 0,
        };
        World(vec![entry(1, "192.0.2.1"), entry(2, "192.0.2.2"), entry(1, "2001:db8::1")])
    }

    /// The contents of the messages, and what the last one is.
    fn answer(request: &[u8]) -> (Vec<(Head, Vec<u8>)>, Option<Control>) {
        let mut out = Vec::new();
        respond(request, &world(), &mut out);
        let mut frames = Frames::default();
        frames.push(&out);
        let mut all = Vec::new();
        while let Some(message) = frames.next_message().unwrap() {
            let (head, payload) = split(message).unwrap();
            match control(head, payload) {
                Control::Content(_) => all.push((head, payload.to_vec())),
                end => {
                    assert!(frames.is_empty(), "something follows the end");
                    return (all, Some(end));
                }
            }
        }
        (all, None)
    }

    #[test]
    fn a_dump_tells_what_the_filter_admits_and_then_that_it_is_done() {
        let cases = [
            (Filter::default(), vec!["192.0.2.1", "192.0.2.2", "2001:db8::1"]),
            (Filter { family: Some(Family::Inet), ..Filter::default() }, vec!["192.0.2.1", "192.0.2.2"]),
            (Filter { family: Some(Family::Inet6), ..Filter::default() }, vec!["2001:db8::1"]),
            (Filter { interface: Some(2), ..Filter::default() }, vec!["192.0.2.2"]),
            (Filter { proxy: true, ..Filter::default() }, vec![]),
        ];
        for (filter, expected) in cases {
            let (messages, end) = answer(&request::neighbours(77, &filter));
            let told: Vec<String> =
                messages.iter().map(|(_, p)| Entry::parse(p).unwrap().address.to_string()).collect();
            assert_eq!(told, expected, "{filter:?}");
            assert_eq!(end, Some(Control::Done(0)));
            assert!(messages.iter().all(|(head, _)| head.sequence == 77 && head.flags == NLM_F_MULTIPART));
        }
    }

    #[test]
    fn a_dump_of_interfaces_names_them() {
        let (messages, end) = answer(&request::interfaces(1));
        let names: Vec<String> = messages.iter().map(|(_, p)| Interface::parse(p).unwrap().name).collect();
        assert_eq!((names.join(" ").as_str(), end), ("eth1 eth2", Some(Control::Done(0))));
    }

    #[test]
    fn what_is_not_understood_is_answered_with_an_error() {
        let mut get = request::neighbours(1, &Filter::default());
        get[6..8].copy_from_slice(&1_u16.to_ne_bytes()); // no dump
        assert_eq!(answer(&get).1, Some(Control::Error(-EOPNOTSUPP)));
        let mut other = request::neighbours(1, &Filter::default());
        other[4..6].copy_from_slice(&24_u16.to_ne_bytes()); // RTM_NEWROUTE
        assert_eq!(answer(&other).1, Some(Control::Error(-EOPNOTSUPP)));
        let whole = request::neighbours(1, &Filter { interface: Some(3), ..Filter::default() });
        let mut cut = whole[..whole.len() - 2].to_vec();
        let len = cut.len() as u32;
        cut[..4].copy_from_slice(&len.to_ne_bytes());
        assert_eq!(answer(&cut).1, Some(Control::Error(-EINVAL)));
    }

    #[test]
    fn what_is_no_request_is_passed_over() {
        let mut reply = request::neighbours(1, &Filter::default());
        reply[6..8].copy_from_slice(&2_u16.to_ne_bytes());
        assert_eq!(answer(&reply), (vec![], None));
    }

    proptest! {
        #[test]
        fn no_request_makes_it_panic(
            kind in prop::sample::select(vec![16_u16, 18, 28, 30, 64]), flags: u16,
            payload in prop::collection::vec(any::<u8>(), 0..64),
        ) {
            let mut request = vec![0; 16];
            request[4..6].copy_from_slice(&kind.to_ne_bytes());
            request[6..8].copy_from_slice(&(flags | 1).to_ne_bytes());
            request.extend(payload);
            let len = request.len() as u32;
            request[..4].copy_from_slice(&len.to_ne_bytes());
            prop_assert!(answer(&request).1.is_some());
        }
    }
}
