//! Captures replayed: which thresholds a network needs, and captures that are cut, damaged or of another kind.

use neighbour_sim::{Profile, Replay, ReplayError, ReplayOptions, replay};
use neighbour_wire::ethernet::{self, ethertype};
use neighbour_wire::{arp, ipv4};
use pcap_file::DataLink;
use pcap_file::pcap::{PcapHeader, PcapPacket, PcapWriter};
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketBlock;
use pcap_file::pcapng::blocks::interface_description::InterfaceDescriptionBlock;
use std::io::Read;
use std::net::Ipv4Addr;
use std::time::Duration;

const OWN: [u8; 6] = [2, 0, 0, 0, 0, 1];
const BROADCAST: [u8; 6] = [0xff; 6];

fn mac(n: u16) -> [u8; 6] {
    let [a, b] = n.to_be_bytes();
    [2, 0, 0, 1, a, b]
}

fn address(n: u16) -> Ipv4Addr {
    let [a, b] = n.to_be_bytes();
    Ipv4Addr::new(10, 0, a, b)
}

fn arp(op: u16, to: [u8; 6], from: [u8; 6], sender: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    let mut frame = Vec::new();
    ethernet::emit_header(&mut frame, to, from, ethertype::ARP);
    let target_hw = if op == arp::op::REQUEST { [0; 6] } else { to };
    let repr = arp::Repr {
        hardware_type: 1,
        op,
        sender_hw: from.into(),
        sender_ip: sender,
        target_hw: target_hw.into(),
        target_ip: target,
    };
    repr.emit(&mut frame);
    frame
}

/// Host `n` asks all for the gateway.
fn asks(n: u16) -> Vec<u8> {
    arp(arp::op::REQUEST, BROADCAST, mac(n), address(n), Ipv4Addr::new(10, 0, 0, 1))
}

/// A packet of ours in a frame.
fn ours(to: [u8; 6], destination: Ipv4Addr) -> Vec<u8> {
    let mut frame = Vec::new();
    ethernet::emit_header(&mut frame, to, OWN, ethertype::IPV4);
    ipv4::emit_header(&mut frame, Ipv4Addr::new(10, 0, 0, 1), destination, 17, 64, 8);
    frame.extend([0; 8]);
    frame
}

/// Frames every millisecond, as a pcap file.
fn pcap(link: DataLink, frames: &[Vec<u8>]) -> Vec<u8> {
    let header = PcapHeader { datalink: link, ..PcapHeader::default() };
    let mut writer = PcapWriter::with_header(Vec::new(), header).unwrap();
    for (n, frame) in frames.iter().enumerate() {
        let at = Duration::from_secs(1_700_000_000) + Duration::from_millis(n as u64);
        writer.write_packet(&PcapPacket::new(at, frame.len() as u32, frame.as_slice()).unwrap()).unwrap();
    }
    writer.into_inner()
}

/// The same as pcapng; each frame says of which of the interfaces it is.
fn pcapng(links: &[DataLink], frames: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut writer = PcapNgWriter::new(Vec::new()).unwrap();
    for link in links {
        writer.write_pcapng_block(InterfaceDescriptionBlock::new(*link, 0)).unwrap();
    }
    for (n, (interface_id, frame)) in frames.iter().enumerate() {
        let block = EnhancedPacketBlock {
            interface_id: *interface_id,
            timestamp: Duration::from_millis(n as u64),
            original_len: frame.len() as u32,
            data: frame.into(),
            options: Vec::new(),
        };
        writer.write_pcapng_block(block).unwrap();
    }
    writer.into_inner()
}

fn options() -> ReplayOptions {
    ReplayOptions { mac: None, addresses: Vec::new(), sets: Vec::new(), profile: Profile::Linux, seed: 1 }
}

fn as_host() -> ReplayOptions {
    ReplayOptions { mac: Some(OWN), addresses: vec!["10.0.0.1/16".parse().unwrap()], ..options() }
}

fn run(input: impl Read, options: &ReplayOptions) -> Result<Replay, ReplayError> {
    replay("a capture", input, options, |_| {})
}

