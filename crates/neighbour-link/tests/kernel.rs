//! The links against the running kernel, each in a network namespace of its own.

mod common;

use common::{in_namespace, ip, skip};
use neighbour_link::{Link, LinkError, Packet, PacketOptions, Tap, Time};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::cell::{Cell, RefCell};
use std::net::UdpSocket;
use std::time::Instant;

const OURS: [u8; 6] = [0x02, 0, 0, 0, 0, 0x77];
const BROADCAST: [u8; 6] = [0xff; 6];
const ARP: u16 = 0x0806;
const IPV4: u16 = 0x0800;

/// An ARP frame: operation, sender and target, the target's hardware address in both headers.
fn arp(to: [u8; 6], operation: u8, sender: ([u8; 6], [u8; 4]), target: ([u8; 6], [u8; 4])) -> Vec<u8> {
    let mut frame = header(to, sender.0, ARP);
    frame.extend([0, 1, 8, 0, 6, 4, 0, operation]);
    frame.extend(sender.0);
    frame.extend(sender.1);
    frame.extend(target.0);
    frame.extend(target.1);
    frame
}

fn header(to: [u8; 6], from: [u8; 6], kind: u16) -> Vec<u8> {
    let mut frame = Vec::from(to);
    frame.extend(from);
    frame.extend(kind.to_be_bytes());
    frame
}

fn padded(mut frame: Vec<u8>) -> Vec<u8> {
    frame.resize(60, 0);
    frame
}

fn kind(frame: &[u8]) -> u16 {
    u16::from_be_bytes([frame[12], frame[13]])
}

/// The first frame that is wanted, within ten seconds; frames of no interest are passed over.
#[track_caller]
fn wait_for(link: &mut impl Link, what: &str, wanted: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let begin = Instant::now();
    let mut buf = Vec::new();
    loop {
        while link.receive(Time::ZERO, &mut buf).expect("the link can be read") {
            if wanted(&buf) {
                return buf;
            }
        }
        assert!(begin.elapsed().as_secs() < 10, "no {what} came");
        let fd = link.as_fd().expect("kernel links have a descriptor");
        poll(&mut [PollFd::new(fd, PollFlags::POLLIN)], PollTimeout::from(100_u16)).unwrap();
    }
}

/// What `to` has received when a last frame of each sort from `from` arrives: what neighbours say of themselves first,
/// then all else, each in its order.
#[track_caller]
fn arrived(from: &mut Packet, to: &mut Packet) -> Vec<Vec<u8>> {
    let last = [ARP, IPV4].map(|kind| {
        let mut last = header(BROADCAST, OURS, kind);
        last.extend(b"the last frame");
        last
    });
    last.iter().for_each(|last| send(from, last));
    let all = RefCell::new(Vec::new());
    let ends = Cell::new(0);
    wait_for(to, "last frame", |frame| {
        match last.iter().any(|last| frame == last) {
            true => ends.set(ends.get() + 1),
            false => all.borrow_mut().push(frame.to_vec()),
        }
        ends.get() == last.len()
    });
    let (control, data): (Vec<_>, Vec<_>) =
        all.into_inner().into_iter().partition(|frame| kind(frame) == ARP);
    [control, data].concat()
}

/// Two ends of a veth in this namespace; IPv6 is off, so that no one speaks unasked.
fn veth() {
    ip("link add va type veth peer name vb");
    for end in ["va", "vb"] {
        std::fs::write(format!("/proc/sys/net/ipv6/conf/{end}/disable_ipv6"), "1").unwrap();
        ip(&format!("link set {end} up"));
    }
    wait_until_they_carry(&["va", "vb"]);
}

/// Until the kernel has noticed that the other end is up, it drops what is sent, and says nothing.
#[track_caller]
fn wait_until_they_carry(ends: &[&str]) {
    let begin = Instant::now();
    for end in ends {
        while !ip(&format!("link show dev {end}")).contains("state UP") {
            assert!(begin.elapsed().as_secs() < 10, "{end} has no carrier");
        }
    }
}

