//! What the parts of a plan mean together: names, addresses, times. All that can be wrong is found here,
//! before anything runs.

use super::PlanError;
use super::file::{self, File, Form, Order, What};
use super::prefix::{address, nth};
use super::units::{Rate, Span};
use crate::metric;
use neighbour::{Config, Engine, Instant, Prefix};
use std::net::IpAddr;

/// The name of the engine where a group's is asked for.
pub(crate) const ENGINE: &str = "engine";
/// More are not simulated: it would take days.
const MOST_HOSTS: u64 = 1_000_000;

/// A plan that can be run.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(crate) title: String,
    pub(crate) about: String,
    pub(crate) duration: u64,
    pub(crate) seed: u64,
    pub(crate) profile: file::Profile,
    pub(crate) sample: u64,
    pub(crate) forwarding: bool,
    pub(crate) sets: Vec<(String, String)>,
    pub(crate) routes: Vec<(Prefix, IpAddr)>,
    pub(crate) warmup: u64,
    pub(crate) segments: Vec<Segment>,
    pub(crate) groups: Vec<Group>,
    pub(crate) flows: Vec<Flow>,
    pub(crate) scans: Vec<Scan>,
    pub(crate) spoofs: Vec<Spoof>,
    pub(crate) storms: Vec<Storm>,
    pub(crate) ra_storms: Vec<RaStorm>,
    pub(crate) flaps: Vec<Flap>,
    pub(crate) moves: Vec<Move>,
    pub(crate) churns: Vec<Churn>,
    pub(crate) partitions: Vec<Partition>,
    pub(crate) expects: Vec<Expect>,
}

/// From when to when, in microseconds since the plan's beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl Window {
    pub(crate) fn contains(self, at: u64) -> bool {
        (self.start..self.end).contains(&at)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) name: String,
    pub(crate) addresses: Vec<Prefix>,
    pub(crate) latency: u64,
    pub(crate) jitter: u64,
    pub(crate) loss: f64,
    pub(crate) duplicate: f64,
    pub(crate) reorder: f64,
}

#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) segment: usize,
    pub(crate) count: u32,
    pub(crate) first: IpAddr,
    /// The engine's address that they speak to.
    pub(crate) router: IpAddr,
    pub(crate) start: u64,
    pub(crate) spread: u64,
    pub(crate) speaks: bool,
    pub(crate) answers: bool,
    pub(crate) delay: u64,
    /// The group of the router they are behind.
    pub(crate) behind: Option<usize>,
}

/// One end of a flow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    Engine,
    Group(usize),
}

#[derive(Clone, Debug)]
pub(crate) struct Flow {
    pub(crate) name: String,
    pub(crate) from: End,
    pub(crate) to: End,
    pub(crate) rate: Rate,
    pub(crate) window: Window,
    pub(crate) replies: bool,
    pub(crate) bytes: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Scan {
    pub(crate) segment: usize,
    pub(crate) prefix: Prefix,
    pub(crate) source: Prefix,
    pub(crate) behind: Option<usize>,
    pub(crate) rate: Rate,
    pub(crate) window: Window,
    pub(crate) order: Order,
}

#[derive(Clone, Debug)]
pub(crate) struct Spoof {
    pub(crate) victims: usize,
    pub(crate) form: Form,
    pub(crate) rate: Rate,
    pub(crate) window: Window,
}

#[derive(Clone, Debug)]
pub(crate) struct Storm {
    pub(crate) of: usize,
    pub(crate) rate: Rate,
    pub(crate) frames: u32,
    pub(crate) for_engine: f64,
    pub(crate) window: Window,
}

#[derive(Clone, Debug)]
pub(crate) struct RaStorm {
    pub(crate) segment: usize,
    pub(crate) rate: Rate,
    pub(crate) routers: u32,
    pub(crate) window: Window,
}

#[derive(Clone, Debug)]
pub(crate) struct Flap {
    pub(crate) segment: usize,
    pub(crate) what: What,
    pub(crate) every: u64,
    pub(crate) down: u64,
    pub(crate) window: Window,
}

#[derive(Clone, Debug)]
pub(crate) struct Move {
    pub(crate) group: usize,
    pub(crate) start: u64,
    pub(crate) spread: u64,
    pub(crate) times: u32,
    pub(crate) every: u64,
    pub(crate) form: Form,
    pub(crate) silence: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Churn {
    pub(crate) group: usize,
    pub(crate) rate: Rate,
    pub(crate) down: u64,
    pub(crate) window: Window,
}

#[derive(Clone, Debug)]
pub(crate) struct Partition {
    pub(crate) segment: Option<usize>,
    pub(crate) group: Option<usize>,
    pub(crate) window: Window,
}

#[derive(Clone, Debug)]
pub(crate) struct Expect {
    pub(crate) metric: String,
    pub(crate) at_most: Option<f64>,
    pub(crate) at_least: Option<f64>,
    pub(crate) profile: file::Profile,
    pub(crate) pending: bool,
    pub(crate) why: String,
}

/// Finds names, and says which there are.
struct Names<'a> {
    what: &'static str,
    names: Vec<&'a str>,
}

impl Names<'_> {
    fn find(&self, place: &str, key: &str, name: &str) -> Result<usize, PlanError> {
        self.names.iter().position(|n| *n == name).ok_or_else(|| {
            let there = match self.names.as_slice() {
                [] => format!("there is no {} in this plan", self.what),
                names => format!("allowed is the name of a {}: {}", self.what, names.join(", ")),
            };
            PlanError::new(place, format_args!("{key} = {name:?} is unknown"), there)
        })
    }

