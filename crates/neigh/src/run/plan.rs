//! What the arguments amount to: an engine with its devices, addresses, routes and parameters.
//!
//! [`build`] is done twice, on made-up links before anything is opened, so that what contradicts is found
//! while there is nothing to undo, and then on the real ones.

use super::args::{Args, Profile};
use super::events;
use super::spec::{AddressSpec, MacSpec, PortSpec, RouteSpec, SetSpec};
use crate::failure::Failure;
use neighbour::{
    AddressOptions, Config, Device, DeviceId, Engine, Instant, Prefix, Route, RouteError, SetError,
};
use std::fmt::Display;
use std::net::{IpAddr, Ipv6Addr};

/// Arguments whose ports are known to exist.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) ports: Vec<PortSpec>,
    pub(super) addresses: Vec<(usize, AddressSpec)>,
    pub(super) routes: Vec<(Option<usize>, RouteSpec)>,
    pub(super) sets: Vec<SetSpec>,
    pub(super) macs: Vec<(usize, MacSpec)>,
    pub(super) profile: Profile,
}

/// What must be known of a link to make a device of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Facts {
    pub(super) name: String,
    pub(super) mac: [u8; 6],
    pub(super) mtu: u32,
    pub(super) up: bool,
}

impl Facts {
    /// Of the port at this place, before it is opened.
    pub(super) fn made_up(index: usize, spec: &PortSpec) -> Self {
        let mac = [2, 0, 0, 0, 0, index as u8];
        Self { name: spec.name.clone(), mac, mtu: 1500, up: true }
    }
}

/// An engine, and its devices in the order of the ports.
pub(super) struct Built {
    pub(super) engine: Engine,
    pub(super) loopback: DeviceId,
    pub(super) devices: Vec<DeviceId>,
}

impl Plan {
    pub(super) fn new(args: &Args) -> Result<Self, Failure> {
        if args.ports.is_empty() {
            let hint = "give --port tap:NAME for a new TAP, or --port packet:IFACE for an existing interface";
            return Err(Failure::new("--port is missing: there is no link to be on", hint));
        }
        for (index, spec) in args.ports.iter().enumerate() {
            if args.ports[..index].iter().any(|other| other.name == spec.name) {
                let what = format_args!("--port {spec}: the name is given twice").to_string();
                return Err(Failure::new(what, "name each interface once"));
            }
        }
        let find = |argument: &dyn Display, name: &Option<String>| -> Result<Option<usize>, Failure> {
            let Some(name) = name else { return Ok(None) };
            let found = args.ports.iter().position(|port| port.name == *name);
            let names: Vec<&str> = args.ports.iter().map(|port| port.name.as_str()).collect();
            let missing = || {
                let what = format!("{argument}: there is no port {name:?}");
                Failure::new(what, format_args!("ports are: {}", names.join(", ")))
            };
            found.map(Some).ok_or_else(missing)
        };
        let mut plan = Self {
            ports: args.ports.clone(),
            addresses: Vec::new(),
            routes: Vec::new(),
            sets: args.sets.clone(),
            macs: Vec::new(),
            profile: args.profile.unwrap_or(Profile::Guarded),
        };
        for spec in &args.addresses {
            let port = find(&format_args!("--address {spec}"), &spec.port)?.unwrap_or(0);
            plan.addresses.push((port, spec.clone()));
        }
        for spec in &args.routes {
            plan.routes.push((find(&format_args!("--route {spec}"), &spec.port)?, spec.clone()));
        }
        for spec in &args.macs {
            let port = find(&format_args!("--mac {spec}"), &spec.port)?.unwrap_or(0);
            if plan.macs.iter().any(|(other, _)| *other == port) {
                let what = format!("--mac {spec}: the port {} has a MAC already", args.ports[port].name);
                return Err(Failure::new(what, "give each port one, as MAC@PORT"));
            }
            plan.macs.push((port, spec.clone()));
        }
        Ok(plan)
    }

    /// The MAC that was asked for on a port.
    pub(super) fn mac(&self, port: usize) -> Option<[u8; 6]> {
        self.macs.iter().find(|(index, _)| *index == port).map(|(_, spec)| spec.mac)
    }
}