fn packet(name: &str) -> Packet {
    Packet::open(name, PacketOptions::default()).unwrap()
}

fn send(link: &mut impl Link, frame: &[u8]) {
    link.transmit(Time::ZERO, frame).unwrap();
    link.flush().unwrap();
}

/// A TAP, or the reason why there can be none here.
fn tap(name: Option<&str>) -> Option<Tap> {
    match Tap::create(name) {
        Err(error @ (LinkError::TunAbsent | LinkError::TunDenied)) => {
            skip(&error.to_string());
            None
        }
        other => Some(other.unwrap()),
    }
}

#[test]
fn the_kernel_answers_arp_on_a_tap_and_asks_us_in_turn() {
    in_namespace("the_kernel_answers_arp_on_a_tap_and_asks_us_in_turn", || {
        let Some(mut tap) = tap(Some("tapk")) else {
            return;
        };
        ip("address add 192.0.2.1/24 dev tapk");
        let down = tap.transmit(Time::ZERO, &[0xff; 60]).unwrap_err();
        assert_eq!(down.raw_os_error(), Some(libc::ENETDOWN));
        tap.up().unwrap();
        let info = tap.info().unwrap();
        assert_eq!((info.name.as_str(), info.mtu), ("tapk", 1500));
        assert!(ip("link show tapk").contains(&format!("{}: tapk", info.ifindex)));

        let (kernel, us) = ([192, 0, 2, 1], [192, 0, 2, 2]);
        send(&mut tap, &arp(BROADCAST, 1, (OURS, us), ([0; 6], kernel)));
        let answer = wait_for(&mut tap, "ARP reply", |frame| kind(frame) == ARP && frame[21] == 2);
        assert_eq!(answer[..42], arp(OURS, 2, (info.mac, kernel), (OURS, us)));

        UdpSocket::bind("192.0.2.1:0").unwrap().send_to(b"x", "192.0.2.9:9").unwrap();
        let asked = wait_for(&mut tap, "ARP request", |frame| kind(frame) == ARP && frame[21] == 1);
        assert_eq!(asked[..42], arp(BROADCAST, 1, (info.mac, kernel), ([0; 6], [192, 0, 2, 9])));

        // Down is no error: what was sent before can still be read, and then there is nothing.
        tap.down().unwrap();
        let mut buf = Vec::new();
        while tap.receive(Time::ZERO, &mut buf).unwrap() {}
    });
}

#[test]
fn a_tap_that_was_removed_says_so() {
    in_namespace("a_tap_that_was_removed_says_so", || {
        let Some(mut tap) = tap(None) else {
            return;
        };
        let name = tap.info().unwrap().name;
        assert_eq!(name, "tap0");
        tap.up().unwrap();
        ip("link delete tap0");
        let gone = Some(libc::ENODEV);
        let mut buf = Vec::new();
        let read = loop {
            match tap.receive(Time::ZERO, &mut buf) {
                Ok(true) => {}
                other => break other,
            }
        };
        assert_eq!(read.unwrap_err().raw_os_error(), gone);
        let written = tap.transmit(Time::ZERO, &[0xff; 60]).unwrap_err();
        assert_eq!(written.raw_os_error(), gone);
        assert!(matches!(tap.info(), Err(LinkError::NoSuchInterface { .. })));
    });
}

#[test]
fn a_persistent_tap_is_attached_to_and_stays() {
    in_namespace("a_persistent_tap_is_attached_to_and_stays", || {
        if tap(Some("probe")).is_none() {
            return;
        }
        for (name, queues) in [("one", ""), ("many", "multi_queue")] {
            ip(&format!("tuntap add dev {name} mode tap {queues}"));
            drop(tap(Some(name)));
            ip(&format!("link show {name}"));
        }
        let held = tap(Some("one"));
        let again = Tap::create(Some("one")).unwrap_err();
        assert!(matches!(again, LinkError::NameInUse { .. }), "{again:?}");
        drop(held);
        veth();
        let other_kind = Tap::create(Some("va")).unwrap_err();
        assert!(matches!(other_kind, LinkError::NameInUse { .. }), "{other_kind:?}");
        let long = Tap::create(Some("sixteen-bytes-xx")).unwrap_err();
        assert!(matches!(long, LinkError::Name { .. }), "{long:?}");
    });
}

