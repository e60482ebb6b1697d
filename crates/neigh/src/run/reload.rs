//! SIGHUP: the configuration is read again, and what differs is done: parameters, addresses, routes.
//!
//! Another list of ports or MACs is refused, with all else that the file says; other keys (socket, capture, ...)
//! stay as they are until a restart, which is told.
//! What was changed at run time by other means stays, unless the file changes the same thing.

use super::args::Args;
use super::config;
use super::plan::{self, Facts, Plan};
use neighbour::{AddressOptions, DeviceId, Engine, Instant};
use std::fmt::Display;
use tracing::{info, warn};

/// Reads again and applies; gives what is in force now. An error has changed nothing. `started` is what was said
/// at the start, the file included.
pub(super) fn reload(
    args: &Args,
    started: &Args,
    old: &Plan,
    engine: &mut Engine,
    devices: &[DeviceId],
    now: Instant,
) -> anyhow::Result<Plan> {
    let read = config::merged(args.clone())?;
    let new = Plan::new(&read)?;
    // On made-up links, so that what contradicts is found before anything changes.
    let made_up: Vec<Facts> = new.ports.iter().enumerate().map(|(i, spec)| Facts::made_up(i, spec)).collect();
    let fresh = plan::build(&new, 0, &made_up)?;
    if new.ports != old.ports || new.macs != old.macs {
        anyhow::bail!("ports and their MACs cannot change without a restart");
    }
    for key in unheeded(started, &read) {
        warn!("reload: {key} stays as it is until a restart");
    }
    apply(old, &new, engine, &fresh.engine, devices, now);
    Ok(new)
}

/// The keys whose other values count at the next start only.
fn unheeded(started: &Args, read: &Args) -> Vec<&'static str> {
    let differs = [
        ("upper", started.upper != read.upper),
        ("pcap", started.pcap != read.pcap),
        ("socket", started.socket != read.socket),
        ("group", started.group != read.group),
        ("state", started.state != read.state),
        ("profile", started.profile != read.profile),
        ("seed", started.seed != read.seed),
        ("verbose", started.verbose != read.verbose),
    ];
    differs.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
}

/// Does what differs. The fresh engine knows the values that parameters have without being set.
fn apply(old: &Plan, new: &Plan, engine: &mut Engine, fresh: &Engine, devices: &[DeviceId], now: Instant) {
    let mut changes = 0;
    let mut done = |what: &dyn Display, result: Result<(), String>| {
        changes += 1;
        match result {
            Ok(()) => info!("reload: {what}"),
            Err(error) => warn!("reload: {what}: {error}"),
        }
    };
    for gone in old.sets.iter().filter(|set| !new.sets.iter().any(|other| other.name == set.name)) {
        let Ok(value) = fresh.get(&gone.name) else { continue };
        let result = engine.set(now, &gone.name, &value.to_string()).map_err(|error| error.to_string());
        done(&format_args!("--set {}={value}, as it is by default", gone.name), result);
    }
    // In order, and all of them if any differs: a later one may say again what an earlier one said.
    if old.sets != new.sets {
        for set in &new.sets {
            let result = engine.set(now, &set.name, &set.value).map_err(|error| error.to_string());
            done(&format_args!("--set {set}"), result);
        }
    }
    for (_, spec) in old.routes.iter().filter(|own| !new.routes.contains(own)) {
        let removed = engine.remove_route(spec.prefix.network());
        let result = if removed { Ok(()) } else { Err("it is gone already".into()) };
        done(&format_args!("--route {spec} removed"), result);
    }
    for (port, spec) in old.addresses.iter().filter(|own| !new.addresses.contains(own)) {
        let result = engine.remove_address(now, devices[*port], spec.prefix.address());
        done(&format_args!("--address {spec} removed"), result.map_err(|error| error.to_string()));
    }
    for (port, spec) in new.addresses.iter().filter(|own| !old.addresses.contains(own)) {
        let result = engine.add_address(now, devices[*port], spec.prefix, AddressOptions::default());
        done(&format_args!("--address {spec}"), result.map_err(|error| error.to_string()));
    }
    for (port, spec) in new.routes.iter().filter(|own| !old.routes.contains(own)) {
        let added = plan::route(engine, devices, *port, spec)
            .and_then(|route| engine.add_route(route).map_err(|error| plan::route_failure(spec, &error)));
        done(&format_args!("--route {spec}"), added.map_err(|failure| failure.to_string()));
    }
    if changes == 0 {
        info!("reload: nothing differs");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use std::path::Path;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn args(path: &Path) -> Args {
        let path = path.display().to_string();
        Line::try_parse_from(["run", "--port", "tap:a", "--config", &path]).unwrap().args
    }

    #[test]
    fn what_differs_is_done_and_what_is_wrong_changes_nothing() {
        let path = std::env::temp_dir().join(format!("neigh-reload-{}.toml", std::process::id()));
        let write = |text: &str| std::fs::write(&path, text).unwrap();
        write(
            "address = ['192.0.2.2/24', '198.51.100.2/24']\nset = ['neigh/ucast_solicit=5']\nroute = ['default,via 192.0.2.1']",
        );
        let args = args(&path);
        let started = config::merged(args.clone()).unwrap();
        let old = Plan::new(&started).unwrap();
        let made_up: Vec<Facts> = old.ports.iter().enumerate().map(|(i, s)| Facts::made_up(i, s)).collect();
        let plan::Built { mut engine, devices, .. } = plan::build(&old, 1, &made_up).unwrap();
        let now = Instant::ZERO;
        let facts = |engine: &Engine| {
            let own = engine.addresses(devices[0]).filter(|own| own.address().is_ipv4());
            let own: Vec<String> = own.map(|own| own.prefix.to_string()).collect();
            let routes: Vec<String> =
                engine.routes().map(|r| format!("{} {}", r.prefix, r.via.unwrap())).collect();
            (
                own.join(" "),
                engine.get("neigh/a/ucast_solicit").unwrap(),
                engine.get("gc_thresh3").unwrap(),
                routes.join(" "),
            )
        };
        write(
            "address = ['192.0.2.2/24', '203.0.113.2/24']\nset = ['gc_thresh3=4096']\nroute = ['10.0.0.0/8,via 203.0.113.1']",
        );
        let new = reload(&args, &started, &old, &mut engine, &devices, now).unwrap();
        let expected =
            ("192.0.2.2/24 203.0.113.2/24".to_owned(), 3, 4096, "10.0.0.0/8 203.0.113.1".to_owned());
        assert_eq!(facts(&engine), expected);
        for wrong in [
            "address = ['192.0.2.300/24']",
            "nonsense = 1",
            "set = ['neigh/nope=1']",
            "route = ['default,via 192.0.2.1']",
            "port = ['tap:b']",
        ] {
            write(wrong);
            assert!(reload(&args, &started, &new, &mut engine, &devices, now).is_err(), "{wrong}");
            assert_eq!(facts(&engine), expected, "{wrong}");
        }
        write("pcap = 'all.pcap'\nverbose = true");
        let read = config::merged(args.clone()).unwrap();
        assert_eq!(unheeded(&started, &read), ["pcap", "verbose"]);
        assert_eq!(unheeded(&started, &started), [""; 0]);
        std::fs::remove_file(&path).unwrap();
    }
}
