//! Listing the table over the socket.

use crate::beside::{Cable, Daemon, GUARDED, LINUX, Owner, Profile};
use crate::contestant::OURS;
use crate::figure::{Finding, Row, Unit};
use crate::key::{Key, Key6, lladdr};
use crate::plan::Plan;
use anyhow::ensure;
use neighbour::NudState;
use neighbour_ctl::Request;
use std::time::Instant;

/// Entries in our table.
const OUR_ENTRIES: u32 = 1 << 20;
/// Entries in the kernel's: what it holds without trouble, PERMANENT ones.
const THEIR_ENTRIES: u32 = 100_000;

/// Entries told for each second of the clock.
///
/// # Errors
/// When the cable or the daemon cannot be had, or entries are missing in a list.
pub(super) fn run(plan: Plan, tell: &mut dyn FnMut(Finding)) -> anyhow::Result<()> {
    let rounds = if plan.quick { 3 } else { 11 };
    let cable = Cable::new()?;
    let kernel = Owner::kernel(&cable)?;
    let mut theirs = Filled::new(&kernel, THEIR_ENTRIES)?;
    // The daemon shares the interface; nobody asks anything there.
    let [neigh, cautious] = [Profile::Linux, Profile::Guarded].map(Daemon::start);
    let (neigh, cautious) = (Owner::Neigh(neigh?), Owner::Neigh(cautious?));
    let mut ours = Filled::new(&neigh, OUR_ENTRIES)?;
    let mut guarded = Filled::new(&cautious, OUR_ENTRIES)?;
    let (mut our_rates, mut guarded_rates, mut their_rates) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        our_rates.push(ours.rate()?);
        guarded_rates.push(guarded.rate()?);
        their_rates.push(theirs.rate()?);
    }
    let fill = Row::new("adding entries over the socket", u64::from(OUR_ENTRIES), "IPv6", Unit::PerSecond);
    tell(Finding::Row(
        fill.with(OURS, "", vec![ours.filled_at]).with(GUARDED, "", vec![guarded.filled_at]).with(
            LINUX,
            "",
            vec![theirs.filled_at],
        ),
    ));
    tell(Finding::Row(
        Row::new("dump over the socket", u64::from(OUR_ENTRIES), "IPv6", Unit::PerSecond)
            .with(OURS, "", our_rates)
            .with(GUARDED, "", guarded_rates)
            .with(LINUX, "", their_rates)
            .note(format!("entries for each second of the clock; the kernel's table has {THEIR_ENTRIES}")),
    ));
    Ok(())
}

/// A table full of PERMANENT entries.
struct Filled {
    talk: crate::beside::Talk,
    entries: u32,
    filled_at: f64,
}

impl Filled {
    fn new(owner: &Owner, entries: u32) -> anyhow::Result<Self> {
        let mut talk = owner.talk()?;
        let interface = owner.interface()?;
        let start = Instant::now();
        for first in (0..entries).step_by(4_096) {
            let requests: Vec<Request> = (first..entries.min(first + 4_096))
                .map(|n| {
                    let mut request = Request::new(interface, Key6::nth(n, interface).address());
                    (request.create, request.replace) = (true, true);
                    request.lladdr = Some(lladdr(n).to_vec());
                    request.state = u16::from(NudState::PERMANENT.0);
                    request
                })
                .collect();
            talk.change(&requests)?;
        }
        Ok(Self { talk, entries, filled_at: f64::from(entries) / start.elapsed().as_secs_f64() })
    }

    fn rate(&mut self) -> anyhow::Result<f64> {
        let start = Instant::now();
        let (_, permanent) = self.talk.count(u16::from(NudState::PERMANENT.0))?;
        let took = start.elapsed().as_secs_f64();
        ensure!(permanent >= self.entries as usize, "{permanent} of {} entries were told", self.entries);
        Ok(permanent as f64 / took)
    }
}