#[test]
fn without_the_privilege_a_tap_and_a_packet_socket_are_refused_in_words() {
    in_namespace("without_the_privilege_a_tap_and_a_packet_socket_are_refused_in_words", || {
        if tap(Some("probe")).is_none() {
            return;
        }
        // A further user namespace: in it we have all privileges, but none over this network. Only a process
        // with a single thread may leave, so a child does.
        let name = "what_a_process_without_privileges_is_told";
        let words = ["--user", "--map-root-user"];
        let program = std::env::current_exe().unwrap();
        let output = std::process::Command::new("unshare")
            .args(words)
            .arg(program)
            .args(["--exact", name, "--ignored", "--nocapture"])
            .output()
            .expect("this test needs `unshare` (util-linux)");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
    });
}

#[test]
#[ignore = "a part of the test above, which runs it in a namespace of its own"]
fn what_a_process_without_privileges_is_told() {
    if !common::is_inside() {
        return;
    }
    let denied = Tap::create(Some("tapx")).unwrap_err();
    assert!(matches!(denied, LinkError::TapDenied { .. }), "{denied:?}");
    let denied = Packet::open("lo", PacketOptions::default()).unwrap_err();
    assert!(matches!(denied, LinkError::PacketDenied { .. }), "{denied:?}");
    assert!(denied.to_string().contains("CAP_NET_RAW"), "{denied}");
}

#[test]
fn packet_reads_what_concerns_us_and_nothing_else() {
    in_namespace("packet_reads_what_concerns_us_and_nothing_else", || {
        veth();
        let (mut near, mut far) = (packet("va"), packet("vb"));
        let us = near.mac();
        assert_eq!(us, near.info().unwrap().mac);
        let peer = far.mac();
        let expected = [
            padded(header(us, peer, ARP)),
            padded(header(us, peer, IPV4)),
            padded(header(BROADCAST, peer, 0x86dd)),
            padded(header([0x33, 0x33, 0, 0, 0, 1], peer, 0x86dd)),
        ];
        let runt = header(us, peer, ARP);
        let others =
            [padded(header(OURS, peer, ARP)), padded(header(us, peer, 0x88cc)), padded(header(us, peer, 42))];
        for (at, frame) in expected.iter().enumerate() {
            far.transmit(Time::ZERO, frame).unwrap();
            if let Some(other) = others.get(at) {
                far.transmit(Time::ZERO, other).unwrap();
            }
        }
        send(&mut far, &runt);
        let mut all = expected.to_vec();
        all.insert(1, runt);
        assert_eq!(arrived(&mut far, &mut near), all);
        // Its own frames do not come back to the sender.
        assert_eq!(arrived(&mut near, &mut far), Vec::<Vec<u8>>::new());
        assert_eq!((near.losses(), far.refused()), (0, 0));
    });
}

#[test]
fn packet_under_another_mac_hears_that_one() {
    in_namespace("packet_under_another_mac_hears_that_one", || {
        veth();
        let options = PacketOptions { mac: Some(OURS), qdisc_bypass: true, ..PacketOptions::default() };
        let mut near = Packet::open("va", options).unwrap();
        assert!(ip("-d link show va").contains("promiscuity 1"));
        let mut far = packet("vb");
        let interface = near.info().unwrap().mac;
        let ours = padded(header(OURS, far.mac(), ARP));
        send(&mut far, &padded(header(interface, OURS, ARP)));
        send(&mut far, &ours);
        assert_eq!(arrived(&mut far, &mut near), std::slice::from_ref(&ours));
        // The other way, past the queueing discipline.
        let back = padded(header(far.mac(), OURS, ARP));
        send(&mut near, &back);
        assert_eq!(arrived(&mut near, &mut far), [back]);
        drop(near);
        assert!(ip("-d link show va").contains("promiscuity 0"));
    });
}

