//! The XDP link against the running kernel, on a veth. Programs may be loaded by root of the whole machine only.

mod common;

use common::{in_namespace, in_namespace_as_root, ip, skip};
use neighbour_link::{Link, LinkError, Packet, PacketOptions, Time, Xdp, XdpMode, XdpOptions};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::net::UdpSocket;
use std::time::Instant;

const BROADCAST: [u8; 6] = [0xff; 6];
const OURS: [u8; 4] = [192, 0, 2, 77];
const THEIRS: [u8; 4] = [192, 0, 2, 1];

/// A veth: `v0` with addresses for the kernel, `v1` without any for us.
fn veth() {
    ip("link add v0 type veth peer name v1");
    std::fs::write("/proc/sys/net/ipv6/conf/v1/disable_ipv6", "1").expect("our own namespace");
    ip("link set v0 up");
    ip("link set v1 up");
    ip("address add 192.0.2.1/24 dev v0");
    ip("address add 2001:db8::1/64 dev v0 nodad");
}

/// Opens `v1`; none where this user may not, which fails under `CI`.
#[track_caller]
fn open(mode: XdpMode) -> Option<Xdp> {
    match Xdp::open("v1", &XdpOptions { mode: Some(mode), ..XdpOptions::default() }) {
        Ok(link) => Some(link),
        Err(error @ LinkError::XdpDenied { .. }) => {
            skip(&error.to_string());
            None
        }
        Err(error) => panic!("{error}"),
    }
}

fn arp(to: [u8; 6], operation: u8, own: [u8; 6], target: ([u8; 6], [u8; 4])) -> Vec<u8> {
    let mut frame = Vec::from(to);
    frame.extend(own);
    frame.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, operation]);
    frame.extend(own);
    frame.extend(OURS);
    frame.extend(target.0);
    frame.extend(target.1);
    frame
}

fn send(link: &mut impl Link, frame: &[u8]) {
    link.transmit(Time::ZERO, frame).expect("taken");
    link.flush().expect("sent");
}

/// The first frame that is wanted, within ten seconds.
#[track_caller]
fn wait_for(link: &mut impl Link, what: &str, wanted: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let (start, mut frame) = (Instant::now(), Vec::new());
    while start.elapsed().as_secs() < 10 {
        while link.receive(start.elapsed(), &mut frame).expect("the interface is there") {
            if wanted(&frame) {
                return frame;
            }
        }
        let fd = link.as_fd().expect("it can be waited for");
        poll(&mut [PollFd::new(fd, PollFlags::POLLIN)], PollTimeout::from(200_u8)).expect("waiting");
    }
    panic!("{what} did not come");
}

fn is_arp(frame: &[u8], operation: u8) -> bool {
    frame[12..14] == [8, 6] && frame[21] == operation
}

#[test]
fn the_kernel_answers_and_asks_by_arp_and_nd_while_its_packets_pass_us() {
    in_namespace_as_root("the_kernel_answers_and_asks_by_arp_and_nd_while_its_packets_pass_us", || {
        veth();
        for mode in [XdpMode::Native, XdpMode::Generic] {
            let Some(mut link) = open(mode) else { return };
            assert_eq!((link.mode(), link.queues() > 0), (mode, true));
            let mac = link.mac();
            let mut beside = Packet::open("v1", PacketOptions::default()).expect("a packet socket");
            send(&mut link, &arp(BROADCAST, 1, mac, ([0; 6], THEIRS)));
            let reply = wait_for(&mut link, "a reply", |frame| is_arp(frame, 2));
            assert_eq!((&reply[28..32], &reply[..6]), (&THEIRS[..], &mac[..]), "{mode}");
            let theirs = reply[22..28].try_into().expect("six bytes");

            let socket = UdpSocket::bind("192.0.2.1:0").expect("the kernel's own address");
            ip("neigh flush all");
            socket.send_to(b"hello", "192.0.2.77:9").expect("sent, or waiting for us");
            wait_for(&mut link, "a request", |frame| is_arp(frame, 1) && frame[38..42] == OURS);
            send(&mut link, &arp(theirs, 2, mac, (theirs, THEIRS)));
            // The datagram is the kernel's: it passes by us, and a packet socket hears it.
            wait_for(&mut beside, "the datagram", |frame| {
                frame[12..14] == [8, 0] && frame.ends_with(b"hello")
            });

            let socket = UdpSocket::bind("[2001:db8::1]:0").expect("the kernel's own address");
            socket.send_to(b"hello", "[2001:db8::77]:9").expect("waiting for us");
            let asked = wait_for(&mut link, "a solicitation", |frame| {
                frame[12..14] == [0x86, 0xdd] && frame[54] == 135
            });
            assert_eq!(asked[62..78], [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x77]);
            let mut frame = Vec::new();
            while link.receive(Time::ZERO, &mut frame).expect("it is there") {
                assert_ne!(frame[12..14], [8, 0], "{mode}: no packet of the kernel's");
            }
            assert_eq!((link.losses(), link.refused()), (0, 0));
        }
    });
}