#[test]
fn a_network_of_more_hosts_than_gc_thresh3_is_told_which_thresholds_it_needs() {
    let frames: Vec<_> = (10..1510).map(asks).collect();
    let replayed = run(&pcap(DataLink::ETHERNET, &frames)[..], &options()).unwrap();
    let advice = &replayed.advice[0];
    assert_eq!((advice.needed, advice.thresholds), (1500, [128, 512, 1024]));
    assert_eq!(advice.refused, 1500 - 1024, "all came within two seconds");
    let suggested = advice.suggested.expect("larger ones");
    assert_eq!(suggested, [512, 2048, 4096]);
    assert!(replayed.to_string().contains("ipv4/gc_thresh3=4096"), "{replayed}");
    assert!(replayed.report.met(), "{replayed}");
    assert_eq!(replayed.advice[1].suggested, None, "there is no IPv6 in it");

    // What if?
    let names = ["gc_thresh1", "gc_thresh2", "gc_thresh3"];
    let sets = names.iter().zip(suggested).map(|(name, value)| ((*name).into(), value.to_string()));
    let options = ReplayOptions { sets: sets.collect(), ..options() };
    let replayed = run(&pcap(DataLink::ETHERNET, &frames)[..], &options).unwrap();
    let advice = &replayed.advice[0];
    assert_eq!((advice.refused, advice.forced, advice.suggested), (0, 0, None), "{}", advice.why);
}

#[test]
fn a_network_between_the_thresholds_is_told_what_collection_costs_it() {
    let frames: Vec<_> = (10..710).map(asks).collect();
    let replayed = run(&pcap(DataLink::ETHERNET, &frames)[..], &options()).unwrap();
    let advice = &replayed.advice[0];
    assert_eq!((advice.needed, advice.refused), (700, 0));
    assert!(advice.suggested.is_some() && advice.why.contains("gc_thresh2"), "{}", advice.why);
}

#[test]
fn as_a_host_it_knows_whom_it_spoke_to_and_not_who_spoke_past_it() {
    let gateway = mac(999);
    let mut frames =
        vec![arp(arp::op::REQUEST, BROADCAST, gateway, address(999), Ipv4Addr::new(10, 0, 0, 1))];
    frames.extend((10..20).map(|n| ours(mac(n), address(n)))); // on the link, and not asked for in the capture
    frames.push(ours(gateway, Ipv4Addr::new(198, 51, 100, 7))); // beyond it
    frames.push(arp(arp::op::REQUEST, BROADCAST, OWN, Ipv4Addr::new(10, 0, 0, 1), address(500))); // nobody answers
    frames.push(arp(arp::op::REQUEST, BROADCAST, mac(30), address(30), address(31))); // not for us
    let replayed = run(&pcap(DataLink::ETHERNET, &frames)[..], &as_host()).unwrap();
    assert_eq!(replayed.advice[0].needed, 12, "ten, the gateway and the silent one");
    assert!(replayed.notes.iter().any(|note| note.contains("answers were assumed")), "{replayed}");
    assert!(replayed.report.met(), "{replayed}");
}

#[test]
fn packets_by_a_gateway_that_was_never_seen_are_told() {
    let frames = [ours(mac(7), Ipv4Addr::new(198, 51, 100, 7))];
    let replayed = run(&pcap(DataLink::ETHERNET, &frames)[..], &as_host()).unwrap();
    assert!(replayed.notes.iter().any(|note| note.starts_with("1 packets left by a gateway")), "{replayed}");
}

#[test]
fn a_capture_cut_anywhere_is_replayed_up_to_there() {
    let frames: Vec<_> = (10..14).map(asks).collect();
    for whole in [
        pcap(DataLink::ETHERNET, &frames),
        pcapng(&[DataLink::ETHERNET], &frames.iter().map(|f| (0, f.clone())).collect::<Vec<_>>()),
    ] {
        let mut needed = Vec::new();
        for len in 0..=whole.len() {
            match run(&whole[..len], &options()) {
                Ok(replayed) => {
                    let cut = replayed.notes.iter().any(|note| note.contains("cut off"));
                    needed.push((replayed.advice[0].needed, cut));
                }
                Err(ReplayError::Empty | ReplayError::NoCapture | ReplayError::Head(_)) => {
                    assert!(len < 64, "{len} bytes are a head");
                }
                Err(error) => panic!("{len}: {error}"),
            }
        }
        assert_eq!(needed.last(), Some(&(4, false)));
        assert!(needed.contains(&(2, true)), "two whole frames and a part of the third");
        assert!(needed.is_sorted_by_key(|(n, _)| *n), "{needed:?}");
    }
}

