//! Requests in, messages out, on an engine without links. What the kernel can be asked, too, is compared
//! with it in `tests/kernel`.

use super::*;
use crate::extension::{History, Statistics};
use crate::frames::Frames;
use crate::message::{Control, control};
use crate::ntable::{ParmsInfo, TableChange, TableInfo};
use crate::request::{self, Filter, Request};
use neighbour::{Config, Device, Family, Flags, NudState};
use proptest::prelude::*;
use std::net::IpAddr;
use std::time::Duration;

struct World {
    engine: Engine,
    device: DeviceId,
}

impl World {
    fn new() -> Self {
        let mut engine = Engine::new(Config::default().seed(1));
        let device = Device::ethernet("eth0", [2, 0, 0, 0, 0, 1]).address("192.0.2.1/24".parse().unwrap());
        let device = engine.add_device(Instant::ZERO, device).unwrap();
        Self { engine, device }
    }

    /// The contents of the messages, and what the last one is.
    fn answer(&mut self, request: &[u8]) -> (Vec<(Head, Vec<u8>)>, Option<Control>) {
        self.converse(&mut Conversation::new(7), request)
    }

    fn converse(
        &mut self,
        conversation: &mut Conversation,
        request: &[u8],
    ) -> (Vec<(Head, Vec<u8>)>, Option<Control>) {
        let mut out = Vec::new();
        conversation.respond(request, self, &mut out);
        while conversation.is_telling() {
            conversation.go_on(self, &mut out);
        }
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

    fn add(&mut self, last: u8) -> Request {
        let mut request = Request::new(self.device.index(), [192, 0, 2, last].into());
        request.lladdr = Some(vec![2, 0, 0, 0, 0, last]);
        request.state = u16::from(NudState::STALE.0);
        request.create = true;
        assert_eq!(self.answer(&request::change(1, &request)).1, Some(Control::Error(0)));
        request
    }

    fn news(&mut self) -> Vec<(u16, u32, NudState)> {
        let events = std::iter::from_fn(|| self.engine.poll_event());
        let messages: Vec<Vec<u8>> = events.filter_map(|event| notification(&event.kind)).collect();
        let read = |message: &Vec<u8>| {
            let (head, payload) = split(message).unwrap();
            assert_eq!(head.sequence, 0, "EVT-6");
            (head.kind, head.port, Entry::parse(payload).unwrap().state)
        };
        messages.iter().map(read).collect()
    }
}

impl Host for World {
    fn engine(&self) -> &Engine {
        &self.engine
    }

    fn engine_mut(&mut self) -> &mut Engine {
        &mut self.engine
    }

    fn now(&self) -> Instant {
        Instant::from_millis(1500)
    }

    fn link(&self, device: DeviceId) -> LinkFacts {
        LinkFacts { hardware: 1, flags: u32::from(self.engine.is_up(device)) }
    }

