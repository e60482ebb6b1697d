//! The layers over memory, by simulated time: what they do, and that a seed repeats it.

use neighbour_link::{Fault, FaultPlan, Faults, Link, Memory, Pcap, Time, fault, memory};
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketOption;
use pcap_file::pcapng::{Block, PcapNgReader};
use std::io::{self, Write};
use std::process::Command;

const SEED: u64 = 20_261_121;

fn frame(number: u32) -> Vec<u8> {
    let mut frame = vec![0x5a; 60];
    frame[14..18].copy_from_slice(&number.to_be_bytes());
    frame
}

fn number(frame: &[u8]) -> u32 {
    u32::from_be_bytes(frame[14..18].try_into().unwrap())
}

fn all(link: &mut impl Link, now: Time) -> Vec<Vec<u8>> {
    let (mut all, mut buf) = (Vec::new(), Vec::new());
    while link.receive(now, &mut buf).unwrap() {
        all.push(buf.clone());
    }
    all
}

/// Sends `count` frames a millisecond apart through the faults, and says what arrived when, in order.
fn sent_through(faults: &Faults, count: u32, seed: u64) -> Vec<(Time, Vec<u8>)> {
    let (near, mut far) = memory::pair(1 << 16);
    let plan = FaultPlan { transmit: faults.clone(), ..FaultPlan::default() };
    let (mut near, _) = Fault::new(near, plan, seed);
    let mut arrived = Vec::new();
    let mut see = |near: &mut Fault<Memory>, now| {
        assert!(all(near, now).is_empty());
        arrived.extend(all(&mut far, now).into_iter().map(|frame| (now, frame)));
    };
    for at in 0..count {
        let now = Time::from_millis(at.into());
        while let Some(due) = near.next_deadline().filter(|due| *due < now) {
            see(&mut near, due);
        }
        near.transmit(now, &frame(at)).unwrap();
        see(&mut near, now);
    }
    while let Some(due) = near.next_deadline() {
        see(&mut near, due);
    }
    arrived
}

fn numbers(arrived: &[(Time, Vec<u8>)]) -> Vec<u32> {
    arrived.iter().map(|(_, frame)| number(frame)).collect()
}

#[test]
fn a_plan_without_faults_changes_nothing() {
    let arrived = sent_through(&Faults::default(), 100, SEED);
    let expected: Vec<_> = (0..100).map(|at| (Time::from_millis(at.into()), frame(at))).collect();
    assert_eq!(arrived, expected);
}

#[test]
fn the_same_seed_repeats_the_run_and_another_does_not() {
    let faults = Faults {
        loss: 0.2,
        duplicate: 0.1,
        corrupt: 0.1,
        delay: Time::from_millis(1)..=Time::from_millis(9),
        reorder: 0.1,
        ..Faults::default()
    };
    let first = sent_through(&faults, 1000, SEED);
    assert_eq!(first, sent_through(&faults, 1000, SEED), "seed {SEED}");
    assert_ne!(first, sent_through(&faults, 1000, SEED + 1), "seed {SEED}");
}

#[test]
fn a_further_fault_leaves_the_fate_of_the_others_alone() {
    let losing = Faults { loss: 0.3, ..Faults::default() };
    let damaging = Faults { corrupt: 0.5, delay: Time::ZERO..=Time::from_millis(30), ..losing.clone() };
    let kept = |faults| sent_through(faults, 500, SEED).len();
    assert_eq!(kept(&losing), kept(&damaging), "seed {SEED}");
}

#[test]
fn about_as_many_frames_are_lost_and_doubled_as_the_plan_says() {
    let faults = Faults { loss: 0.25, duplicate: 0.5, ..Faults::default() };
    let arrived = sent_through(&faults, 10_000, SEED).len();
    // 7,500 pass, half of them twice: 11,250, with a standard deviation of about 75.
    assert!((10_900..11_600).contains(&arrived), "seed {SEED}: {arrived}");
}

#[test]
fn a_probability_of_one_is_certain_and_one_that_is_no_number_is_never() {
    let with = |loss| Faults { loss, ..Faults::default() };
    for (loss, expected) in [(1.0, 0), (7.0, 0), (f64::NAN, 50), (-1.0, 50), (0.0, 50)] {
        assert_eq!(sent_through(&with(loss), 50, SEED).len(), expected, "{loss}");
    }
}

