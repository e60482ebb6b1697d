//! Captures read back, and captures that nobody should trust.

use neighbour_link::{Capture, CaptureError, Captured, Link, Pcap, Time, memory};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::io;
use std::sync::{Arc, Mutex};

const AT: Time = Time::new(1_700_000_000, 123_456_000);

/// A pcap file of little-endian microseconds: head, then frames behind heads with these lengths.
fn pcap(link_type: u32, frames: &[(u32, u32, &[u8])]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 0xffff, link_type] {
        file.extend_from_slice(&word.to_le_bytes());
    }
    for (captured, original, bytes) in frames {
        for word in [1_700_000_000, 123_456, *captured, *original] {
            file.extend_from_slice(&word.to_le_bytes());
        }
        file.extend_from_slice(bytes);
    }
    file
}

/// What our own capture layer writes.
fn pcapng(frames: &[&[u8]]) -> Vec<u8> {
    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);
    impl io::Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let file = Shared::default();
    let (near, _far) = memory::pair(64);
    let mut link = Pcap::new(near, file.clone(), "eth7", AT).unwrap();
    for frame in frames {
        link.transmit(Time::ZERO, frame).unwrap();
    }
    drop(link);
    file.0.lock().unwrap().clone()
}

/// A frame and what the file says of it.
type Frame = (Captured, Vec<u8>);

/// The frames, how it ended, and how many were passed over.
fn all(file: &[u8]) -> (Vec<Frame>, Option<CaptureError>, u64) {
    let mut capture = match Capture::new(file) {
        Ok(capture) => capture,
        Err(error) => return (Vec::new(), Some(error), 0),
    };
    let (mut frames, mut buf) = (Vec::new(), Vec::new());
    loop {
        match capture.next(&mut buf) {
            Ok(Some(captured)) => frames.push((captured, buf.clone())),
            Ok(None) => return (frames, None, capture.skipped()),
            Err(error) => return (frames, Some(error), capture.skipped()),
        }
    }
}

#[test]
fn both_formats_are_read_with_their_times_and_lengths() {
    let expected = Captured { at: AT, interface: 0, wire_len: 60 };
    let (frames, error, skipped) = all(&pcap(1, &[(60, 60, &[1; 60]), (42, 60, &[2; 42])]));
    assert!(error.is_none() && skipped == 0, "{error:?}");
    assert_eq!(frames, [(expected, vec![1; 60]), (expected, vec![2; 42])]);
    let file = pcapng(&[&[1; 60], &[2; 60]]);
    let (frames, error, skipped) = all(&file);
    assert!(error.is_none() && skipped == 0, "{error:?}");
    assert_eq!(frames, [(expected, vec![1; 60]), (expected, vec![2; 60])]);
    let mut capture = Capture::new(&file[..]).unwrap();
    capture.next(&mut Vec::new()).unwrap();
    assert_eq!((capture.interface(0).as_deref(), capture.interface(1)), (Some("eth7"), None));
}

#[test]
fn what_is_no_capture_is_named() {
    for bytes in [&b""[..], b"\x7fELF and so on, and so on, for a while", b"\xd4\xc3\xb2\xa1 cut"] {
        assert!(matches!(all(bytes).1, Some(CaptureError::NoCapture(_))), "{bytes:?}");
    }
    assert!(matches!(all(&pcap(113, &[])).1, Some(CaptureError::NotEthernet(113))));
}

#[test]
fn cve_2016_7923_cve_2017_13013_lengths_that_lie_end_the_capture_and_take_no_memory() {
    for captured in [61, 1024 * 1024 + 1, u32::MAX - 15, u32::MAX] {
        let (frames, error, _) = all(&pcap(1, &[(60, 60, &[1; 60]), (captured, 60, &[2; 60])]));
        assert_eq!(frames.len(), 1, "{captured}");
        assert!(matches!(error, Some(CaptureError::Cut)), "{captured}: {error:?}");
    }
    // What was on the wire may be any number: the frame is what the file has.
    for original in [0, 1, u32::MAX] {
        let (frames, error, _) = all(&pcap(1, &[(60, original, &[1; 60])]));
        assert_eq!((frames.len(), frames[0].1.len(), error.is_none()), (1, 60, true), "{original}");
    }
}

#[test]
fn an_end_in_the_middle_is_said_wherever_it_is() {
    let (pcap, pcapng) = (pcap(1, &[(60, 60, &[1; 60])]), pcapng(&[&[1; 60]]));
    for (file, head) in [(&pcap, 24), (&pcapng, 28)] {
        for len in head + 1..file.len() {
            let (frames, error, _) = all(&file[..len]);
            assert!(frames.is_empty() && (error.is_some() || file[0] == 0x0a), "{len} of {}", file.len());
        }
    }
}

#[test]
fn no_damage_to_a_capture_panics_its_reader_or_keeps_it_for_ever() {
    let (pcap, pcapng) = (pcap(1, &[(60, 60, &[1; 60]), (60, 60, &[2; 60])]), pcapng(&[&[1; 60], &[2; 42]]));
    let seed = 0x5eed;
    println!("seed {seed:#x}");
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    for round in 0..20_000 {
        let mut file = if round % 2 == 0 { pcap.clone() } else { pcapng.clone() };
        for _ in 0..1 + chance.next_u32() % 4 {
            let at = chance.next_u32() as usize % file.len();
            let extremes = [0, 1, 0x7f, 0x80, 0xff, chance.next_u32() as u8];
            file[at] = extremes[chance.next_u32() as usize % extremes.len()];
        }
        let (frames, ..) = all(&file);
        assert!(frames.len() <= 2, "round {round}");
    }
}