#[test]
fn many_frames_go_out_and_come_in() {
    in_namespace_as_root("many_frames_go_out_and_come_in", || {
        veth();
        for mode in [XdpMode::Native, XdpMode::Generic] {
            let Some(mut link) = open(mode) else { return };
            let mac = link.mac();
            let request = arp(BROADCAST, 1, mac, ([0; 6], THEIRS));
            let (mut replies, mut frame) = (0, Vec::new());
            for round in 0..100 {
                for _ in 0..100 {
                    link.transmit(Time::ZERO, &request).expect("there is room");
                }
                link.flush().expect("sent");
                while replies < (round + 1) * 100 {
                    frame = wait_for(&mut link, "a reply", |frame| is_arp(frame, 2));
                    replies += 1;
                }
            }
            assert_eq!((replies, frame.len() >= 42, link.losses()), (10_000, true, 0), "{mode}");
            let long = vec![0; 4096];
            let refused = link.transmit(Time::ZERO, &long).expect_err("it does not fit");
            assert_eq!(refused.raw_os_error(), Some(libc::EMSGSIZE));
            send(&mut link, &request);
            wait_for(&mut link, "a reply", |frame| is_arp(frame, 2));
        }
    });
}

#[test]
fn what_cannot_be_had_is_told_with_the_reason() {
    in_namespace_as_root("what_cannot_be_had_is_told_with_the_reason", || {
        veth();
        let Some(first) = open(XdpMode::Native) else { return };
        let options = XdpOptions::default();
        let busy = Xdp::open("v1", &options).expect_err("one is enough");
        assert!(matches!(busy, LinkError::XdpBusy { .. }), "{busy}");
        drop(first);
        let refused = Xdp::open("v1", &XdpOptions { mode: Some(XdpMode::ZeroCopy), ..options.clone() });
        let refused = refused.expect_err("veth has no zero-copy").to_string();
        assert!(refused.starts_with("v1: ") && refused.contains("zero-copy: "), "{refused}");
        // The fastest way that there is.
        let link = Xdp::open("v1", &options).expect("a way");
        assert_eq!((link.mode(), link.refused_modes().contains("zero-copy: ")), (XdpMode::Native, true));
        drop(link);
        let absent = Xdp::open("nosuch0", &options).expect_err("there is none");
        assert!(matches!(absent, LinkError::NoSuchInterface { .. }), "{absent}");
        let loopback = Xdp::open("lo", &options).expect_err("no neighbours there");
        assert!(matches!(loopback, LinkError::NotEthernet { .. }), "{loopback}");
        let group = Xdp::open("v1", &XdpOptions { mac: Some([1, 0, 0, 0, 0, 1]), ..options });
        assert!(matches!(group, Err(LinkError::GroupMac { .. })));
    });
}

#[test]
fn an_interface_that_goes_is_told_and_leaves_nothing_attached() {
    in_namespace_as_root("an_interface_that_goes_is_told_and_leaves_nothing_attached", || {
        veth();
        let Some(link) = open(XdpMode::Native) else { return };
        assert!(ip("-d link show v1").contains("xdp"), "attached");
        drop(link);
        assert!(!ip("-d link show v1").contains("prog/xdp"), "detached");
        let Some(mut link) = open(XdpMode::Native) else { return };
        ip("link del v0");
        let (start, mut frame) = (Instant::now(), Vec::new());
        let error = loop {
            match link.receive(start.elapsed(), &mut frame) {
                Ok(_) => assert!(start.elapsed().as_secs() < 10, "nobody says that it is gone"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.raw_os_error(), Some(libc::ENODEV));
    });
}

#[test]
fn a_user_without_the_privilege_is_told_which() {
    in_namespace("a_user_without_the_privilege_is_told_which", || {
        veth();
        let error = Xdp::open("v1", &XdpOptions::default()).expect_err("a namespace's root is nobody here");
        assert!(matches!(error, LinkError::XdpDenied { .. }), "{error}");
        assert!(error.to_string().contains("run as root"), "{error}");
    });
}