/// Builds the engine: devices, then parameters, so that addresses come under them, then addresses, routes.
pub(super) fn build(plan: &Plan, seed: u64, facts: &[Facts]) -> Result<Built, Failure> {
    let now = Instant::ZERO;
    let config = Config { tell_steps: events::are_steps_read(), ..plan.profile.config() };
    let mut engine =
        Engine::try_new(config.seed(seed)).map_err(|error| Failure::new(error, "free some memory"))?;
    let broken = |error: &dyn Display| Failure::new(error, "please report this");
    let loopback = engine.add_device(now, Device::loopback("lo")).map_err(|error| broken(&error))?;
    let mut devices = Vec::new();
    for (facts, spec) in facts.iter().zip(&plan.ports) {
        let device = Device::ethernet(&facts.name, facts.mac).mtu(facts.mtu).link_local(false);
        let device = if facts.up { device } else { device.down() };
        let hint = "choose another name, or another --mac";
        let wrong = |error| Failure::new(format_args!("--port {spec}: {error}"), hint);
        devices.push(engine.add_device(now, device).map_err(wrong)?);
    }
    for spec in &plan.sets {
        engine.set(now, &spec.name, &spec.value).map_err(|error| set_failure(spec, &error))?;
    }
    for (facts, device) in facts.iter().zip(&devices) {
        add_link_local(&mut engine, *device, facts.mac);
    }
    for (port, spec) in &plan.addresses {
        let taken = engine
            .device_ids()
            .find(|id| engine.addresses(*id).any(|a| a.address() == spec.prefix.address()));
        let wrong = |error: &dyn Display| {
            let hint = "give each host address once, and families that the port speaks";
            Failure::new(format_args!("--address {spec}: {error}"), hint)
        };
        if let Some(device) = taken {
            let name = engine.device_name(device).unwrap_or_default();
            return Err(wrong(&format_args!("it is on {name} already")));
        }
        let options = AddressOptions::default();
        engine.add_address(now, devices[*port], spec.prefix, options).map_err(|error| wrong(&error))?;
    }
    for (port, spec) in &plan.routes {
        let route = route(&engine, &devices, *port, spec)?;
        engine.add_route(route).map_err(|error| route_failure(spec, &error))?;
    }
    Ok(Built { engine, loopback, devices })
}

/// A route as the engine takes it: its device is the one named, or where the gateway stands.
pub(super) fn route(
    engine: &Engine,
    devices: &[DeviceId],
    port: Option<usize>,
    spec: &RouteSpec,
) -> Result<Route, Failure> {
    let named = port.and_then(|port| devices.get(port).copied());
    let device = named.or_else(|| engine.device_towards(spec.via));
    let link_local = || is_link_local(spec.via).then(|| devices.first().copied()).flatten();
    let unknown = || route_failure(spec, &RouteError::Gateway(spec.via));
    let device = device.or_else(link_local).ok_or_else(unknown)?;
    Ok(Route { prefix: spec.prefix, via: Some(spec.via), device })
}

/// The address that each interface has (RFC 2464 section 5), unless IPv6 is switched off there.
fn add_link_local(engine: &mut Engine, device: DeviceId, [a, b, c, d, e, f]: [u8; 6]) {
    let address = Ipv6Addr::from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f]);
    if let Ok(prefix) = Prefix::new(IpAddr::V6(address), 64) {
        let _without_ipv6 = engine.add_address(Instant::ZERO, device, prefix, AddressOptions::default());
    }
}

fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local())
}

fn set_failure(spec: &SetSpec, error: &SetError) -> Failure {
    let hint = match error {
        SetError::Device(_) => "name a port in the middle, or `default`, or leave that part out",
        SetError::OutOfRange { .. } | SetError::NotANumber { .. } => "give a whole number within the range",
        _ => "names are those of sysctl, such as neigh/retrans_time_ms, conf/arp_accept or gc_thresh3",
    };
    Failure::new(format_args!("--set {spec}: {error}"), hint)
}

