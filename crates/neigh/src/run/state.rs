//! `--state FILE`: entries outlive a restart. They come back as STALE, so that the next packet goes out at
//! once and the neighbour is asked soon after; what an administrator made PERMANENT comes back so.
//!
//! The file is JSON: `{"version":1,"entries":[{"dev":"eth0","dst":"192.0.2.1","lladdr":"02:00:00:00:00:01",
//! "permanent":false,"flags":0,"protocol":0}]}`. It is written whole beside its place and then renamed.

use neighbour::{
    DeviceId, Engine, Family, Flags, Instant, LlAddr, NeighbourInfo, NewNeigh, NudState, RouteType,
};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use tracing::{debug, info, warn};

/// The one version there is.
const VERSION: u32 = 1;
/// A file beyond this is not one of ours: a million entries take less.
const SIZE_MAX: u64 = 256 * 1024 * 1024;

#[derive(Debug, Serialize, Deserialize)]
struct State {
    version: u32,
    entries: Vec<Saved>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    dev: String,
    dst: IpAddr,
    lladdr: String,
    #[serde(default)]
    permanent: bool,
    /// EXT_LEARNED, MANAGED, EXT_VALIDATED, ROUTER as in [`Flags`].
    #[serde(default)]
    flags: u32,
    #[serde(default)]
    protocol: u8,
}

/// Saves all entries that have an address worth keeping.
pub(super) fn save(path: &Path, engine: &Engine) -> io::Result<()> {
    let all = Family::BOTH.into_iter().flat_map(|family| engine.neighbours(family));
    let entries = all.filter_map(|info| saved(engine, &info)).collect();
    let text = serde_json::to_vec(&State { version: VERSION, entries }).map_err(io::Error::other)?;
    let beside = beside(path);
    let written = File::create(&beside).and_then(|mut file| {
        file.write_all(&text)?;
        file.sync_all()
    });
    written.and_then(|()| fs::rename(&beside, path)).inspect_err(|_| {
        let _gone = fs::remove_file(&beside);
    })
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}

fn saved(engine: &Engine, info: &NeighbourInfo) -> Option<Saved> {
    // Groups, and what needs no resolution, is made anew when it is needed.
    if info.route_type != RouteType::Unicast || info.state.has(NudState::NOARP) {
        return None;
    }
    Some(Saved {
        dev: engine.device_name(info.device)?.to_owned(),
        dst: info.address,
        lladdr: info.lladdr?.to_string(),
        permanent: info.state.has(NudState::PERMANENT),
        flags: info.flags.bits(),
        protocol: info.protocol,
    })
}

/// Brings entries back. A file that cannot be used is reported and ignored; one that is not there yet is
/// the beginning.
pub(super) fn restore(path: &Path, engine: &mut Engine, now: Instant) {
    let text = match read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            debug!("--state {}: not there yet", path.display());
            return;
        }
        Err(error) => {
            warn!("--state {}: cannot be read, and is ignored: {error}", path.display());
            return;
        }
    };
    let state: State = match serde_json::from_slice(&text) {
        Ok(state) => state,
        Err(error) => {
            warn!("--state {}: is broken, and is ignored: {error}", path.display());
            return;
        }
    };
    if state.version != VERSION {
        let got = state.version;
        warn!("--state {}: is of version {got}, not {VERSION}, and is ignored", path.display());
        return;
    }
    let total = state.entries.len();
    let back = state.entries.iter().filter(|saved| bring_back(engine, now, saved)).count();
    info!("--state {}: {back} of {total} entries are back", path.display());
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let size = fs::metadata(path)?.len();
    if size > SIZE_MAX {
        return Err(io::Error::other(format!("it has {size} bytes; the most is {SIZE_MAX}")));
    }
    fs::read(path)
}

/// False if it could not be.
fn bring_back(engine: &mut Engine, now: Instant, saved: &Saved) -> bool {
    let skip = |why: &str| {
        debug!("{} dev {}: not brought back: {why}", saved.dst, saved.dev);
        false
    };
    let Some(device) = engine.device_by_name(&saved.dev) else { return skip("no such port") };
    let Ok(lladdr) = saved.lladdr.parse::<LlAddr>() else { return skip("no link-layer address") };
    let needed = engine.device_lladdr(device).unwrap_or_default().len();
    if lladdr.len() != needed {
        return skip("a link-layer address of another length");
    }
    if !on_link(engine, device, saved.dst) {
        return skip("it is not on the port's subnets any more");
    }
    let known = Flags::EXT_LEARNED | Flags::MANAGED | Flags::EXT_VALIDATED | Flags::ROUTER;
    let flags = Flags::from_bits_truncate(saved.flags) & known;
    let state = if saved.permanent { NudState::PERMANENT } else { NudState::STALE };
    let mut request = NewNeigh {
        // A managed entry is asked for at once and takes no address (NL-21): that comes second.
        flags: flags - Flags::MANAGED,
        protocol: saved.protocol,
        ..NewNeigh::add(device, saved.dst, Some(lladdr), state)
    };
    if let Err(error) = engine.new_neigh(now, &request) {
        return skip(&error.to_string());
    }
    if flags.contains(Flags::MANAGED) && !saved.permanent {
        request = NewNeigh { flags, exclusive: false, replace: true, ..request };
        if let Err(error) = engine.new_neigh(now, &request) {
            debug!("{} dev {}: not managed any more: {error}", saved.dst, saved.dev);
        }
    }
    true
}

