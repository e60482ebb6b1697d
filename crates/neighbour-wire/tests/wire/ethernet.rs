use neighbour_wire::ethernet::{Frame, FrameError, emit_header, ethertype};

const HEADER: [u8; 14] = [0x33, 0x33, 0xff, 0, 0, 1, 2, 0, 0, 0, 0, 0xaa, 0x86, 0xdd];

fn tagged(tags: &[[u8; 4]]) -> Vec<u8> {
    let mut frame = HEADER[..12].to_vec();
    frame.extend(tags.iter().flatten());
    frame.extend_from_slice(&[0x08, 0x06, 1, 2, 3]);
    frame
}

#[test]
fn parse() {
    let bytes = [&HEADER[..], &[9, 8, 7]].concat();
    let frame = Frame::parse(&bytes).unwrap();
    assert_eq!(frame.destination, [0x33, 0x33, 0xff, 0, 0, 1]);
    assert_eq!(frame.source, [2, 0, 0, 0, 0, 0xaa]);
    assert_eq!(frame.ethertype, ethertype::IPV6);
    assert_eq!(frame.payload, [9, 8, 7]);
}

#[test]
fn emit() {
    let mut buf = Vec::new();
    emit_header(&mut buf, [0x33, 0x33, 0xff, 0, 0, 1], [2, 0, 0, 0, 0, 0xaa], ethertype::IPV6);
    assert_eq!(buf, HEADER);
}

#[test]
fn truncated_at_every_length() {
    for len in 0..14 {
        assert_eq!(Frame::parse(&HEADER[..len]), Err(FrameError::Truncated { need: 14, got: len }));
    }
    let frame = tagged(&[[0x81, 0, 0, 0]]);
    for len in 14..18 {
        assert_eq!(Frame::parse(&frame[..len]), Err(FrameError::Truncated { need: 18, got: len }));
    }
    assert_eq!(Frame::parse(&frame[..18]).unwrap().payload, []);
}

/// VU#855201: messages behind stacks of priority tags are seen.
#[test]
fn a_stack_of_priority_tags_is_looked_through() {
    let priority = [0x81, 0, 0xe0, 0];
    let service = [0x88, 0xa8, 0x10, 0];
    for tags in [&[priority][..], &[service], &[priority, service, priority], &[priority; 300]] {
        let frame = tagged(tags);
        let frame = Frame::parse(&frame).unwrap();
        assert_eq!(frame.ethertype, ethertype::ARP);
        assert_eq!(frame.payload, [1, 2, 3]);
    }
}

#[test]
fn a_tag_for_another_vlan_is_reported_with_its_id() {
    let outer = tagged(&[[0x81, 0, 0xe0, 7]]);
    assert_eq!(Frame::parse(&outer), Err(FrameError::VlanTagged(7)));
    let inner = tagged(&[[0x88, 0xa8, 0, 0], [0x81, 0, 0x0f, 0xff]]);
    assert_eq!(Frame::parse(&inner), Err(FrameError::VlanTagged(0xfff)));
}

/// VU#855201: LLC and SNAP, whatever the 802.3 length says, behind tags or not.
#[test]
fn a_length_instead_of_a_type_is_llc() {
    for length in [0_u16, 8, 0x5dc, 0x5ff] {
        let mut frame = HEADER.to_vec();
        frame[12..].copy_from_slice(&length.to_be_bytes());
        frame.extend_from_slice(&[0xaa, 0xaa, 3, 0, 0, 0, 8, 6]);
        assert_eq!(Frame::parse(&frame), Err(FrameError::Llc), "{length}");
    }
    let mut behind_tag = tagged(&[[0x81, 0, 0, 0]]);
    behind_tag[16..18].copy_from_slice(&[0, 8]);
    assert_eq!(Frame::parse(&behind_tag), Err(FrameError::Llc));
    let mut least_type = HEADER;
    least_type[12..].copy_from_slice(&[6, 0]);
    assert_eq!(Frame::parse(&least_type).unwrap().ethertype, 0x600);
}
