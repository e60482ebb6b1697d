//! Whatever stands before a protocol: VU#855201.

use neighbour_wire::ethernet::{Frame, ethertype};
use neighbour_wire::peel::{Llc, PeelError, Peeled, Tags, peel};

use crate::support::hex;

/// Addresses, then these bytes, then 28 bytes of payload, 60 bytes at least.
fn frame(between: &str) -> Vec<u8> {
    let mut frame = [hex("ffffffffffff 0200000000aa"), hex(between), vec![0x5a; 28]].concat();
    frame.resize(frame.len().max(60), 0);
    frame
}

#[track_caller]
fn peeled(frame: &[u8]) -> Peeled<'_> {
    let peeled = peel(frame).unwrap();
    assert_eq!((peeled.destination, peeled.source), ([0xff; 6], [2, 0, 0, 0, 0, 0xaa]));
    assert_eq!(peeled.payload[..28], [0x5a; 28]);
    peeled
}

#[test]
fn tags_of_any_kind_and_number_come_off() {
    for (between, expected) in [
        ("0806", Tags::default()),
        ("8100 0005 0806", Tags { outer: 5, count: 1, ..Tags::default() }),
        ("8100 e005 0806", Tags { outer: 5, count: 1, ..Tags::default() }),
        ("88a8 0007 8100 0005 0806", Tags { outer: 7, inner: 5, count: 2, ..Tags::default() }),
        ("9100 0007 8100 0005 0806", Tags { outer: 7, inner: 5, count: 2, ..Tags::default() }),
        ("8100 e000 0806", Tags { priority: 1, count: 1, ..Tags::default() }),
        ("8100 0000 88a8 0000 8100 0005 0806", Tags { outer: 5, priority: 2, count: 3, ..Tags::default() }),
        ("8100 0001 8100 0002 8100 0003 0806", Tags { outer: 1, inner: 2, count: 3, ..Tags::default() }),
    ] {
        let frame = frame(between);
        let peeled = peeled(&frame);
        assert_eq!(
            (peeled.tags, peeled.llc, peeled.ethertype),
            (expected, None, ethertype::ARP),
            "{between}"
        );
    }
}

#[test]
fn cve_2021_27853_a_stack_of_vlan_0_hides_nothing() {
    let frame = frame(&format!("{} 86dd", "8100 0000".repeat(300)));
    let peeled = peeled(&frame);
    assert_eq!((peeled.tags.priority, peeled.ethertype), (300, ethertype::IPV6));
}

#[test]
fn cve_2021_27854_snap_hides_nothing_before_behind_and_between_tags() {
    let snap = "aaaa03 000000";
    for (between, tags) in [
        (format!("0024 {snap} 0806"), 0),
        ("0024 aaaa03 0000f8 0806".into(), 0),
        (format!("0024 aaaa13 {} 0806", "000000"), 0),
        (format!("8100 0000 0024 {snap} 0806"), 1),
        (format!("0028 {snap} 8100 0000 0806"), 1),
        (format!("8100 0005 002c {snap} 8100 0000 88a8 0000 0806"), 3),
    ] {
        let frame = frame(&between);
        let peeled = peeled(&frame);
        assert_eq!((peeled.tags.count, peeled.ethertype), (tags, ethertype::ARP), "{between}");
        let llc = peeled.llc.unwrap();
        assert!(llc.snap && llc.is_right, "{between}: {llc:?}");
    }
    let arp = frame("001f 989803");
    assert_eq!(peeled(&arp).llc, Some(Llc { snap: false, stated: 31, is_right: true }));
    assert_eq!(peeled(&arp).ethertype, ethertype::ARP);
    assert_eq!(peeled(&frame("001f 060603")).ethertype, ethertype::IPV4);
}

#[test]
fn cve_2021_27861_cve_2021_27862_a_wrong_length_hides_nothing_and_is_said() {
    for tags in ["", "8100 0000"] {
        for stated in [0, 1, 8, 35, 37, 47, 300, 1500, 1501, 0x5ff] {
            let mut frame = frame(&format!("{tags} {stated:04x} aaaa03 000000 86dd"));
            frame.resize(14 + 100, 0);
            let peeled = peeled(&frame);
            assert_eq!(peeled.ethertype, ethertype::IPV6);
            let expected = Llc { snap: true, stated, is_right: false };
            assert_eq!(peeled.llc, Some(expected), "{tags} {stated}");
        }
    }
}

#[test]
fn what_has_no_ethernet_type_is_named() {
    for (between, sap) in [
        ("0026 424203", 0x42),
        ("0026 aaaa03 00000c 2000", 0xaa),
        ("0026 aaaa00 000000 0806", 0xaa),
        ("0026 aa9803 000000 0806", 0xaa),
        ("0026 ffff03", 0xff),
    ] {
        assert_eq!(peel(&frame(between)), Err(PeelError::OtherLlc(sap)), "{between}");
    }
    assert_eq!(peeled(&frame("88cc")).ethertype, 0x88cc);
}

#[test]
fn a_frame_that_ends_within_its_headers_is_truncated_wherever_it_ends() {
    for between in
        ["8100 0005 88a8 0000 0806", "0024 aaaa03 000000 0806", "8100 0000 0030 aaaa03 000000 8100 0000 0806"]
    {
        let whole = [hex("ffffffffffff 0200000000aa"), hex(between)].concat();
        for len in 0..whole.len() {
            let error = peel(&whole[..len]).unwrap_err();
            let PeelError::Truncated { need, got } = error else { panic!("{between}, {len}: {error}") };
            assert!(need > len && got == len, "{between}, {len}: {error}");
        }
        let peeled = peel(&whole).unwrap();
        assert_eq!((peeled.ethertype, peeled.payload), (ethertype::ARP, &[][..]), "{between}");
    }
}

#[test]
fn what_our_host_reads_is_read_the_same_way_here() {
    for between in ["0806", "86dd", "8100 e000 0806", "88a8 0000 8100 0000 0800"] {
        let bytes = frame(between);
        let (host, peeled) = (Frame::parse(&bytes).unwrap(), peeled(&bytes));
        assert_eq!((host.ethertype, host.payload), (peeled.ethertype, peeled.payload), "{between}");
    }
}