#[test]
fn vlan_tags_are_in_the_frame_as_they_were_on_the_wire() {
    in_namespace("vlan_tags_are_in_the_frame_as_they_were_on_the_wire", || {
        veth();
        let (mut near, mut far) = (packet("va"), packet("vb"));
        let tagged = |tags: &[u16]| {
            let mut frame = header(BROADCAST, OURS, tags[0]);
            frame.extend(tags[1..].iter().flat_map(|word| word.to_be_bytes()));
            padded(frame)
        };
        let frames = [
            tagged(&[0x8100, 0x2064, ARP]),
            tagged(&[0x88a8, 0x0005, 0x8100, 0x0006, ARP]),
            tagged(&[0x8100, 0x0000, ARP]),
        ];
        for frame in &frames {
            far.transmit(Time::ZERO, frame).unwrap();
        }
        far.flush().unwrap();
        // A tag that the kernel took out hides nothing: ARP behind it comes before data.
        let mut came = arrived(&mut far, &mut near);
        came.sort();
        let mut sent = frames.to_vec();
        sent.sort();
        assert_eq!(came, sent);
    });
}

/// RFC 1071 over the UDP part of an IPv4 frame without options, pseudo-header included.
fn udp_sums_up(frame: &[u8]) -> bool {
    let (addresses, udp) = (&frame[26..34], &frame[34..]);
    let mut bytes = addresses.to_vec();
    bytes.extend([0, 17]);
    bytes.extend((udp.len() as u16).to_be_bytes());
    bytes.extend(udp);
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    let words = bytes.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])));
    let sum: u32 = words.sum();
    (sum & 0xffff) + (sum >> 16) == 0xffff
}

#[test]
fn a_datagram_from_the_kernel_has_a_whole_checksum() {
    in_namespace("a_datagram_from_the_kernel_has_a_whole_checksum", || {
        veth();
        ip("address add 192.0.2.1/24 dev vb");
        let mut near = packet("va");
        let us = near.mac().map(|byte| format!("{byte:02x}")).join(":");
        ip(&format!("neighbour add 192.0.2.2 lladdr {us} dev vb"));
        for payload in [&b"even"[..], b"odd", b"", &[0xff; 1400]] {
            UdpSocket::bind("192.0.2.1:0").unwrap().send_to(payload, "192.0.2.2:9").unwrap();
            let frame = wait_for(&mut near, "datagram", |frame| kind(frame) == IPV4);
            assert_eq!(&frame[42..], payload);
            assert_ne!(frame[40..42], [0, 0]);
            assert!(udp_sums_up(&frame), "{frame:02x?}");
        }
    });
}

#[test]
fn groups_are_joined_on_the_interface_and_left_again() {
    in_namespace("groups_are_joined_on_the_interface_and_left_again", || {
        veth();
        let mut near = packet("va");
        let group = |last| [0x33, 0x33, 0xff, 0, 0, last];
        let joined = |last: u8| ip("maddress show dev va").contains(&format!("33:33:ff:00:00:{last:02x}"));
        near.set_multicast(&[group(0xa1), group(0xa2)]).unwrap();
        assert!(joined(0xa1) && joined(0xa2));
        near.set_multicast(&[group(0xa2), group(0xa3), group(0xa3)]).unwrap();
        assert!(!joined(0xa1) && joined(0xa2) && joined(0xa3));
        drop(near);
        assert!(!joined(0xa2) && !joined(0xa3));
    });
}