    fn check_unique(&self) -> Result<(), PlanError> {
        for (n, name) in self.names.iter().enumerate() {
            let place = format!("{} {name:?}", self.what);
            if self.names[..n].contains(name) {
                return Err(PlanError::new(&place, "the name is there twice", "give each a name of its own"));
            }
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if name.is_empty() || !name.chars().all(plain) {
                let allowed = "allowed are letters, digits, - and _";
                return Err(PlanError::new(&place, format_args!("name = {name:?}"), allowed));
            }
        }
        Ok(())
    }
}

/// Makes a plan of a file.
pub(crate) fn check(file: File) -> Result<Plan, PlanError> {
    let File { title, about, duration, seed, profile, sample, engine, .. } = &file;
    if duration.0 == 0 {
        return Err(PlanError::new("duration", "it is 0", "allowed is a time of more than 0"));
    }
    let sample = sample.map_or((duration.0 / 400).max(1000), |s| s.0);
    if sample < 1000 || duration.0 / sample > 100_000 {
        let allowed = "allowed is 1ms or more, and at most 100000 samples";
        return Err(PlanError::new("sample", format_args!("{}", Span(sample)), allowed));
    }
    if file.segment.is_empty() {
        return Err(PlanError::new("segment", "there is none", "write a [[segment]] with name and address"));
    }
    let segments = file.segment.iter().map(segment).collect::<Result<Vec<_>, _>>()?;
    let seg_names = Names { what: "segment", names: file.segment.iter().map(|s| s.name.as_str()).collect() };
    seg_names.check_unique()?;
    let group_names =
        Names { what: "group of hosts", names: file.hosts.iter().map(|h| h.name.as_str()).collect() };
    group_names.check_unique()?;
    for name in &group_names.names {
        if metric::is_reserved(name) {
            let what = format_args!("name = {name:?} is taken");
            return Err(PlanError::new("hosts", what, "the report uses it itself; choose another one"));
        }
    }
    let groups = file.hosts.iter().map(|h| group(h, &segments, &seg_names, &group_names));
    let groups = groups.collect::<Result<Vec<_>, _>>()?;
    check_addresses(&groups, &segments)?;
    let whole = Window { start: 0, end: duration.0 };
    let window = |place: &str, start: Span, length: Option<Span>| {
        let end = length.map_or(whole.end, |l| start.0.saturating_add(l.0));
        if start.0 >= whole.end || end > whole.end || start.0 >= end {
            let what = format_args!("it lasts from {start} to {}", Span(end));
            let allowed = format!("the plan lasts from 0s to {duration}");
            return Err(PlanError::new(place, what, allowed));
        }
        Ok(Window { start: start.0, end })
    };

    let mut flows: Vec<Flow> = Vec::new();
    for f in &file.flow {
        let name = f.name.clone().unwrap_or_else(|| format!("{}-to-{}", f.from, f.to));
        let place = format!("flow {name:?}");
        let end = |key: &str, name: &str| match name {
            ENGINE => Ok(End::Engine),
            name => group_names.find(&place, key, name).map(End::Group),
        };
        let (from, to) = (end("from", &f.from)?, end("to", &f.to)?);
        let (span, least) = (window(&place, f.start, f.duration)?, 64);
        if !(least..=1500).contains(&f.bytes) {
            let allowed = format!("allowed are {least} to 1500");
            return Err(PlanError::new(&place, format_args!("bytes = {}", f.bytes), allowed));
        }
        check_ends(&place, from, to, &groups, engine.forwarding)?;
        let (rate, replies, bytes) = (f.rate, f.replies, f.bytes as usize);
        flows.push(Flow { name, from, to, rate, window: span, replies, bytes });
    }
    let flow_names = Names { what: "flow", names: flows.iter().map(|f| f.name.as_str()).collect() };
    flow_names.check_unique()?;
    if let Some(name) =
        flow_names.names.iter().find(|n| group_names.names.contains(n) || metric::is_reserved(n))
    {
        let what = format_args!("name = {name:?} is taken");
        return Err(PlanError::new("flow", what, "give the flow a name that no group has"));
    }

    let mut scans = Vec::new();
    for s in &file.scan {
        let place = format!("scan of {}", s.prefix);
        let segment = seg_names.find(&place, "segment", &s.segment)?;
        let behind = match &s.behind {
            Some(name) => Some(gateway(&place, name, segment, &groups, &group_names)?),
            None => None,
        };
        let (target, source) = (prefix(&place, "prefix", &s.prefix)?, prefix(&place, "source", &s.source)?);
        if target.address().is_ipv4() != source.address().is_ipv4() {
            let what = format_args!("source = {:?} is of another family than the prefix", s.source);
            return Err(PlanError::new(&place, what, "both are IPv4 or both IPv6"));
        }
        let window = window(&place, s.start, Some(s.duration))?;
        scans.push(Scan { segment, prefix: target, source, behind, rate: s.rate, window, order: s.order });
    }
    let mut spoofs = Vec::new();
    for s in &file.spoof {
        let place = format!("spoof of {:?}", s.victims);
        let victims = group_names.find(&place, "victims", &s.victims)?;
        if s.form == Form::Silent {
            let allowed = "allowed are request, reply and answer";
            return Err(PlanError::new(&place, "form = \"silent\" claims nothing", allowed));
        }
        on_link(&place, "victims", &groups[victims])?;
        spoofs.push(Spoof {
            victims,
            form: s.form,
            rate: s.rate,
            window: window(&place, s.start, Some(s.duration))?,
        });
    }
    let mut storms = Vec::new();
    for s in &file.storm {
        let place = format!("storm of {:?}", s.of);
        let of = group_names.find(&place, "of", &s.of)?;
        on_link(&place, "of", &groups[of])?;
        if !(1..=100_000).contains(&s.frames) {
            return Err(PlanError::new(
                &place,
                format_args!("frames = {}", s.frames),
                "allowed are 1 to 100000",
            ));
        }
        let window = window(&place, s.start, Some(s.duration))?;
        storms.push(Storm { of, rate: s.rate, frames: s.frames, for_engine: s.for_engine.0, window });
    }
    let mut ra_storms = Vec::new();
    for s in &file.ra_storm {
        let place = format!("ra-storm on {:?}", s.segment);
        let segment = seg_names.find(&place, "segment", &s.segment)?;
        if !(1..=1_000_000).contains(&s.routers) {
            let allowed = "allowed are 1 to 1000000";
            return Err(PlanError::new(&place, format_args!("routers = {}", s.routers), allowed));
        }
        let window = window(&place, s.start, Some(s.duration))?;
        ra_storms.push(RaStorm { segment, rate: s.rate, routers: s.routers, window });
    }
    let mut flaps = Vec::new();
    for f in &file.flap {
        let place = format!("flap of {:?}", f.segment);
        let segment = seg_names.find(&place, "segment", &f.segment)?;
        if f.down.0 == 0 || f.down >= f.every {
            let what = format_args!("down = {:?}, every = {:?}", f.down.to_string(), f.every.to_string());
            return Err(PlanError::new(&place, what, "down is more than 0 and less than every"));
        }
        let window = window(&place, f.start, Some(f.duration))?;
        flaps.push(Flap { segment, what: f.what, every: f.every.0, down: f.down.0, window });
    }
    let mut moves = Vec::new();
    for m in &file.r#move {
        let place = format!("move of {:?}", m.hosts);
        let group = group_names.find(&place, "hosts", &m.hosts)?;
        on_link(&place, "hosts", &groups[group])?;
        if m.times == 0 || (m.times > 1 && m.every.0 <= m.silence.0 + m.spread.0) {
            let what = format_args!("times = {}, every = {:?}", m.times, m.every.to_string());
            return Err(PlanError::new(
                &place,
                what,
                "times is 1 or more, and every more than spread and silence",
            ));
        }
        let last =
            u64::from(m.times - 1).saturating_mul(m.every.0).saturating_add(m.spread.0 + m.silence.0 + 1);
        window(&place, m.start, Some(Span(last)))?;
        moves.push(Move {
            group,
            start: m.start.0,
            spread: m.spread.0,
            times: m.times,
            every: m.every.0,
            form: m.form,
            silence: m.silence.0,
        });
    }
    let mut churns = Vec::new();
    for c in &file.churn {
        let place = format!("churn of {:?}", c.hosts);
        let group = group_names.find(&place, "hosts", &c.hosts)?;
        on_link(&place, "hosts", &groups[group])?;
        churns.push(Churn {
            group,
            rate: c.rate,
            down: c.down.0,
            window: window(&place, c.start, Some(c.duration))?,
        });
    }
    let mut partitions = Vec::new();
    for p in &file.partition {
        let place = "partition";
        let segment = p.segment.as_ref().map(|s| seg_names.find(place, "segment", s)).transpose()?;
        let group = p.hosts.as_ref().map(|h| group_names.find(place, "hosts", h)).transpose()?;
        if segment.is_some() == group.is_some() {
            return Err(PlanError::new(place, "who is cut off?", "write either segment or hosts"));
        }
        partitions.push(Partition { segment, group, window: window(place, p.start, Some(p.duration))? });
    }

    let mut plan = Plan {
        title: title.clone(),
        about: about.clone(),
        duration: duration.0,
        seed: *seed,
        profile: *profile,
        sample,
        forwarding: engine.forwarding,
        sets: Vec::new(),
        routes: routes(engine)?,
        warmup: engine.warmup.0,
        segments,
        groups,
        flows,
        scans,
        spoofs,
        storms,
        ra_storms,
        flaps,
        moves,
        churns,
        partitions,
        expects: Vec::new(),
    };
    for set in &engine.set {
        match set.split_once('=') {
            Some((name, value)) => plan.sets.push((name.trim().into(), value.trim().into())),
            None => {
                let what = format_args!("set = {set:?}");
                return Err(PlanError::new(
                    "engine",
                    what,
                    "allowed is NAME=VALUE such as \"gc_thresh3=4096\"",
                ));
            }
        }
    }
    check_parameters(&plan)?;
    check_routes(&plan)?;
    for expect in &file.expect {
        plan.expects.push(self::expect(expect, &plan)?);
    }
    Ok(plan)
}

