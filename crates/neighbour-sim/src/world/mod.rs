//! The world of a plan: simulated time, hosts, wires, attackers, and in their midst one engine, unchanged.

mod attack;
mod change;
mod host;
pub(crate) mod measure;
mod queue;
mod sample;
mod station;
mod traffic;
mod wire;

pub use measure::Sample;

use crate::dice::Dice;
use crate::frames::Mac;
use crate::invariants::{self, Broken, Depth, Ledger};
use crate::plan::check::{End, Plan, Segment};
use crate::report::Run;
use crate::{Profile, metric};
use host::{Host, engine_mac};
use measure::Measure;
use neighbour::{Config, Device, DeviceId, Engine, Instant, Prefix, Route, RouteError};
use queue::{Deed, Queue};
use std::collections::HashMap;
use std::net::IpAddr;

/// How long the world goes on after its end, without new packets: what is under way arrives, or is given up.
const DRAIN_US: u64 = 5_000_000;

/// The engine's device on a segment; it has the segment's name.
pub(crate) fn device(n: usize, segment: &Segment) -> Device {
    let device = Device::ethernet(&segment.name, engine_mac(n));
    segment.addresses.iter().fold(device, |device, address| device.address(*address))
}

pub(crate) fn add_route(engine: &mut Engine, prefix: Prefix, via: IpAddr) -> Result<(), RouteError> {
    let device = engine.device_towards(via).ok_or(RouteError::Gateway(via))?;
    engine.add_route(Route { prefix, via: Some(via), device })
}

/// Who stands on a segment.
#[derive(Debug, Default)]
struct Stations {
    by_mac: HashMap<Mac, u32>,
    by_address: HashMap<IpAddr, u32>,
    impostors: HashMap<Mac, usize>,
    device: Option<DeviceId>,
    /// Partitions that cut it off now.
    cuts: u32,
    /// The carrier is lost.
    dark: bool,
}

/// The world.
pub(crate) struct World<'p> {
    plan: &'p Plan,
    engine: Engine,
    now: u64,
    /// The plan's time 0.
    origin: u64,
    /// The plan's end.
    end: u64,
    /// When all that disturbs is over, if anything does.
    calm: Option<u64>,
    queue: Queue,
    dice: Dice,
    hosts: Vec<Host>,
    /// The first host of each group.
    first: Vec<u32>,
    segments: Vec<Stations>,
    group_cuts: Vec<u32>,
    /// Is there a flow to members of the group, at the end of the plan?
    sought_in_the_end: Vec<bool>,
    measure: Measure,
    ledger: Ledger,
    broken: Vec<Broken>,
    /// Frames that go round in each storm.
    storms: Vec<Vec<Vec<u8>>>,
    scratch: Vec<u8>,
}

/// Runs a plan under a profile. `progress` hears now and then how much is done, from 0 to 1.
pub fn simulate(plan: &Plan, profile: Profile, mut progress: impl FnMut(f64)) -> Run {
    let mut world = World::new(plan, profile.config());
    world.run(&mut progress);
    let metrics = metric::of(&world);
    Run::new(plan, profile, metrics, world)
}

impl<'p> World<'p> {
    fn new(plan: &'p Plan, config: Config) -> Self {
        let mut dice = Dice::new(plan.seed);
        let config = config.seed(dice.u64());
        let mut engine = Engine::new(config);
        let start = Instant::ZERO;
        let forwarding = if plan.forwarding { "1" } else { "0" };
        // Whether names, values, addresses and routes are right was checked with the plan, so nothing is refused.
        let _ = engine.set(start, "conf/forwarding", forwarding);
        for (name, value) in &plan.sets {
            let _ = engine.set(start, name, value);
        }
        let mut segments = Vec::new();
        for (n, segment) in plan.segments.iter().enumerate() {
            let device = engine.add_device(start, device(n, segment)).ok();
            segments.push(Stations { device, ..Stations::default() });
        }
        // Those about one device.
        for (name, value) in &plan.sets {
            let _ = engine.set(start, name, value);
        }
        for (prefix, via) in &plan.routes {
            let _ = add_route(&mut engine, *prefix, *via);
        }
        let (mut hosts, mut first) = (Vec::new(), Vec::new());
        for (index, group) in plan.groups.iter().enumerate() {
            first.push(hosts.len() as u32);
            for n in 0..group.count {
                hosts.push(Host::new(hosts.len() as u32, n, group, index, None));
            }
        }
        for (index, group) in plan.groups.iter().enumerate() {
            let Some(router) = group.behind else { continue };
            for n in 0..group.count {
                hosts[(first[index] + n) as usize].behind = Some(first[router]);
            }
        }
        // What has happened so far the ledger reads from the table itself.
        while engine.poll_event().is_some() {}
        let mut ledger = Ledger::of(&engine);
        ledger.own_packets = true;
        let measure = Measure::new(plan.groups.len(), plan.flows.len());
        let (origin, end) = (plan.warmup, plan.warmup + plan.duration);
        let calm = disturbed_until(plan).map(|at| origin + at);
        let mut sought_in_the_end = vec![false; plan.groups.len()];
        for flow in plan.flows.iter().filter(|f| f.window.end == plan.duration) {
            let ends = [Some(flow.to), flow.replies.then_some(flow.from)];
            for end in ends.into_iter().flatten() {
                if let End::Group(group) = end {
                    sought_in_the_end[group] = true;
                }
            }
        }
        let mut world = Self {
            plan,
            engine,
            now: 0,
            origin,
            end,
            calm,
            queue: Queue::default(),
            dice,
            hosts,
            first,
            segments,
            group_cuts: vec![0; plan.groups.len()],
            sought_in_the_end,
            measure,
            ledger,
            broken: Vec::new(),
            storms: Vec::new(),
            scratch: Vec::new(),
        };
        world.storms = plan.storms.iter().map(|storm| attack::round(&mut world, storm)).collect();
        world.plan_deeds();
        world
    }