#[test]
fn other_links_are_refused_by_name() {
    for capture in
        [pcap(DataLink::LINUX_SLL, &[vec![0; 60]]), pcapng(&[DataLink::LINUX_SLL], &[(0, vec![0; 60])])]
    {
        let error = run(&capture[..], &options()).unwrap_err().to_string();
        assert!(error.contains("LINUX_SLL (113)") && error.contains("Ethernet"), "{error}");
    }
    let mixed = pcapng(&[DataLink::ETHERNET, DataLink::LINUX_SLL], &[(1, vec![0; 60]), (0, asks(10))]);
    let replayed = run(&mixed[..], &options()).unwrap();
    assert_eq!(replayed.advice[0].needed, 1);
    assert!(replayed.notes[0].contains("1 frames of interfaces that are no Ethernet"), "{replayed}");
}

#[test]
fn what_is_no_capture_is_said_to_be_none() {
    assert!(matches!(run(&b""[..], &options()), Err(ReplayError::Empty)));
    assert!(matches!(run(&b"abc"[..], &options()), Err(ReplayError::NoCapture)));
    assert!(matches!(run(&b"# a text file\n"[..], &options()), Err(ReplayError::NoCapture)));
    let none = run(&pcap(DataLink::ETHERNET, &[])[..], &options()).unwrap();
    assert!(none.notes.iter().any(|note| note.contains("no frame")), "{none}");
}

#[test]
fn frames_that_cannot_be_read_are_counted_and_nothing_else() {
    let mut tagged = asks(10);
    tagged.splice(12..12, [0x81, 0x00, 0x00, 0x05]);
    let frames = [vec![], vec![1, 2, 3], tagged, asks(11), vec![0xff; 9000]];
    let replayed = run(&pcap(DataLink::ETHERNET, &frames)[..], &options()).unwrap();
    let notes = replayed.notes.join("\n");
    assert!(notes.contains("1 frames are tagged") && notes.contains("2 frames have no Ethernet"), "{notes}");
    assert_eq!(replayed.advice[0].needed, 1);
}

#[test]
fn times_that_go_back_or_leap_are_no_trouble() {
    let mut writer = PcapWriter::new(Vec::new()).unwrap();
    for (at, n) in [(1_700_000_000, 10), (5, 11), (4_000_000_000, 12), (1_700_000_000, 13)] {
        let frame = asks(n);
        let packet = PcapPacket::new(Duration::from_secs(at), frame.len() as u32, frame.as_slice()).unwrap();
        writer.write_packet(&packet).unwrap();
    }
    let replayed = run(&writer.into_inner()[..], &options()).unwrap();
    assert_eq!(replayed.report.runs[0].metrics["capture.frames"], 4.0);
    assert!(replayed.notes.iter().any(|note| note.contains("longer than an hour")), "{replayed}");
}

#[test]
fn wrong_parameters_and_addresses_are_refused() {
    let sets = vec![("gc_thresh9".to_owned(), "1".to_owned())];
    let error = run(&pcap(DataLink::ETHERNET, &[])[..], &ReplayOptions { sets, ..options() }).unwrap_err();
    assert!(error.to_string().contains("gc_thresh9"), "{error}");
    let addresses = vec!["224.0.0.1/24".parse().unwrap()];
    let error =
        run(&pcap(DataLink::ETHERNET, &[])[..], &ReplayOptions { addresses, ..as_host() }).unwrap_err();
    assert!(error.to_string().contains("224.0.0.1"), "{error}");
}

/// A capture that has no end on disk: the same frames again and again.
struct Endless {
    head: Vec<u8>,
    body: Vec<u8>,
    rounds: usize,
    at: usize,
}

impl Read for Endless {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        if self.at < self.head.len() {
            let n = buf.len().min(self.head.len() - self.at);
            buf[..n].copy_from_slice(&self.head[self.at..self.at + n]);
            self.at += n;
            return Ok(n);
        }
        let place = (self.at - self.head.len()) % self.body.len();
        if place == 0 {
            if self.rounds == 0 {
                return Ok(0);
            }
            self.rounds -= 1;
        }
        let n = buf.len().min(self.body.len() - place);
        buf[..n].copy_from_slice(&self.body[place..place + n]);
        self.at += n;
        Ok(n)
    }
}

#[test]
fn a_long_capture_is_streamed() {
    let capture = pcap(DataLink::ETHERNET, &(10..110).map(asks).collect::<Vec<_>>());
    let (head, body) = capture.split_at(24);
    let endless = Endless { head: head.into(), body: body.into(), rounds: 2000, at: 0 };
    let replayed = run(endless, &options()).unwrap();
    assert_eq!(replayed.report.runs[0].metrics["capture.frames"], 200_000.0);
    assert!(replayed.report.runs[0].samples.len() <= 1001);
    assert_eq!(replayed.advice[0].needed, 100);
}