/// Are these parameters there, and can they have these values? An engine is asked.
pub(crate) fn check_parameters(plan: &Plan) -> Result<(), PlanError> {
    let mut engine = Engine::new(Config::default());
    for (n, segment) in plan.segments.iter().enumerate() {
        let device = crate::world::device(n, segment);
        let added = engine.add_device(Instant::ZERO, device);
        added.map_err(|error| {
            let allowed = "allowed are addresses that a host can have, each once";
            PlanError::new(format_args!("segment {:?}: address", segment.name), error, allowed)
        })?;
    }
    for (name, value) in &plan.sets {
        engine.set(Instant::ZERO, name, value).map_err(|error| {
            let allowed = "allowed are the names and values of `neigh run --set`";
            PlanError::new(format_args!("set {name}={value}"), error, allowed)
        })?;
    }
    for (prefix, via) in &plan.routes {
        crate::world::add_route(&mut engine, *prefix, *via).map_err(|error| {
            let allowed = "allowed is a gateway on a segment's prefix";
            PlanError::new(format_args!("engine: route = \"{prefix} via {via}\""), error, allowed)
        })?;
    }
    Ok(())
}

/// Whoever is behind a router must be reached by it, and not be taken to be on the link.
fn check_routes(plan: &Plan) -> Result<(), PlanError> {
    let segments = || plan.segments.iter().flat_map(|s| &s.addresses);
    for group in &plan.groups {
        let Some(router) = group.behind.map(|behind| &plan.groups[behind]) else { continue };
        let place = format!("hosts {:?}", group.name);
        if let Some(link) = segments().find(|link| link.contains(group.first)) {
            let what =
                format_args!("first = {} is on the link ({link}), and they are behind a router", group.first);
            return Err(PlanError::new(
                &place,
                what,
                "choose addresses of another prefix, or leave `behind` out",
            ));
        }
        let routed =
            plan.routes.iter().any(|(prefix, via)| prefix.contains(group.first) && *via == router.first);
        if !routed {
            let what =
                format_args!("no route leads to {} by {:?} ({})", group.first, router.name, router.first);
            let allowed = format!("write route = [\"PREFIX via {}\"] in [engine]", router.first);
            return Err(PlanError::new(&place, what, allowed));
        }
    }
    Ok(())
}