#[test]
fn packet_survives_down_and_up_and_says_when_the_interface_is_gone() {
    in_namespace("packet_survives_down_and_up_and_says_when_the_interface_is_gone", || {
        veth();
        ip("link set va down");
        let (mut near, mut far) = (packet("va"), packet("vb"));
        assert!(!near.is_up().unwrap());
        assert!(!near.receive(Time::ZERO, &mut Vec::new()).unwrap());
        near.transmit(Time::ZERO, &[0xff; 60]).unwrap();
        let down = near.flush().unwrap_err();
        assert_eq!(down.raw_os_error(), Some(libc::ENETDOWN));
        assert_eq!(near.refused(), 1);

        for name in ["va", "renamed"] {
            ip(&format!("link set {name} up"));
            wait_until_they_carry(&[name, "vb"]);
            let frame = padded(header(BROADCAST, far.mac(), ARP));
            send(&mut far, &frame);
            assert_eq!(arrived(&mut far, &mut near), [frame]);
            ip(&format!("link set {name} down"));
            assert!(!near.receive(Time::ZERO, &mut Vec::new()).unwrap());
            if name == "va" {
                ip("link set va name renamed");
            }
        }

        ip("link delete renamed");
        let gone = near.receive(Time::ZERO, &mut Vec::new()).unwrap_err();
        assert_eq!(gone.raw_os_error(), Some(libc::ENODEV));
        let gone = near.transmit(Time::ZERO, &[0xff; 60]).unwrap_err();
        assert_eq!(gone.raw_os_error(), Some(libc::ENODEV));
    });
}

#[test]
fn a_frame_that_is_refused_does_not_hinder_the_others() {
    in_namespace("a_frame_that_is_refused_does_not_hinder_the_others", || {
        veth();
        let (mut near, mut far) = (packet("va"), packet("vb"));
        let good = |at: u8| {
            let mut frame = padded(header(BROADCAST, OURS, ARP));
            frame[59] = at;
            frame
        };
        for at in 0..200 {
            far.transmit(Time::ZERO, &good(at)).unwrap();
            if at % 50 == 7 {
                far.transmit(Time::ZERO, &[0xff; 5]).unwrap();
                far.transmit(Time::ZERO, &[0xff; 4000]).unwrap();
            }
        }
        assert!(far.flush().is_err());
        assert_eq!(far.refused(), 8);
        far.flush().unwrap();
        assert_eq!(arrived(&mut far, &mut near), (0..200).map(good).collect::<Vec<_>>());
    });
}

#[test]
fn packet_refuses_what_it_cannot_open() {
    in_namespace("packet_refuses_what_it_cannot_open", || {
        let open = |name: &str, options| Packet::open(name, options).unwrap_err();
        let none = open("nosuch0", PacketOptions::default());
        assert!(matches!(none, LinkError::NoSuchInterface { .. }), "{none:?}");
        let group = PacketOptions { mac: Some([1, 0, 0x5e, 0, 0, 1]), ..PacketOptions::default() };
        let group = open("lo", group);
        assert!(group.to_string().contains("01:00:5e:00:00:01"), "{group}");
        for (ring_blocks, ring_block_bytes) in [(0, 1 << 18), (16, 0), (16, 5000), (u32::MAX, 1 << 18)] {
            let options = PacketOptions { ring_blocks, ring_block_bytes, ..PacketOptions::default() };
            let refused = open("lo", options);
            assert!(matches!(refused, LinkError::System { .. }), "{refused:?}");
        }
        if tap(Some("probe")).is_some() {
            ip("tuntap add dev tunnel mode tun");
            let kind = open("tunnel", PacketOptions::default());
            assert!(matches!(kind, LinkError::NotEthernet { hardware: 65534, .. }), "{kind:?}");
        }
    });
}

#[test]
fn a_ring_that_is_not_read_counts_what_it_lost() {
    in_namespace("a_ring_that_is_not_read_counts_what_it_lost", || {
        veth();
        let options = PacketOptions { ring_blocks: 2, ring_block_bytes: 8192, ..PacketOptions::default() };
        let mut near = Packet::open("va", options).unwrap();
        let mut far = packet("vb");
        let frame = padded(header(BROADCAST, OURS, ARP));
        for _ in 0..1000 {
            far.transmit(Time::ZERO, &frame).unwrap();
        }
        far.flush().unwrap();
        let (mut received, mut buf) = (0, Vec::new());
        let begin = Instant::now();
        while received + near.losses() < 1000 {
            received += u64::from(near.receive(Time::ZERO, &mut buf).unwrap());
            let lost = near.losses();
            assert!(begin.elapsed().as_secs() < 10, "{received} and {lost}");
        }
        assert!(received < 1000);
        // Asked twice, told the same.
        assert_eq!(received + near.losses(), 1000);
    });
}