#[test]
fn delay_keeps_the_order_and_its_bounds() {
    let faults = Faults { delay: Time::from_millis(5)..=Time::from_millis(25), ..Faults::default() };
    let arrived = sent_through(&faults, 500, SEED);
    assert_eq!(numbers(&arrived), (0..500).collect::<Vec<_>>());
    for (at, frame) in arrived {
        let took = at - Time::from_millis(number(&frame).into());
        let bounds = Time::from_millis(5)..=Time::from_millis(25);
        assert!(bounds.contains(&took), "seed {SEED}: {took:?}");
    }
}

#[test]
fn a_delay_that_ends_before_it_begins_is_its_beginning() {
    let faults = Faults { delay: Time::from_millis(8)..=Time::from_millis(2), ..Faults::default() };
    let arrived = sent_through(&faults, 1, SEED);
    assert_eq!(arrived[0].0, Time::from_millis(8));
}

#[test]
fn a_frame_held_back_is_overtaken_and_none_is_missing() {
    let faults = Faults { reorder: 0.1, reorder_hold: Time::from_micros(2500), ..Faults::default() };
    let mut arrived = numbers(&sent_through(&faults, 500, SEED));
    assert!(!arrived.is_sorted(), "seed {SEED}");
    for (at, number) in arrived.iter().enumerate() {
        // Held for two and a half frames' time.
        assert!(number.abs_diff(at as u32) <= 3, "seed {SEED}: {number} at {at}");
    }
    arrived.sort_unstable();
    assert_eq!(arrived, (0..500).collect::<Vec<_>>(), "seed {SEED}");
}

#[test]
fn damage_is_one_bit() {
    let faults = Faults { corrupt: 1.0, ..Faults::default() };
    for (at, (_, damaged)) in (0..).zip(sent_through(&faults, 200, SEED)) {
        let whole = frame(at);
        let bits = whole.iter().zip(&damaged).map(|(a, b)| (a ^ b).count_ones());
        assert_eq!(bits.sum::<u32>(), 1, "seed {SEED}: frame {at}");
    }
}

#[test]
fn a_cut_cable_carries_nothing_either_way_until_it_is_mended() {
    let (near, mut far) = memory::pair(16);
    let slow = Faults { delay: Time::from_millis(5)..=Time::from_millis(5), ..Faults::default() };
    let (mut near, handle) = Fault::new(near, FaultPlan::both(slow.clone()), SEED);
    let at = Time::from_millis;
    // One frame each way is under way when the cable is cut, and one comes after.
    near.transmit(at(0), &frame(1)).unwrap();
    far.transmit(at(0), &frame(2)).unwrap();
    assert!(all(&mut near, at(0)).is_empty());
    handle.set(FaultPlan::cut());
    near.transmit(at(1), &frame(3)).unwrap();
    far.transmit(at(1), &frame(4)).unwrap();
    assert!(all(&mut near, at(9)).is_empty() && all(&mut far, at(9)).is_empty());
    assert_eq!(near.next_deadline(), None);
    let counts = handle.counts();
    assert_eq!((counts.receive.cut, counts.transmit.cut), (2, 2));

    handle.update(|plan| plan.receive.cut = false);
    far.transmit(at(10), &frame(5)).unwrap();
    near.transmit(at(10), &frame(6)).unwrap();
    assert_eq!(all(&mut near, at(10)), [frame(5)]);
    assert!(all(&mut far, at(10)).is_empty());
    assert_eq!(handle.plan().transmit, FaultPlan::cut().transmit);
}

#[test]
fn what_comes_in_has_its_own_plan() {
    let (near, mut far) = memory::pair(16);
    let plan = FaultPlan {
        receive: Faults {
            delay: Time::from_millis(3)..=Time::from_millis(3),
            duplicate: 1.0,
            ..Faults::default()
        },
        ..FaultPlan::default()
    };
    let (mut near, handle) = Fault::new(near, plan, SEED);
    far.transmit(Time::ZERO, &frame(1)).unwrap();
    assert!(all(&mut near, Time::ZERO).is_empty());
    assert_eq!(near.next_deadline(), Some(Time::from_millis(3)));
    assert_eq!(all(&mut near, Time::from_millis(3)), [frame(1), frame(1)]);
    let counts = handle.counts().receive;
    assert_eq!((counts.seen, counts.duplicated, counts.passed), (1, 1, 2));
}