    /// Puts everything that begins by itself into the queue.
    fn plan_deeds(&mut self) {
        let (plan, origin) = (self.plan, self.origin);
        for (index, group) in plan.groups.iter().enumerate() {
            for n in 0..group.count {
                let later = u128::from(group.spread) * u128::from(n) / u128::from(group.count);
                let host = self.first[index] + n;
                self.queue.push(origin + group.start + later as u64, Deed::Join { host });
            }
        }
        for (index, flow) in plan.flows.iter().enumerate() {
            for pair in 0..self.pairs(flow.from, flow.to) {
                // Not all at once.
                let phase = self.dice.below(flow.rate.gap(0).max(1));
                let at = origin + flow.window.start + phase;
                self.queue.push(at, Deed::Flow { flow: index as u16, pair, n: 0 });
            }
        }
        for (which, scan) in plan.scans.iter().enumerate() {
            self.queue.push(origin + scan.window.start, Deed::Scan { which, n: 0 });
        }
        for (which, spoof) in plan.spoofs.iter().enumerate() {
            self.queue.push(origin + spoof.window.start, Deed::Spoof { which, n: 0 });
        }
        for (which, storm) in plan.storms.iter().enumerate() {
            self.queue.push(origin + storm.window.start, Deed::Storm { which, n: 0 });
        }
        for (which, storm) in plan.ra_storms.iter().enumerate() {
            self.queue.push(origin + storm.window.start, Deed::RaStorm { which, n: 0 });
        }
        for (which, flap) in plan.flaps.iter().enumerate() {
            self.queue.push(origin + flap.window.start, Deed::Flap { which, down: true });
        }
        for (which, churn) in plan.churns.iter().enumerate() {
            self.queue.push(origin + churn.window.start, Deed::Churn { which, n: 0 });
        }
        for (which, partition) in plan.partitions.iter().enumerate() {
            self.queue.push(origin + partition.window.start, Deed::Partition { which, begins: true });
            self.queue.push(origin + partition.window.end, Deed::Partition { which, begins: false });
        }
        self.plan_moves();
        self.queue.push(origin, Deed::Sample);
    }

    /// Pairs of hosts that a flow is between: each member of the larger end has one of the smaller.
    fn pairs(&self, from: End, to: End) -> u32 {
        let count = |end| match end {
            End::Engine => 1,
            End::Group(group) => self.plan.groups[group].count,
        };
        count(from).max(count(to))
    }

    fn run(&mut self, progress: &mut dyn FnMut(f64)) {
        let last = self.end + DRAIN_US;
        let mut deeds = 0u64;
        self.settle();
        while let Some(at) = self.queue.next_at().filter(|at| *at <= last) {
            self.let_time_pass(at);
            self.now = at;
            let Some(deed) = self.queue.pop() else { break };
            let sampled = matches!(deed, Deed::Sample);
            self.act(deed);
            self.settle();
            self.check(if sampled { Depth::Full } else { Depth::Quick });
            deeds += 1;
            if deeds.is_multiple_of(65_536) || sampled {
                progress(at as f64 / last as f64);
            }
        }
        self.let_time_pass(last);
        self.check(Depth::Full);
        self.judge_recovery();
        progress(1.0);
    }

    fn instant(&self) -> Instant {
        Instant::from_micros(self.now)
    }

    /// Calls the engine at each of its deadlines up to `until`.
    fn let_time_pass(&mut self, until: u64) {
        let mut calls = 0;
        while let Some(at) = self.engine.poll_timeout().map(Instant::as_micros).filter(|at| *at <= until) {
            let at = at.max(self.now);
            calls = if at > self.now { 0 } else { calls + 1 };
            if calls > self.most_calls() {
                self.ledger.no_rest(self.instant(), calls);
                break;
            }
            self.now = at;
            self.engine.handle_timeout(self.instant());
            self.measure.timer_calls += 1;
            self.settle();
            self.check(Depth::Quick);
        }
    }

