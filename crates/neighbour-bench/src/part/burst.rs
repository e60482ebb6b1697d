//! Ten thousand unknown neighbours at once: how long until all are REACHABLE.

use crate::beside::{Cable, GUARDED, LINUX, NEAR, Owner, Profile};
use crate::contestant::OURS;
use crate::figure::{Finding, Row, Unit};
use crate::frames::{ASKER, answer};
use crate::plan::Plan;
use anyhow::ensure;
use neighbour::{Flags, NudState};
use neighbour_ctl::Request;
use neighbour_link::{Link, Packet, PacketOptions, Time};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Unknown destinations.
const DESTINATIONS: u16 = 10_000;
/// How long all may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The times, IPv4 and IPv6.
///
/// # Errors
/// When the cable or the daemon cannot be had, or not all become REACHABLE.
pub(super) fn run(plan: Plan, tell: &mut dyn FnMut(Finding)) -> anyhow::Result<()> {
    let rounds = if plan.quick { 3 } else { 9 };
    for (family, address) in [("IPv4", ipv4 as fn(u16) -> IpAddr), ("IPv6", ipv6)] {
        let (mut ours, mut guarded, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            let cable = Cable::new()?;
            theirs.push(burst(&Owner::kernel(&cable)?, address)?);
            drop(cable);
            for (profile, times) in [(Profile::Linux, &mut ours), (Profile::Guarded, &mut guarded)] {
                let _cable = Cable::new()?;
                times.push(burst(&Owner::neigh(profile)?, address)?);
            }
        }
        let row =
            Row::new("burst of unknown destinations", u64::from(DESTINATIONS), family, Unit::Milliseconds);
        tell(Finding::Row(row.with(OURS, "", ours).with(GUARDED, "", guarded).with(LINUX, "", theirs).note(
            "asked for by RTM_NEWNEIGH with NTF_USE in batches, exempt from the thresholds (NTF_EXT_LEARNED), \
             until a dump shows all REACHABLE",
        )));
    }
    Ok(())
}

fn ipv4(n: u16) -> IpAddr {
    let [high, low] = (n + 256).to_be_bytes();
    IpAddr::V4(Ipv4Addr::new(10, 1, high, low))
}

fn ipv6(n: u16) -> IpAddr {
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 1, n + 1))
}

fn burst(owner: &Owner, address: fn(u16) -> IpAddr) -> anyhow::Result<f64> {
    let options = PacketOptions { mac: Some(ASKER), ..PacketOptions::default() };
    let mut link = Packet::open(NEAR, options)?;
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| respond(&mut link, &stop));
        let took = resolve(owner, address);
        // Nothing but the end is told by it.
        stop.store(true, Ordering::Relaxed);
        took
    })
}

/// Answers whoever is asked for.
fn respond(link: &mut Packet, stop: &AtomicBool) {
    let (mut buffer, mut out) = (Vec::new(), Vec::new());
    while !stop.load(Ordering::Relaxed) {
        if let Some(fd) = link.as_fd() {
            // An interrupted wait is as good as one that ended.
            let _ready = poll(&mut [PollFd::new(fd, PollFlags::POLLIN)], PollTimeout::from(5_u8));
        }
        while let Ok(true) = link.receive(Time::ZERO, &mut buffer) {
            out.clear();
            if answer(&buffer, &mut out) {
                // A lost answer is asked for again a second later, which shows.
                let _full = link.transmit(Time::ZERO, &out);
            }
        }
        let _full = link.flush();
    }
}

/// Milliseconds until all are REACHABLE.
fn resolve(owner: &Owner, address: fn(u16) -> IpAddr) -> anyhow::Result<f64> {
    let (mut talk, interface) = (owner.talk()?, owner.interface()?);
    let requests: Vec<Request> = (0..DESTINATIONS)
        .map(|n| {
            let mut request = Request::new(interface, address(n));
            (request.create, request.replace) = (true, true);
            request.flags = Flags::USE | Flags::EXT_LEARNED;
            request
        })
        .collect();
    let start = Instant::now();
    talk.change(&requests)?;
    loop {
        let (all, reachable) = talk.count(u16::from(NudState::REACHABLE.0))?;
        let took = start.elapsed();
        if reachable >= usize::from(DESTINATIONS) {
            return Ok(took.as_secs_f64() * 1e3);
        }
        ensure!(took < PATIENCE, "after {took:?} only {reachable} of {all} entries are REACHABLE");
        thread::sleep(Duration::from_millis(1));
    }
}