/// An address that the port's subnets hold, or a link-local one, is worth an entry; others came by routes.
fn on_link(engine: &Engine, device: DeviceId, address: IpAddr) -> bool {
    let link_local = matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
    let gateway = engine.routes().any(|route| route.device == device && route.via == Some(address));
    let own = |prefix: &neighbour::InterfaceAddress| prefix.address() == address;
    let mine = engine.addresses(device).any(own);
    !mine && (link_local || gateway || engine.addresses(device).any(|own| own.prefix.contains(address)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use neighbour::{Config, Device};

    fn engine(name: &str) -> (Engine, DeviceId) {
        let mut engine = Engine::new(Config::default().seed(1));
        let device = Device::ethernet(name, [2, 0, 0, 0, 0, 1]).address("192.0.2.1/24".parse().unwrap());
        let id = engine.add_device(Instant::ZERO, device).unwrap();
        (engine, id)
    }

    fn add(engine: &mut Engine, device: DeviceId, address: &str, state: NudState, flags: Flags) {
        let request = NewNeigh {
            flags,
            protocol: 3,
            ..NewNeigh::add(device, address.parse().unwrap(), Some([2, 0, 0, 0, 0, 9].into()), state)
        };
        engine.new_neigh(Instant::ZERO, &request).unwrap();
    }

    fn file(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("neigh-state-{}-{name}.json", std::process::id()))
    }

    fn table(engine: &Engine) -> Vec<String> {
        let mut lines: Vec<String> = Family::BOTH
            .into_iter()
            .flat_map(|family| engine.neighbours(family))
            .filter(|info| info.route_type == RouteType::Unicast)
            .map(|info| format!("{} {} {:?} {}", info.address, info.state, info.flags, info.protocol))
            .collect();
        lines.sort();
        lines
    }

    #[test]
    fn entries_come_back_as_stale_and_permanent_ones_as_they_were() {
        let path = file("back");
        let (mut before, device) = engine("eth0");
        add(&mut before, device, "192.0.2.7", NudState::REACHABLE, Flags::EXT_LEARNED);
        add(&mut before, device, "192.0.2.8", NudState::PERMANENT, Flags::empty());
        add(&mut before, device, "192.0.2.9", NudState::FAILED, Flags::empty());
        add(&mut before, device, "fe80::9", NudState::STALE, Flags::ROUTER);
        save(&path, &before).unwrap();
        let (mut after, _) = engine("eth0");
        restore(&path, &mut after, Instant::ZERO);
        assert_eq!(
            table(&after),
            [
                "192.0.2.7 STALE Flags(EXT_LEARNED) 3",
                "192.0.2.8 PERMANENT Flags(0x0) 3",
                "fe80::9 STALE Flags(ROUTER) 3",
            ]
        );
        let (mut elsewhere, _) = engine("eth1");
        restore(&path, &mut elsewhere, Instant::ZERO);
        assert!(table(&elsewhere).is_empty(), "entries of missing ports are left out");
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_broken_file_is_ignored() {
        let path = file("broken");
        for text in [
            "",
            "{",
            "[]",
            "{\"version\":2,\"entries\":[]}",
            "{\"version\":1,\"entries\":[{\"dev\":\"eth0\",\"dst\":\"192.0.2.300\",\"lladdr\":\"\"}]}",
            "{\"version\":1,\"entries\":[{\"dev\":\"eth0\",\"dst\":\"192.0.2.3\",\"lladdr\":\"xx\"}]}",
            "{\"version\":1,\"entries\":[{\"dev\":\"eth0\",\"dst\":\"192.0.2.3\",\"lladdr\":\"02:00\"}]}",
            "{\"version\":1,\"entries\":[{\"dev\":\"eth0\",\"dst\":\"192.0.2.1\",\"lladdr\":\"02:00:00:00:00:09\"}]}",
        ] {
            fs::write(&path, text).unwrap();
            let (mut engine, _) = engine("eth0");
            restore(&path, &mut engine, Instant::ZERO);
            assert!(table(&engine).is_empty(), "{text}");
        }
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn saving_where_it_cannot_be_is_an_error() {
        let (engine, _) = engine("eth0");
        assert!(save(Path::new("/nonexistent/state.json"), &engine).is_err());
    }
}