fn prefix(place: &str, key: &str, text: &str) -> Result<Prefix, PlanError> {
    text.parse().map_err(|error: neighbour::PrefixError| {
        let what = format_args!("{key} = {text:?}: {error}");
        PlanError::new(place, what, "allowed is ADDRESS/LENGTH such as 10.0.0.1/16 or 2001:db8::/64")
    })
}

fn segment(s: &file::Segment) -> Result<Segment, PlanError> {
    let place = format!("segment {:?}", s.name);
    if s.address.is_empty() {
        let allowed = "write at least one address of the engine, with its prefix";
        return Err(PlanError::new(&place, "address is empty", allowed));
    }
    Ok(Segment {
        name: s.name.clone(),
        addresses: s.address.iter().map(|a| prefix(&place, "address", a)).collect::<Result<_, _>>()?,
        latency: s.latency.0,
        jitter: s.jitter.0,
        loss: s.loss.0,
        duplicate: s.duplicate.0,
        reorder: s.reorder.0,
    })
}

fn group(
    h: &file::Hosts,
    segments: &[Segment],
    seg_names: &Names<'_>,
    group_names: &Names<'_>,
) -> Result<Group, PlanError> {
    let place = format!("hosts {:?}", h.name);
    let segment = seg_names.find(&place, "segment", &h.segment)?;
    if h.count == 0 {
        return Err(PlanError::new(&place, "count = 0", format_args!("allowed are 1 to {MOST_HOSTS}")));
    }
    let last = nth(h.first, u128::from(h.count - 1));
    let own = &segments[segment];
    let same = |p: &&Prefix| p.address().is_ipv4() == h.first.is_ipv4();
    let behind = h.behind.as_ref().map(|name| group_names.find(&place, "behind", name)).transpose()?;
    let router = match behind {
        None => own.addresses.iter().find(|p| p.contains(h.first)),
        Some(_) => own.addresses.iter().find(same),
    };
    let router = router.ok_or_else(|| {
        let of = own.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let what = format_args!("first = {} is on no prefix of segment {:?}", h.first, own.name);
        PlanError::new(&place, what, format_args!("allowed are addresses of {of}, or `behind` a router"))
    })?;
    let fits = match behind {
        None => {
            last.is_some_and(|last| router.contains(last) && Some(last) != router.broadcast().map(Into::into))
        }
        Some(_) => last.is_some(),
    };
    if !fits || u64::from(h.count) > MOST_HOSTS {
        let what = format_args!(
            "count = {} is more than there are addresses from {} on in {router}",
            h.count, h.first
        );
        return Err(PlanError::new(&place, what, "have fewer hosts, or a larger prefix on the segment"));
    }
    Ok(Group {
        name: h.name.clone(),
        segment,
        count: h.count,
        first: h.first,
        router: router.address(),
        start: h.start.0,
        spread: h.spread.0,
        speaks: h.speaks,
        answers: h.answers,
        delay: h.delay.0,
        behind,
    })
}