#[test]
fn no_more_than_the_bound_is_held() {
    let (near, _far) = memory::pair(1);
    let plan = FaultPlan::both(Faults { delay: Time::MAX..=Time::MAX, ..Faults::default() });
    let (mut near, handle) = Fault::new(near, plan, SEED);
    for at in 0..fault::HELD_MAX as u32 + 3 {
        near.transmit(Time::MAX / 2, &frame(at)).unwrap();
    }
    assert_eq!(handle.counts().transmit.overflowed, 3);
}

#[test]
fn a_refusal_of_the_link_below_is_the_callers_to_count() {
    let (near, _far) = memory::pair(1);
    let (mut near, _) = Fault::new(near, FaultPlan::default(), SEED);
    near.transmit(Time::ZERO, &frame(1)).unwrap();
    near.transmit(Time::ZERO, &frame(2)).unwrap_err();
}

#[test]
fn a_capture_holds_each_frame_with_its_time_and_direction() {
    let (near, mut far) = memory::pair(1);
    let epoch = Time::from_secs(1_800_000_000);
    let path = std::env::temp_dir().join(format!("neighbour-link-{}.pcapng", std::process::id()));
    let mut near = Pcap::create(near, &path, "tap0", epoch).unwrap();
    let mut asked = vec![0xff; 6];
    asked.extend([2, 0, 0, 0, 0, 1, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1]);
    asked.extend([192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 192, 0, 2, 2]);
    near.transmit(Time::from_nanos(1_000_000_001), &asked).unwrap();
    // The far end has not received the first, so it is refused and must not be in the capture.
    near.transmit(Time::from_secs(2), &frame(0)).unwrap_err();
    far.transmit(Time::ZERO, &[7; 33]).unwrap();
    assert_eq!(all(&mut near, Time::from_secs(3)), [vec![7; 33]]);
    near.flush().unwrap();

    // Read while the layer lives: what passed is in the file already.
    let file = std::fs::File::open(&path).unwrap();
    let mut reader = PcapNgReader::with_capacity(file, 1 << 20).unwrap();
    let mut packets = Vec::new();
    while let Some(block) = reader.next_block() {
        if let (Block::EnhancedPacket(packet), _) = block.unwrap() {
            packets.push(packet.into_owned());
        }
    }
    let shown: Vec<_> = packets
        .iter()
        .map(|packet| (packet.timestamp - epoch, &packet.data[..], &packet.options[0]))
        .collect();
    let flags = EnhancedPacketOption::Flags;
    let expected = [
        (Time::from_nanos(1_000_000_001), &asked[..], &flags(2)),
        (Time::from_secs(3), &[7; 33][..], &flags(1)),
    ];
    assert_eq!(shown, expected);

    // Where tcpdump is installed it reads it too.
    let tcpdump = Command::new("tcpdump").args(["--nano", "-tt", "-nr"]).arg(&path).output();
    if let Ok(output) = tcpdump {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = "1800000001.000000001 ARP, Request who-has 192.0.2.2 tell 192.0.2.1";
        assert!(text.contains(line), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    }
    std::fs::remove_file(&path).unwrap();
}

/// A disk that is full after the head of the capture.
#[derive(Debug)]
struct FullDisk(usize);

impl Write for FullDisk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_ends_the_capture_and_not_the_traffic() {
    let (near, mut far) = memory::pair(16);
    let mut near = Pcap::new(near, FullDisk(200), "tap0", Time::ZERO).unwrap();
    for at in 0..5 {
        near.transmit(Time::ZERO, &frame(at)).unwrap();
    }
    let error = near.flush().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert!(error.to_string().starts_with("the capture ends here"), "{error}");
    near.flush().unwrap();
    assert_eq!(all(&mut far, Time::ZERO).len(), 5);
}

#[test]
fn a_capture_that_cannot_be_begun_is_refused() {
    let (near, _far) = memory::pair(16);
    assert!(Pcap::new(near, FullDisk(3), "tap0", Time::ZERO).is_err());
    let (near, _far) = memory::pair(16);
    assert!(Pcap::create(near, "/nosuch/file".as_ref(), "tap0", Time::ZERO).is_err());
}