    fn set_link(&mut self, device: DeviceId, up: bool) {
        self.engine.set_link(Instant::ZERO, device, up);
    }
}

#[test]
fn a_dump_tells_what_the_filter_admits_by_the_port_id_of_the_asker_nl_38() {
    let mut world = World::new();
    world.add(9);
    for (family, count) in [(None, 1), (Some(Family::Inet), 1), (Some(Family::Inet6), 0)] {
        let filter = Filter { family, interface: Some(world.device.index()), ..Filter::default() };
        let (messages, end) = world.answer(&request::neighbours(77, &filter));
        // The device's own groups have entries of IPv6.
        let told = messages.iter().filter(|(_, payload)| payload[0] == 2).count();
        assert_eq!((told, end), (count, Some(Control::Done(0))), "{family:?}");
        assert!(messages.is_sorted_by_key(|(_, payload)| payload[0]), "IPv4 first");
        for (head, _) in messages {
            assert_eq!((head.sequence, head.port, head.flags), (77, 7, 0x22), "NL-37, NL-38");
        }
    }
}

#[test]
fn a_delete_is_told_as_failed_by_its_asker_and_then_as_gone_by_nobody_nl_27_evt_6() {
    let mut world = World::new();
    let request = world.add(9);
    world.answer(&request::delete(2, &request, true));
    assert_eq!(
        world.news(),
        [
            (RTM_NEWNEIGH, 7, NudState::STALE),
            (RTM_NEWNEIGH, 7, NudState::FAILED),
            (RTM_DELNEIGH, 0, NudState::FAILED),
        ]
    );
}

#[test]
fn a_long_dump_comes_in_parts_and_tells_of_whoever_stays_exactly_once() {
    let mut world = World::new();
    let new = |n: u32| {
        neighbour::NewNeigh::replace(
            world.device,
            std::net::Ipv4Addr::from_bits(0x0a00_0000 + n).into(),
            Some([2, 0, 0, 0, 0, 9].into()),
            NudState::PERMANENT,
        )
    };
    let (now, device) = (Instant::ZERO, world.device);
    let requests: Vec<_> = (0..5000).map(new).collect();
    for request in &requests {
        world.engine.new_neigh(now, request).unwrap();
    }
    let all = Family::BOTH.map(|family| world.engine.neighbours(family).count()).iter().sum::<usize>();
    let mut conversation = Conversation::new(7);
    let (mut told, mut parts) = (Vec::new(), 0);
    let mut out = Vec::new();
    conversation.respond(&request::neighbours(1, &Filter::default()), &mut world, &mut out);
    loop {
        parts += 1;
        assert!(out.len() <= 64 * 1024 + 200, "{}", out.len());
        let mut frames = Frames::default();
        frames.push(&out);
        while let Some(message) = frames.next_message().unwrap() {
            let (head, payload) = split(message).unwrap();
            if head.kind == RTM_NEWNEIGH {
                told.push(Entry::parse(payload).unwrap().address);
            }
        }
        if !conversation.is_telling() {
            break;
        }
        // One that was told of goes, and one that was not.
        world.engine.del_neigh(now, device, told[told.len() - 1], 0).unwrap();
        world.engine.del_neigh(now, device, requests[5000 - parts].address, 0).unwrap();
        out.clear();
        conversation.go_on(&world, &mut out);
    }
    assert!(parts > 5, "{parts}");
    let told_of = |address: &IpAddr| told.iter().filter(|told| *told == address).count();
    assert_eq!(told_of(&requests[0].address), 1);
    let mut once = told.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(
        (once.len(), told.len()),
        (told.len(), all - (parts - 1)),
        "each once, but those that had gone"
    );
}

#[test]
fn a_refused_request_changes_nothing() {
    let mut world = World::new();
    let mut request = world.add(9);
    request.exclusive = true;
    request.lladdr = Some(vec![2, 0, 0, 0, 0, 77]);
    let before = world.engine.neighbour(world.device, request.address);
    assert_eq!(world.answer(&request::change(1, &request)).1, Some(Control::Error(-errno::EEXIST)));
    assert_eq!(world.engine.neighbour(world.device, request.address), before);
}

#[test]
fn what_is_no_request_is_passed_over() {
    let mut world = World::new();
    let mut reply = request::neighbours(1, &Filter::default());
    reply[6..8].copy_from_slice(&2_u16.to_ne_bytes());
    assert_eq!(world.answer(&reply), (vec![], None));
}

#[test]
fn options_are_taken_and_unknown_ones_are_refused() {
    let mut world = World::new();
    let mut conversation = Conversation::new(7);
    for (option, value, expected) in [
        (ADD_MEMBERSHIP, 1, Control::Error(-errno::EINVAL)),
        (99, 1, Control::Error(-errno::ENOPROTOOPT)),
        (ADD_MEMBERSHIP, GROUP_NEIGH, Control::Error(0)),
    ] {
        assert!(!conversation.hears_neighbours());
        let ask = request::set_option(1, option, value, true);
        assert_eq!(world.converse(&mut conversation, &ask).1, Some(expected), "{option} {value}");
    }
    assert!(conversation.hears_neighbours());
    world.converse(&mut conversation, &request::set_option(1, DROP_MEMBERSHIP, GROUP_NEIGH, true));
    assert!(!conversation.hears_neighbours());
    let cut = &request::set_option(1, CAP_ACK, 1, true)[..20];
    let cut = [&20_u32.to_ne_bytes(), &cut[4..]].concat();
    assert_eq!(world.converse(&mut conversation, &cut).1, Some(Control::Error(-errno::EINVAL)));
}

#[test]
fn a_dump_of_tables_has_the_defaults_and_then_the_devices_tbl_2() {
    let mut world = World::new();
    let newest =
        world.engine.add_device(Instant::ZERO, Device::ethernet("eth1", [2, 0, 0, 0, 0, 2])).unwrap();
    let (messages, end) = world.answer(&request::tables(1, None));
    assert_eq!(end, Some(Control::Done(0)));
    let told: Vec<TableInfo> = messages.iter().map(|(_, p)| TableInfo::parse(p).unwrap()).collect();
    let order: Vec<(u8, Option<u32>)> =
        told.iter().map(|info| (info.family, info.parms.unwrap().interface)).collect();
    let (old, new) = (Some(world.device.index()), Some(newest.index()));
    assert_eq!(order, [(2, None), (2, new), (2, old), (10, None), (10, new), (10, old)]);
    assert_eq!((told[0].thresh, told[0].gc_interval), ([Some(128), Some(512), Some(1024)], Some(30_000)));
    assert!(told[0].config.is_some() && told[0].stats.is_some() && told[1].config.is_none());
    let parms = told[0].parms.unwrap();
    assert_eq!(
        (parms.queue_len, parms.queue_len_bytes, parms.locktime),
        (Some(101), Some(212_992), Some(1000))
    );
}

#[test]
fn a_set_of_defaults_reaches_no_device_tbl_10_and_thresholds_are_free_tbl_12() {
    let mut world = World::new();
    let parms =
        ParmsInfo { proxy_delay: Some(804), app_probes: Some(2), queue_len: Some(5), ..Default::default() };
    let thresh = [Some(9), None, Some(1)];
    let name = String::from("arp_cache");
    let mut change = TableChange { name, thresh, gc_interval: Some(20_000), parms, ..TableChange::default() };
    assert_eq!(world.answer(&request::set_table(1, &change)).1, Some(Control::Error(0)));
    let get = |world: &World, name| world.engine.get(name).unwrap();
    assert_eq!(
        (get(&world, "ipv4/neigh/default/app_solicit"), get(&world, "ipv4/neigh/eth0/app_solicit")),
        (2, 0)
    );
    assert_eq!(get(&world, "ipv4/neigh/default/unres_qlen_bytes"), 10_450, "SYS-7");
    assert_eq!((get(&world, "ipv4/gc_thresh1"), get(&world, "ipv4/gc_thresh2")), (9, 512));
    assert_eq!((get(&world, "ipv4/gc_thresh3"), get(&world, "ipv6/gc_thresh3")), (1, 1024));
    change.parms.interface = Some(world.device.index());
    world.answer(&request::set_table(1, &change));
    assert_eq!(get(&world, "ipv4/neigh/eth0/app_solicit"), 2);
    change.name = "nope".into();
    assert_eq!(
        world.answer(&request::set_table(1, &change)).1,
        Some(Control::Error(-errno::ENOENT)),
        "TBL-8"
    );
}

#[test]
fn counters_histories_and_parameters_are_told() {
    let mut world = World::new();
    let request = world.add(9);
    let (messages, end) = world.answer(&request::statistics(1));
    let mut statistics = Statistics::default();
    messages.iter().for_each(|(_, payload)| statistics.take(payload));
    assert_eq!((end, statistics.tables.len()), (Some(Control::Done(0)), 2));
    assert_eq!(statistics.tables[0].stats.entries, 1);
    let history = |world: &mut World, address| {
        let mut history = History::default();
        let (messages, end) = world.answer(&request::history(1, address));
        messages.iter().for_each(|(_, payload)| history.take(payload));
        assert_eq!(end, Some(Control::Done(0)));
        history
    };
    let told = history(&mut world, request.address);
    assert!(
        told.note.is_none() && told.records[0].sentence.contains("by an administrator (port 7)"),
        "{told:?}"
    );
    assert!(told.records[0].ago <= Duration::from_millis(1500));
    for (address, expected) in [
        ("192.0.2.1", "our own address, on eth0"),
        ("192.0.2.77", "on the subnet of eth0"),
        ("198.51.100.1", "no route leads to it"),
        ("ff02::5", "it is a group"),
    ] {
        let note = history(&mut world, address.parse().unwrap()).note.unwrap();
        assert!(note.contains(expected), "{address}: {note}");
    }
    let name = "ipv4/neigh/eth0/ucast_solicit";
    assert_eq!(world.answer(&request::set_parameter(1, name, "5")).1, Some(Control::Error(0)));
    assert_eq!(world.engine.get(name), Ok(5));
    assert_eq!(world.answer(&request::parameter(1, name)).0.len(), 1);
    for (name, value, errno) in [
        ("neigh/nope", "1", errno::ENOENT),
        ("neigh/eth9/ucast_solicit", "1", errno::ENODEV),
        (name, "x", errno::EINVAL),
        (name, "-1", errno::EINVAL),
    ] {
        assert_eq!(world.answer(&request::set_parameter(1, name, value)).1, Some(Control::Error(-errno)));
    }
}

#[test]
fn links_are_switched_and_told() {
    let mut world = World::new();
    let request = world.add(9);
    let index = world.device.index();
    assert_eq!(world.answer(&request::set_link(1, index, false)).1, Some(Control::Error(0)));
    assert_eq!(world.engine.neighbour(world.device, request.address), None, "DEV: all go");
    let (messages, _) = world.answer(&request::interfaces(1));
    let told = crate::Interface::parse(&messages[0].1).unwrap();
    assert_eq!((told.name.as_str(), told.flags & crate::Interface::UP), ("eth0", 0));
}

#[test]
fn userspace_is_asked_with_the_request_flag_and_may_answer_evt_9() {
    let mut world = World::new();
    for (name, value) in [("ipv4/neigh/eth0/app_solicit", "1"), ("ipv4/neigh/eth0/mcast_solicit", "0")] {
        world.engine.set(Instant::ZERO, name, value).unwrap();
    }
    while world.engine.poll_event().is_some() {}
    let _ = world.engine.send(Instant::ZERO, world.device, "192.0.2.50".parse().unwrap(), vec![0x45; 20]);
    let events = std::iter::from_fn(|| world.engine.poll_event());
    let messages: Vec<Vec<u8>> = events.filter_map(|event| notification(&event.kind)).collect();
    let (head, payload) = split(&messages[0]).unwrap();
    assert_eq!((head.kind, head.flags, head.port), (RTM_GETNEIGH, NLM_F_REQUEST, 0));
    let asked = Entry::parse(payload).unwrap();
    assert_eq!((asked.state, asked.lladdr), (NudState::INCOMPLETE, None));
    let mut reply = Request::new(asked.interface, asked.address);
    reply.lladdr = Some(vec![2, 0, 0, 0, 0, 50]);
    reply.state = u16::from(NudState::REACHABLE.0);
    reply.replace = true;
    assert_eq!(world.answer(&request::change(1, &reply)).1, Some(Control::Error(0)));
    let known = world.engine.neighbour(world.device, reply.address).unwrap();
    assert_eq!(known.state, NudState::REACHABLE);
    assert!(known.flags == Flags::empty() && known.queued == 0);
}

proptest! {
    #[test]
    fn no_request_makes_it_panic(
        kind in prop::sample::select(vec![
            16_u16, 18, 20, 21, 22, 28, 29, 30, 64, 66, 67, 0x7f00, 0x7f02, 0x7f04, 0x7f06, 0x7f08,
        ]),
        flags: u16, strict: bool,
        head in prop::collection::vec(prop::sample::select(vec![0_u8, 1, 2, 8, 10, 255]), 0..16),
        payload in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let mut request = vec![0; 16];
        request[4..6].copy_from_slice(&kind.to_ne_bytes());
        request[6..8].copy_from_slice(&(flags | 5).to_ne_bytes());
        request.extend(head);
        request.extend(payload);
        let len = request.len() as u32;
        request[..4].copy_from_slice(&len.to_ne_bytes());
        let mut world = World::new();
        let mut conversation = Conversation::new(7);
        let ask = request::set_option(1, STRICT_CHK, u32::from(strict), false);
        world.converse(&mut conversation, &ask);
        prop_assert!(world.converse(&mut conversation, &request).1.is_some());
    }

    #[test]
    fn no_damage_to_a_good_request_makes_it_panic(at in 16_usize..80, value: u8, which in 0_usize..6) {
        let mut world = World::new();
        let good = world.add(9);
        let change = TableChange {
            name: "arp_cache".into(),
            parms: ParmsInfo { locktime: Some(1), ..Default::default() },
            ..Default::default()
        };
        let mut message = match which {
            0 => request::change(1, &good),
            1 => request::delete(1, &good, true),
            2 => request::neighbour(1, 1, good.address, false),
            3 => request::set_table(1, &change),
            4 => request::add_address(1, 1, "192.0.2.9/24".parse().unwrap()),
            _ => request::history(1, good.address),
        };
        let len = message.len();
        message[16 + (at - 16) % (len - 16)] = value;
        let _ = world.answer(&message);
    }
}