#[test]
fn what_neighbours_say_is_not_lost_with_data_and_keeps_its_order() {
    in_namespace("what_neighbours_say_is_not_lost_with_data_and_keeps_its_order", || {
        veth();
        let options = PacketOptions { ring_blocks: 2, ring_block_bytes: 8192, ..PacketOptions::default() };
        let (mut near, mut far) = (Packet::open("va", options).unwrap(), packet("vb"));
        let data = padded(header(BROADCAST, OURS, IPV4));
        (0..1000).for_each(|_| far.transmit(Time::ZERO, &data).unwrap());
        let mut said = padded(header(BROADCAST, OURS, ARP));
        for n in 0..20 {
            said[20] = n;
            far.transmit(Time::ZERO, &said).unwrap();
        }
        far.flush().unwrap();
        let order = RefCell::new(Vec::new());
        wait_for(&mut near, "the last of twenty", |frame| {
            order.borrow_mut().extend((kind(frame) == ARP).then_some(frame[20]));
            order.borrow().len() == 20
        });
        assert_eq!(order.into_inner(), (0..20).collect::<Vec<_>>());
        assert!(near.losses() > 0, "data found no room");
        assert_eq!(near.control_losses(), 0);
    });
}

/// `cargo test --release -p neighbour-link --test kernel -- --ignored --nocapture frames_a_second`
#[test]
#[ignore = "a measurement"]
fn frames_a_second_through_the_ring_on_a_veth() {
    in_namespace("frames_a_second_through_the_ring_on_a_veth", || {
        const FRAMES: u64 = 2_000_000;
        veth();
        let (mut near, mut far) = (packet("va"), packet("vb"));
        let frame = padded(header(near.mac(), OURS, ARP));
        let begin = Instant::now();
        let sender = std::thread::spawn(move || {
            let begin = Instant::now();
            for _ in 0..FRAMES {
                far.transmit(Time::ZERO, &frame).unwrap();
            }
            far.flush().unwrap();
            (begin.elapsed(), far)
        });
        let (mut received, mut buf, mut last) = (0_u64, Vec::new(), Instant::now());
        while !sender.is_finished() || last.elapsed().as_millis() < 50 {
            while near.receive(Time::ZERO, &mut buf).unwrap() {
                received += 1;
                last = Instant::now();
            }
            let fd = near.as_fd().unwrap();
            poll(&mut [PollFd::new(fd, PollFlags::POLLIN)], PollTimeout::from(5_u8)).unwrap();
        }
        let took = last - begin;
        let (sending, far) = sender.join().unwrap();
        let rate = received as f64 / took.as_secs_f64();
        println!(
            "sent {FRAMES} in {sending:?} ({} refused), received {received} in {took:?}: {rate:.0}/s, {} lost",
            far.refused(),
            near.losses()
        );
    });
}

/// `cargo test --release -p neighbour-link --test kernel -- --ignored --nocapture until_a_lone`
#[test]
#[ignore = "a measurement"]
fn how_long_it_takes_until_a_lone_frame_is_read() {
    in_namespace("how_long_it_takes_until_a_lone_frame_is_read", || {
        veth();
        let (mut near, mut far) = (packet("va"), packet("vb"));
        let frame = padded(header(near.mac(), OURS, ARP));
        let mut once = || {
            let begin = Instant::now();
            send(&mut far, &frame);
            wait_for(&mut near, "frame", |_| true);
            begin.elapsed()
        };
        let mut took: Vec<_> = (0..500).map(|_| once()).collect();
        took.sort_unstable();
        println!("median {:?}, 99 of 100 within {:?}, longest {:?}", took[250], took[495], took[499]);
    });
}