pub(super) fn route_failure(spec: &RouteSpec, error: &RouteError) -> Failure {
    let hint = match error {
        RouteError::Contradiction { .. } => "keep one of the two",
        RouteError::Gateway(_) => {
            "give an --address whose subnet holds the gateway, or name its port with `dev`"
        }
        _ => "give a gateway of the prefix's family",
    };
    Failure::new(format_args!("--route {spec}: {error}"), hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use neighbour::{Defence, Family, MovePolicy};

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn outcome(line: &str) -> Result<Built, String> {
        let words = std::iter::once("run").chain(line.split('|').map(str::trim).filter(|w| !w.is_empty()));
        let args = Line::try_parse_from(words).map_err(|error| error.to_string())?.args;
        let plan = Plan::new(&args).map_err(|error| error.to_string())?;
        let facts: Vec<Facts> = plan.ports.iter().enumerate().map(|(i, s)| Facts::made_up(i, s)).collect();
        build(&plan, 1, &facts).map_err(|error| error.to_string())
    }

    #[test]
    fn all_protections_are_on_unless_the_profile_says_otherwise() {
        let values = |line: &str| {
            let Built { engine, devices, .. } = outcome(line).expect("right arguments");
            let policy = Family::BOTH.map(|family| engine.move_policy(devices[0], family));
            let admission = Family::BOTH.map(|family| engine.admission(family).on);
            (policy, admission, engine.defence(devices[0]))
        };
        let guarded = ([MovePolicy::Verify; 2], [true; 2], Defence::Always);
        let linux = ([MovePolicy::Linux; 2], [false; 2], Defence::Off);
        assert_eq!(values("--port|tap:a"), guarded);
        assert_eq!(values("--port|tap:a|--profile|guarded"), guarded);
        assert_eq!(values("--port|tap:a|--profile|linux"), linux);
        let off = "--set|conf/move_policy=0|--set|conf/acd=0|--set|admission=0";
        assert_eq!(values(&format!("--port|tap:a|{off}")), linux);
    }

    #[test]
    fn what_contradicts_is_found_before_anything_is_opened() {
        for (line, expected) in [
            ("", "--port is missing"),
            ("--port|tap:a|--port|packet:a", "--port packet:a: the name is given twice"),
            ("--port|tap:a|--address|10.0.0.1/8@b", "there is no port \"b\"; hint: ports are: a"),
            ("--port|tap:a|--address|10.0.0.1/8|--address|10.0.0.1/9", "it is on a already"),
            ("--port|tap:a|--address|127.0.0.1/8", "it is on lo already"),
            ("--port|tap:a|--address|224.0.0.1/8", "no address for a host"),
            ("--port|tap:lo", "there is a device \"lo\" already"),
            ("--port|tap:a|--route|default,via 192.0.2.1", "the gateway 192.0.2.1 is on no subnet of ours"),
            (
                "--port|tap:a|--address|192.0.2.2/24|--route|default,via 192.0.2.1|--route|default,via 192.0.2.3",
                "two routes to 0.0.0.0/0: by 192.0.2.1 and by 192.0.2.3; hint: keep one of the two",
            ),
            ("--port|tap:a|--set|neigh/ucast_solicit=-1", "-1 is out of range"),
            ("--port|tap:a|--set|neigh/ucast_solicit=x", "\"x\" is not a whole number"),
            ("--port|tap:a|--set|neigh/ucast_solici=3", "did you mean"),
            ("--port|tap:a|--set|neigh/b/ucast_solicit=3", "there is no device \"b\""),
            ("--port|tap:a|--mac|02:00:00:00:00:01|--mac|02:00:00:00:00:02", "has a MAC already"),
        ] {
            let text = outcome(line).err().unwrap_or_else(|| panic!("{line}: was taken"));
            assert!(text.contains(expected), "{line}: {text}");
            assert!(!text.contains('\n') && text.starts_with("error: "), "{text}");
        }
    }

    #[test]
    fn addresses_and_parameters_go_to_the_port_they_name() {
        let built = outcome(
            "--port|tap:a|--port|packet:b|--address|10.0.0.1/8|--address|2001:db8::1/64@b|\
             --set|neigh/b/ucast_solicit=5|--set|ipv6/conf/a/disable_ipv6=1|--route|default,via 10.0.0.2|\
             --route|default,via fe80::1,dev b",
        );
        let Built { engine, devices, .. } = built.unwrap_or_else(|error| panic!("{error}"));
        let addresses = |device| -> Vec<String> {
            engine.addresses(device).map(|address| address.prefix.to_string()).collect()
        };
        assert_eq!(addresses(devices[0]), ["10.0.0.1/8"]);
        assert_eq!(addresses(devices[1]), ["fe80::ff:fe00:1/64", "2001:db8::1/64"]);
        assert_eq!(engine.get("neigh/b/ucast_solicit"), Ok(5));
        assert_eq!(engine.get("neigh/a/ucast_solicit"), Ok(3));
        let routes: Vec<DeviceId> = engine.routes().map(|route| route.device).collect();
        assert_eq!(routes, devices);
    }
}