/// No two hosts of a segment may have one address, nor may one have the engine's.
fn check_addresses(groups: &[Group], segments: &[Segment]) -> Result<(), PlanError> {
    if let Some(group) = groups.iter().find(|g| g.behind.is_some_and(|b| groups[b].behind.is_some())) {
        let allowed = "a router of a segment is on the link itself";
        return Err(PlanError::new(
            format_args!("hosts {:?}", group.name),
            "behind somebody who is behind",
            allowed,
        ));
    }
    let total: u64 = groups.iter().map(|g| u64::from(g.count)).sum();
    if total > MOST_HOSTS {
        return Err(PlanError::new(
            "hosts",
            format_args!("{total} in all"),
            format_args!("allowed are {MOST_HOSTS}"),
        ));
    }
    let range = |g: &Group| (g.first, nth(g.first, u128::from(g.count - 1)).unwrap_or(g.first));
    for (n, group) in groups.iter().enumerate() {
        let place = format!("hosts {:?}", group.name);
        let (first, last) = range(group);
        if let Some(router) = group.behind {
            let (router, own) = (&groups[router], group.segment);
            if router.count != 1 || router.segment != own || router.first.is_ipv4() != group.first.is_ipv4() {
                let what = format_args!("behind = {:?}", router.name);
                let allowed = "allowed is a group of one host, on the same segment and of the same family";
                return Err(PlanError::new(&place, what, allowed));
            }
        }
        for own in segments.iter().flat_map(|s| &s.addresses).map(Prefix::address) {
            if own.is_ipv4() == first.is_ipv4() && (first..=last).contains(&own) {
                let what = format_args!("{own} is the engine's");
                return Err(PlanError::new(&place, what, "choose another `first`, or fewer hosts"));
            }
        }
        for other in &groups[..n] {
            let (start, end) = range(other);
            if start.is_ipv4() == first.is_ipv4() && start <= last && first <= end {
                let what = format_args!("{first} to {last} meet those of {:?}: {start} to {end}", other.name);
                return Err(PlanError::new(&place, what, "choose another `first`, or fewer hosts"));
            }
        }
    }
    Ok(())
}