    /// All timers may be due at once, a slice of them in each call, and collection and sweep besides.
    fn most_calls(&self) -> u32 {
        let entries: u64 = neighbour::Family::BOTH.into_iter().map(|f| self.engine.stats(f).entries).sum();
        100 + (entries / 64) as u32
    }

    fn act(&mut self, deed: Deed) {
        match deed {
            Deed::ToEngine { segment, frame } => {
                self.reach_engine(segment, &frame);
                self.engine.recycle(frame);
            }
            Deed::ToHosts { segment, frame } => self.spread(segment, &frame),
            Deed::FromHost { host, frame } => self.speak(host, frame),
            Deed::Flow { flow, pair, n } => self.flow(flow, pair, n),
            Deed::Join { host } => self.join(host),
            Deed::AskAgain { host, turn } => self.ask_again(host, turn),
            Deed::Scan { which, n } => self.scan(which, n),
            Deed::Spoof { which, n } => self.spoof(which, n),
            Deed::Storm { which, n } => self.storm(which, n),
            Deed::RaStorm { which, n } => self.ra_storm(which, n),
            Deed::Flap { which, down } => self.flap(which, down),
            Deed::Leave { host, comes, form } => self.leave(host, comes, form),
            Deed::Return { host, form } => self.come_back(host, form),
            Deed::Churn { which, n } => self.churn(which, n),
            Deed::Partition { which, begins } => self.partition(which, begins),
            Deed::Sample => self.sample(),
        }
    }

    fn check(&mut self, depth: Depth) {
        self.measure.peaks.glance(&self.engine);
        let broken = invariants::broken(&self.engine, &mut self.ledger, depth);
        // What is broken stays so: the first few tell.
        if self.broken.len() < 16 {
            self.broken.extend(broken);
        }
    }

    /// Microseconds since the plan's beginning.
    fn plan_time(&self) -> u64 {
        self.now.saturating_sub(self.origin)
    }
}

/// When the last attacker stops, the last host has moved and the last wire is whole again.
fn disturbed_until(plan: &Plan) -> Option<u64> {
    let windows = (plan.scans.iter().map(|s| s.window.end))
        .chain(plan.spoofs.iter().map(|s| s.window.end))
        .chain(plan.storms.iter().map(|s| s.window.end))
        .chain(plan.ra_storms.iter().map(|s| s.window.end))
        .chain(plan.flaps.iter().map(|f| f.window.end + f.down))
        .chain(plan.churns.iter().map(|c| c.window.end + c.down))
        .chain(plan.partitions.iter().map(|p| p.window.end));
    let moves = plan.moves.iter().map(|m| m.start + u64::from(m.times - 1) * m.every + m.spread + m.silence);
    windows.chain(moves).max()
}

/// When the first of them begins.
pub(crate) fn disturbed_from(plan: &Plan) -> Option<u64> {
    let windows = (plan.scans.iter().map(|s| s.window.start))
        .chain(plan.spoofs.iter().map(|s| s.window.start))
        .chain(plan.storms.iter().map(|s| s.window.start))
        .chain(plan.ra_storms.iter().map(|s| s.window.start))
        .chain(plan.flaps.iter().map(|f| f.window.start))
        .chain(plan.churns.iter().map(|c| c.window.start))
        .chain(plan.partitions.iter().map(|p| p.window.start));
    windows.chain(plan.moves.iter().map(|m| m.start)).min()
}

/// What was seen of a group's members.
pub(crate) struct Seen {
    /// Milliseconds from being sought to being reached, sorted; infinite for those who never were.
    pub(crate) resolutions: Vec<f64>,
    pub(crate) unresolved: u64,
    /// In microseconds.
    pub(crate) outage: u64,
}

impl World<'_> {
    pub(crate) fn plan(&self) -> &Plan {
        self.plan
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn measured(&self) -> &Measure {
        &self.measure
    }

    pub(crate) fn events_lost(&self) -> u64 {
        self.ledger.lost
    }

    pub(crate) fn broken_rules(&self) -> &[Broken] {
        &self.broken
    }

    pub(crate) fn into_parts(self) -> (Measure, Vec<Broken>) {
        (self.measure, self.broken)
    }

    pub(crate) fn seen(&self, group: usize) -> Seen {
        let first = self.first[group] as usize;
        let members = &self.hosts[first..first + self.plan.groups[group].count as usize];
        let sought = members.iter().filter_map(|host| Some((host.sought_at?, host.reached_at)));
        let took = |(since, at): (u64, Option<u64>)| {
            at.map_or(f64::INFINITY, |at| (at - since.min(at)) as f64 / 1e3)
        };
        let mut resolutions: Vec<f64> = sought.map(took).collect();
        resolutions.sort_by(f64::total_cmp);
        let unresolved = resolutions.iter().filter(|ms| ms.is_infinite()).count() as u64;
        let outage = members.iter().map(|host| host.outage).max().unwrap_or(0);
        Seen { resolutions, unresolved, outage }
    }
}
