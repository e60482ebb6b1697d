//! A scan of a whole prefix, forwarded: what each address costs that nobody has.

use crate::beside::GUARDED;
use crate::clock::nanoseconds_each;
use crate::contestant::{OURS, drain};
use crate::figure::{Finding, Row, Unit};
use crate::plan::Plan;
use neighbour::{Config, Device, DeviceId, Engine, Instant};
use neighbour_wire::echo::Echo;
use neighbour_wire::ethernet::{emit_header, ethertype};
use neighbour_wire::{icmpv4, icmpv6};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

const OUTER: [u8; 6] = [2, 0, 0, 0, 1, 1];
const INNER: [u8; 6] = [2, 0, 0, 0, 1, 2];
const SCANNER: [u8; 6] = [2, 0, 0, 0, 1, 3];
/// Frames before time goes on by a millisecond: a million a second.
const BURST: usize = 1_000;
const BURSTS: usize = 64;

/// Nanoseconds for each address, under both profiles.
///
/// # Errors
/// When there is no memory for a device.
pub(super) fn run(plan: Plan, tell: &mut dyn FnMut(Finding)) -> anyhow::Result<()> {
    let rounds = if plan.quick { 15 } else { 51 };
    for (family, frame) in [("IPv4", v4 as fn(u64) -> Vec<u8>), ("IPv6", v6)] {
        let mut samples = [Vec::new(), Vec::new()];
        let mut routers = [Router::new(Config::linux(), plan)?, Router::new(Config::guarded(), plan)?];
        let frames: Vec<Vec<u8>> = (0..(BURST * BURSTS) as u64).map(frame).collect();
        for round in 0..rounds + 4 {
            for (router, samples) in routers.iter_mut().zip(&mut samples) {
                let (each, ()) = nanoseconds_each(frames.len(), || router.take(&frames));
                if round >= 4 {
                    samples.push(each);
                }
            }
        }
        let [linux, guarded] = samples;
        tell(Finding::Row(
            Row::new("scan passed on, for each address", (BURST * BURSTS) as u64, family, Unit::Nanoseconds)
                .with(OURS, "", linux)
                .with(GUARDED, "", guarded)
                .note("a million frames in a second of the engine's time, each for another address that nobody has"),
        ));
    }
    Ok(())
}

struct Router {
    engine: Engine,
    now: Instant,
    outer: DeviceId,
}

impl Router {
    fn new(config: Config, plan: Plan) -> anyhow::Result<Self> {
        let mut engine = Engine::try_new(config.seed(plan.seed))?;
        let mut now = Instant::ZERO;
        for (name, value) in [("conf/forwarding", "1"), ("conf/accept_dad", "0"), ("conf/acd", "0")] {
            engine.set(now, name, value)?;
        }
        let device = |name, mac, v4: &str, v6: &str| {
            anyhow::Ok(Device::ethernet(name, mac).address(v4.parse()?).address(v6.parse()?))
        };
        let outer = engine.add_device(now, device("outer", OUTER, "10.1.0.1/16", "2001:db8:1::1/64")?)?;
        engine.add_device(now, device("inner", INNER, "10.2.0.1/16", "2001:db8:2::1/64")?)?;
        now += Duration::from_secs(5);
        engine.handle_timeout(now);
        drain(&mut engine);
        Ok(Self { engine, now, outer })
    }

    /// What a driver does with the frames.
    fn take(&mut self, frames: &[Vec<u8>]) {
        for burst in frames.chunks(BURST) {
            for frame in burst {
                let _ = std::hint::black_box(self.engine.handle_frame(self.now, self.outer, frame));
                while let Some(sent) = self.engine.poll_transmit() {
                    self.engine.recycle(sent.frame);
                }
                while self.engine.poll_event().is_some() {}
            }
            self.now += Duration::from_millis(1);
            if self.engine.poll_timeout().is_some_and(|due| due <= self.now) {
                self.engine.handle_timeout(self.now);
            }
        }
    }
}

/// Spreads consecutive numbers.
fn spread(n: u64) -> u64 {
    n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

const ECHO: Echo<'_> = Echo { reply: false, id: 1, seq: 1, payload: &[0; 8] };

fn v4(n: u64) -> Vec<u8> {
    let mut frame = Vec::new();
    emit_header(&mut frame, OUTER, SCANNER, ethertype::IPV4);
    let [high, low, ..] = spread(n).to_be_bytes();
    let destination = Ipv4Addr::new(10, 2, high | 1, low);
    icmpv4::emit_echo(&mut frame, Ipv4Addr::new(10, 1, 66, 1), destination, 64, &ECHO);
    frame
}

fn v6(n: u64) -> Vec<u8> {
    let mut frame = Vec::new();
    emit_header(&mut frame, OUTER, SCANNER, ethertype::IPV6);
    let prefix = Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 0).to_bits();
    let destination = Ipv6Addr::from_bits(prefix | u128::from(spread(n) | 2));
    icmpv6::emit_echo(&mut frame, Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 66), destination, 64, &ECHO);
    frame
}