fn check_ends(place: &str, from: End, to: End, groups: &[Group], forwarding: bool) -> Result<(), PlanError> {
    let (a, b) = match (from, to) {
        (End::Engine, End::Engine) => {
            return Err(PlanError::new(
                place,
                "both ends are the engine",
                "one end at least is a group of hosts",
            ));
        }
        (End::Group(a), End::Group(b)) => (&groups[a], &groups[b]),
        _ => return Ok(()),
    };
    if !forwarding {
        let what = "hosts speak through an engine that forwards nothing";
        return Err(PlanError::new(place, what, "write forwarding = true, or let one end be \"engine\""));
    }
    if a.first.is_ipv4() != b.first.is_ipv4() {
        return Err(PlanError::new(
            place,
            "its ends are of different families",
            "both are IPv4 or both IPv6",
        ));
    }
    if a.segment == b.segment {
        let allowed = "let the groups be on two segments";
        return Err(PlanError::new(
            place,
            "both ends are on one segment: nothing passes the engine",
            allowed,
        ));
    }
    Ok(())
}

fn on_link(place: &str, key: &str, group: &Group) -> Result<(), PlanError> {
    match group.behind {
        None => Ok(()),
        Some(_) => {
            let what = format_args!("{key} = {:?} is behind a router", group.name);
            Err(PlanError::new(place, what, "allowed are groups that are on the link"))
        }
    }
}

fn gateway(
    place: &str,
    name: &str,
    segment: usize,
    groups: &[Group],
    names: &Names<'_>,
) -> Result<usize, PlanError> {
    let found = names.find(place, "behind", name)?;
    let group = &groups[found];
    if group.count != 1 || group.segment != segment || group.behind.is_some() {
        let allowed = "allowed is a group of one host on the same segment";
        return Err(PlanError::new(place, format_args!("behind = {name:?}"), allowed));
    }
    Ok(found)
}

fn routes(engine: &file::Engine) -> Result<Vec<(Prefix, IpAddr)>, PlanError> {
    let one = |text: &String| {
        let wrong = || {
            let allowed = "allowed is \"PREFIX via ADDRESS\" such as \"0.0.0.0/0 via 192.0.2.1\"";
            PlanError::new("engine", format_args!("route = {text:?}"), allowed)
        };
        let (prefix, via) = text.split_once(" via ").ok_or_else(wrong)?;
        Ok((prefix.trim().parse().map_err(|_| wrong())?, via.trim().parse().map_err(|_| wrong())?))
    };
    engine.route.iter().map(one).collect()
}

fn expect(e: &file::Expect, plan: &Plan) -> Result<Expect, PlanError> {
    let place = format!("expect {:?}", e.metric);
    if e.at_most.is_none() && e.at_least.is_none() {
        return Err(PlanError::new(&place, "nothing is expected", "write at-most, at-least or both"));
    }
    let names = metric::names(plan);
    if !names.contains(&e.metric) {
        let near = metric::nearest(&e.metric, &names);
        let allowed =
            format!("allowed are, among others: {}; `neigh sim --json` prints all", near.join(", "));
        return Err(PlanError::new(&place, "there is no such number", allowed));
    }
    Ok(Expect {
        metric: e.metric.clone(),
        at_most: e.at_most,
        at_least: e.at_least,
        profile: e.profile,
        pending: e.pending,
        why: e.why.clone(),
    })
}

impl Scan {
    /// The n-th address it goes for.
    pub(crate) fn target(&self, n: u64, dice: &mut crate::dice::Dice) -> IpAddr {
        match self.order {
            Order::Random => address(self.prefix, dice.u128()),
            Order::Sequential => address(self.prefix, u128::from(n) + 1),
        }
    }
}
