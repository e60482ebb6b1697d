//! Parameters and switches by their sysctl names (SYS-1 to SYS-16).
//!
//! A name is `[ipv4/|ipv6/]neigh/[DEVICE/|default/]NAME`, `[ipv4/|ipv6/]conf/[DEVICE/|all/|default/]NAME`
//! or `[ipv4/|ipv6/]gc_thresh1` and the like. Without a family both are meant, where both have the
//! name. Without a device everywhere is meant: the defaults (and "all") and each device there is.

use crate::conf::{Conf4, Conf6, Rule, combine};
use crate::guard::Admission;
use crate::parms::{Parm, QLEN_UNIT};
use crate::{DeviceId, Engine, Family, Instant};
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

/// Why a parameter was not set.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SetError {
    /// No parameter has this name.
    #[error("there is no parameter {name:?}{}", hint.as_ref().map(|h| alloc::format!("; did you mean {h:?}?")).unwrap_or_default())]
    Unknown {
        /// The name given.
        name: String,
        /// The nearest name there is.
        hint: Option<String>,
    },
    /// The family has no such parameter.
    #[error("{family} has no parameter {name:?}")]
    Family {
        /// `ipv4` or `ipv6`.
        family: &'static str,
        /// The name given.
        name: String,
    },
    /// No device has this name.
    #[error("there is no device {0:?}")]
    Device(String),
    /// The value is no number.
    #[error("{value:?} is not a whole number, as {name} needs")]
    NotANumber {
        /// The parameter.
        name: String,
        /// The value given.
        value: String,
    },
    /// The value is out of range (SYS-3).
    #[error("{value} is out of range for {name}: {least} to {most}")]
    OutOfRange {
        /// The parameter.
        name: String,
        /// The value given.
        value: i64,
        /// The least that is possible.
        least: i64,
        /// The most that is possible.
        most: i64,
    },
}

/// The unit in which a sysctl is written (SYS-2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Unit {
    Plain,
    Packets,
    Milliseconds,
    Seconds,
    /// 1/100 s.
    UserHz,
    /// Ticks for IPv6, 1/100 s for IPv4 (FOOT-36).
    RetransTime,
}

const NEIGH: [(&str, Parm, Unit); 17] = [
    ("mcast_solicit", Parm::McastSolicit, Unit::Plain),
    ("ucast_solicit", Parm::UcastSolicit, Unit::Plain),
    ("app_solicit", Parm::AppSolicit, Unit::Plain),
    ("mcast_resolicit", Parm::McastResolicit, Unit::Plain),
    ("retrans_time", Parm::RetransTime, Unit::RetransTime),
    ("retrans_time_ms", Parm::RetransTime, Unit::Milliseconds),
    ("base_reachable_time", Parm::BaseReachableTime, Unit::Seconds),
    ("base_reachable_time_ms", Parm::BaseReachableTime, Unit::Milliseconds),
    ("delay_first_probe_time", Parm::DelayFirstProbeTime, Unit::Seconds),
    ("interval_probe_time_ms", Parm::IntervalProbeTime, Unit::Milliseconds),
    ("gc_stale_time", Parm::GcStaletime, Unit::Seconds),
    ("unres_qlen_bytes", Parm::UnresQlenBytes, Unit::Plain),
    ("unres_qlen", Parm::UnresQlenBytes, Unit::Packets),
    ("proxy_qlen", Parm::ProxyQlen, Unit::Plain),
    ("anycast_delay", Parm::AnycastDelay, Unit::UserHz),
    ("proxy_delay", Parm::ProxyDelay, Unit::UserHz),
    ("locktime", Parm::Locktime, Unit::UserHz),
];

const TABLE: [&str; 4] = ["gc_thresh1", "gc_thresh2", "gc_thresh3", "gc_interval"];

/// The numbers of [`Admission`], as they are written and read.
const ADMISSION: [(&str, Admitted); 9] = [
    ("admission", Admitted::Switch),
    ("unresolved_percent", Admitted::Percent(|a| &mut a.unresolved_percent)),
    ("unresolved_device_percent", Admitted::Percent(|a| &mut a.unresolved_device_percent)),
    ("unresolved_source_percent", Admitted::Percent(|a| &mut a.unresolved_source_percent)),
    ("heard_percent", Admitted::Percent(|a| &mut a.heard_percent)),
    ("solicit_rate", Admitted::Rate(|a| &mut a.solicit_rate)),
    ("solicit_device_rate", Admitted::Rate(|a| &mut a.solicit_device_rate)),
    ("reply_rate", Admitted::Rate(|a| &mut a.reply_rate)),
    ("reply_peer_rate", Admitted::Rate(|a| &mut a.reply_peer_rate)),
];

#[derive(Clone, Copy, Debug)]
enum Admitted {
    Switch,
    Percent(fn(&mut Admission) -> &mut u8),
    Rate(fn(&mut Admission) -> &mut u32),
}

impl Admitted {
    /// The most it may be.
    fn most(self) -> i64 {
        match self {
            Self::Switch => 1,
            Self::Percent(_) => 100,
            Self::Rate(_) => i64::from(i32::MAX),
        }
    }

    fn get(self, mut of: Admission) -> i64 {
        match self {
            Self::Switch => i64::from(of.on),
            Self::Percent(field) => i64::from(*field(&mut of)),
            Self::Rate(field) => i64::from(*field(&mut of)),
        }
    }

    /// A value that was checked.
    fn set(self, of: &mut Admission, value: i64) {
        match self {
            Self::Switch => of.on = value != 0,
            Self::Percent(field) => *field(of) = value as u8,
            Self::Rate(field) => *field(of) = value as u32,
        }
    }
}

/// What a name means, besides its family.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Target {
    Neigh(Parm, Unit),
    Conf4(Conf4),
    Conf6(Conf6),
    Table(usize),
    /// Which of [`ADMISSION`].
    Admission(usize),
}

/// Where a value goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    Everywhere,
    All,
    Default,
    Device(DeviceId),
}

/// A name taken apart.
struct Name {
    family: Option<Family>,
    group: Option<&'static str>,
    place: Place,
    last: String,
}

impl Engine {
    /// Sets a parameter by its sysctl name, e.g. `neigh/retrans_time_ms` or `ipv4/conf/eth0/arp_accept`.
    pub fn set(&mut self, now: Instant, name: &str, value: &str) -> Result<(), SetError> {
        self.advance(now);
        let parsed = self.parse_name(name)?;
        let targets = targets(name, &parsed)?;
        let number: i64 = value
            .trim()
            .parse()
            .map_err(|_| SetError::NotANumber { name: name.into(), value: value.into() })?;
        for (family, target) in &targets {
            let checked = self.check(name, *family, *target, number);
            if let (Err(_), Target::Neigh(parm, _), Place::Device(id)) = (&checked, target, parsed.place) {
                let own = self.device_mut(id).and_then(|d| d.parms[*family as usize].as_mut());
                own.into_iter().for_each(|parms| parms.mark_explicit(*parm)); // SYS-3
            }
            checked?;
        }
        for (family, target) in targets {
            self.write(family, target, parsed.place, number);
        }
        Ok(())
    }

    /// The value of a parameter by its sysctl name, as the kernel's file would show it.
    pub fn get(&self, name: &str) -> Result<i64, SetError> {
        let parsed = self.parse_name(name)?;
        let (family, target) = targets(name, &parsed)?[0];
        let table = self.table(family);
        Ok(match target {
            Target::Admission(n) => ADMISSION[n].1.get(table.admission),
            Target::Table(3) => i64::from(self.clock.duration(table.gc_interval).as_secs() as u32),
            Target::Table(n) => i64::from(match n {
                0 => table.thresholds.thresh1,
                1 => table.thresholds.thresh2,
                _ => table.thresholds.thresh3,
            }),
            Target::Neigh(parm, unit) => {
                let of_device = |id| self.device(id).and_then(|d| d.parms[family as usize].as_ref());
                let parms = match parsed.place {
                    Place::Device(id) => of_device(id).unwrap_or(&table.defaults),
                    _ => &table.defaults,
                };
                self.show(family, parms.get(parm), unit)
            }
            Target::Conf4(conf) => i64::from(match parsed.place {
                Place::Device(id) => self.device(id).map_or(0, |d| d.conf4_own(conf)),
                Place::Default => self.conf4_default.get(conf as usize),
                Place::All | Place::Everywhere => self.conf4_all.get(conf as usize),
            }),
            Target::Conf6(conf) => i64::from(match parsed.place {
                Place::Device(id) => self.device(id).map_or(0, |d| d.conf6_own(conf)),
                Place::Default => self.conf6_default.get(conf as usize),
                Place::All | Place::Everywhere => self.conf6_all.get(conf as usize),
            }),
        })
    }

    fn parse_name(&self, name: &str) -> Result<Name, SetError> {
        let unknown = || SetError::Unknown { name: name.into(), hint: nearest(name) };
        let mut parts: Vec<&str> = name.split('/').collect();
        if parts.first() == Some(&"net") {
            parts.remove(0);
        }
        let family = match parts.first() {
            Some(&"ipv4") => Some(Family::Inet),
            Some(&"ipv6") => Some(Family::Inet6),
            _ => None,
        };
        if family.is_some() {
            parts.remove(0);
        }
        let group = match parts.first() {
            Some(&"neigh") => Some("neigh"),
            Some(&"conf") => Some("conf"),
            _ => None,
        };
        if group.is_some() {
            parts.remove(0);
        }
        let (place, last) = match parts.as_slice() {
            [last] => (Place::Everywhere, *last),
            ["default", last] if group.is_some() => (Place::Default, *last),
            ["all", last] if group == Some("conf") => (Place::All, *last),
            [device, last] if group.is_some() => {
                let found = self.devices().find(|d| d.name == *device).map(|d| d.id);
                (Place::Device(found.ok_or_else(|| SetError::Device((*device).into()))?), *last)
            }
            _ => return Err(unknown()),
        };
        let of_table = TABLE.contains(&last) || ADMISSION.iter().any(|(name, _)| *name == last);
        if group.is_none() && !of_table {
            return Err(unknown());
        }
        Ok(Name { family, group, place, last: last.into() })
    }

    /// SYS-2, SYS-3, SYS-10: what cannot be stored is refused, negative times among it.
    fn check(&self, name: &str, family: Family, target: Target, value: i64) -> Result<(), SetError> {
        let most = i64::from(i32::MAX);
        let least_most = match target {
            Target::Conf4(_) | Target::Conf6(_) => (i64::from(i32::MIN), most),
            Target::Admission(n) => (0, ADMISSION[n].1.most()),
            Target::Table(3) => (0, self.clock.duration(i32::MAX as u32).as_secs() as i64),
            Target::Table(_) | Target::Neigh(_, Unit::Plain) => (0, most),
            Target::Neigh(_, Unit::Packets) => (0, most / i64::from(QLEN_UNIT)),
            Target::Neigh(Parm::IntervalProbeTime, _) => (1, most),
            Target::Neigh(_, unit) => (0, self.show(family, i32::MAX as u32, unit).min(most)),
        };
        let (least, most) = least_most;
        if value < least || value > most {
            return Err(SetError::OutOfRange { name: name.into(), value, least, most });
        }
        Ok(())
    }

    /// A stored value in the unit of its name.
    fn show(&self, family: Family, stored: u32, unit: Unit) -> i64 {
        let time = self.clock.duration(stored);
        match unit {
            Unit::Plain => i64::from(stored),
            Unit::Packets => i64::from(stored / QLEN_UNIT),
            Unit::Milliseconds => time.as_millis() as i64,
            Unit::Seconds => time.as_secs() as i64,
            Unit::RetransTime if family == Family::Inet6 => i64::from(stored),
            Unit::UserHz | Unit::RetransTime => (time.as_millis() / 10) as i64,
        }
    }

    /// A value that passed [`Engine::check`] in stored units.
    fn stored(&self, family: Family, value: i64, unit: Unit) -> u32 {
        let value = u64::try_from(value).unwrap_or(0);
        let ticks = |duration| self.clock.ticks_ceil(duration);
        match unit {
            Unit::Plain => value as u32,
            Unit::Packets => value as u32 * QLEN_UNIT,
            Unit::Milliseconds => ticks(Duration::from_millis(value)),
            Unit::Seconds => ticks(Duration::from_secs(value)),
            Unit::RetransTime if family == Family::Inet6 => value as u32,
            Unit::UserHz | Unit::RetransTime => ticks(Duration::from_millis(value * 10)),
        }
    }

    fn write(&mut self, family: Family, target: Target, place: Place, value: i64) {
        match target {
            Target::Table(3) => {
                let ticks = self.clock.ticks_ceil(Duration::from_secs(value as u64));
                self.table_mut(family).gc_interval = ticks;
            }
            Target::Admission(n) => {
                let mut admission = self.table(family).admission;
                ADMISSION[n].1.set(&mut admission, value);
                self.set_admission(family, admission);
            }
            Target::Table(n) => {
                let thresholds = &mut self.table_mut(family).thresholds;
                let thresh = match n {
                    0 => &mut thresholds.thresh1,
                    1 => &mut thresholds.thresh2,
                    _ => &mut thresholds.thresh3,
                };
                *thresh = value as u32;
            }
            Target::Neigh(parm, unit) => {
                let stored = self.stored(family, value, unit);
                self.write_parm(family, place, parm, stored);
            }
            Target::Conf4(conf) => self.set_conf(place, conf as usize, value as i32, Family::Inet),
            Target::Conf6(conf) => self.set_conf(place, conf as usize, value as i32, Family::Inet6),
        }
    }

    fn write_parm(&mut self, family: Family, place: Place, parm: Parm, value: u32) {
        let base = parm == Parm::BaseReachableTime;
        let (table, rng, devices) = self.table_rng_devices(family);
        if !matches!(place, Place::Device(_)) {
            table.defaults.set(parm, value);
            // SYS-9: of the default sets only IPv4's draws anew.
            if base && (family == Family::Inet || place == Place::Everywhere) {
                table.defaults.draw_reachable_time(rng);
            }
        }
        for device in devices {
            let id = device.id;
            let Some(parms) = device.parms[family as usize].as_mut() else { continue };
            let meant = match place {
                Place::Device(wanted) => wanted == id,
                Place::Everywhere => true,
                Place::Default | Place::All => !parms.is_explicit(parm), // DM-21
            };
            if !meant {
                continue;
            }
            parms.set(parm, value);
            if matches!(place, Place::Device(_)) {
                parms.mark_explicit(parm); // DM-22
            }
            if base && !matches!(place, Place::Default) {
                parms.draw_reachable_time(rng); // DM-28c; not when it comes from the defaults: DM-24
            }
        }
    }

    fn set_conf(&mut self, place: Place, index: usize, value: i32, family: Family) {
        let everywhere = place == Place::Everywhere;
        if everywhere || place == Place::All {
            match family {
                Family::Inet => self.conf4_all.set(index, value),
                Family::Inet6 => self.conf6_all.set(index, value),
            }
        }
        if everywhere || place == Place::Default {
            match family {
                Family::Inet => self.conf4_default.set(index, value),
                Family::Inet6 => self.conf6_default.set(index, value),
            }
        }
        // Setting all/forwarding rewrites the default and every device's (SYS-16), and so does
        // all/disable_ipv6 with the devices'.
        let forwarding = match family {
            Family::Inet => index == Conf4::Forwarding as usize,
            Family::Inet6 => index == Conf6::Forwarding as usize,
        };
        let disable = family == Family::Inet6 && index == Conf6::DisableIpv6 as usize;
        let rewrites = place == Place::All && (forwarding || disable);
        if place == Place::All && forwarding {
            match family {
                Family::Inet => self.conf4_default.set(index, value),
                Family::Inet6 => self.conf6_default.set(index, value),
            }
        }
        let groups: Vec<_> = match family == Family::Inet6 && forwarding {
            true => self.devices().map(|d| (d.id, d.all_groups())).collect(),
            false => Vec::new(),
        };
        let bit = 1u64 << index;
        let (mut on, mut off) = (Vec::new(), Vec::new());
        for device in self.devices.iter_mut().flatten() {
            let explicit = match family {
                Family::Inet => &mut device.conf4.explicit,
                Family::Inet6 => &mut device.conf6.explicit,
            };
            let meant = match place {
                Place::Device(id) => id == device.id,
                Place::Everywhere => true,
                Place::All => rewrites,
                Place::Default => *explicit & bit == 0,
            };
            if !meant {
                continue;
            }
            if matches!(place, Place::Device(_)) {
                *explicit |= bit;
            }
            match family {
                Family::Inet => device.conf4.set(index, value),
                Family::Inet6 => device.conf6.set(index, value),
            }
            match (disable, value != 0, device.parms[Family::Inet6 as usize].is_some()) {
                (true, true, true) => off.push(device.id),
                (true, false, false) => on.push(device.id),
                _ => {}
            }
        }
        off.into_iter().for_each(|id| self.detach_v6(id));
        on.into_iter().for_each(|id| self.attach_v6(id));
        groups.into_iter().for_each(|(id, before)| self.router_groups_changed(id, &before));
    }

    /// The value of an IPv4 switch in force on a device (SYS-11).
    pub(crate) fn conf4(&self, device: DeviceId, conf: Conf4) -> i32 {
        let own = self.device(device).map_or(0, |d| d.conf4_own(conf));
        combine(conf.rule(), self.conf4_all.get(conf as usize), own)
    }

    /// The own value of an IPv4 switch of a device.
    pub(crate) fn conf4_own(&self, device: DeviceId, conf: Conf4) -> i32 {
        self.device(device).map_or(0, |d| d.conf4_own(conf))
    }

    /// The value of an IPv6 switch in force on a device (SYS-14).
    pub(crate) fn conf6(&self, device: DeviceId, conf: Conf6) -> i32 {
        let own = self.device(device).map_or(0, |d| d.conf6_own(conf));
        match conf.rule() {
            Rule::Device => own,
            rule => combine(rule, self.conf6_all.get(conf as usize), own),
        }
    }
}

/// What the last part of a name means, in each family that has it.
fn targets(name: &str, parsed: &Name) -> Result<Vec<(Family, Target)>, SetError> {
    let in_family = |family: Family| {
        let neigh = || {
            NEIGH.iter().find(|(n, ..)| *n == parsed.last).map(|(_, parm, unit)| Target::Neigh(*parm, *unit))
        };
        let admission = || ADMISSION.iter().position(|(n, _)| *n == parsed.last).map(Target::Admission);
        let threshold = || TABLE.iter().position(|n| *n == parsed.last).map(Target::Table);
        let table = || threshold().or_else(admission);
        let conf = || match family {
            Family::Inet => Conf4::ALL.iter().find(|c| c.name() == parsed.last).map(|c| Target::Conf4(*c)),
            Family::Inet6 => Conf6::ALL.iter().find(|c| c.name() == parsed.last).map(|c| Target::Conf6(*c)),
        };
        let target = match parsed.group {
            Some("conf") => conf(),
            Some(_) => neigh().or_else(|| table().filter(|_| !matches!(parsed.place, Place::Device(_)))),
            None => table(),
        };
        target.map(|target| (family, target))
    };
    let found: Vec<_> = Family::BOTH
        .into_iter()
        .filter(|f| parsed.family.is_none_or(|wanted| wanted == *f))
        .filter_map(in_family)
        .collect();
    match (found.is_empty(), parsed.family) {
        (false, _) => Ok(found),
        (true, Some(family)) if Family::BOTH.into_iter().any(|f| in_family(f).is_some()) => {
            Err(SetError::Family { family: family.sysctl_name(), name: parsed.last.clone() })
        }
        _ => Err(SetError::Unknown { name: name.into(), hint: nearest(&parsed.last) }),
    }
}

/// All names there are, as [`Engine::set`] takes them without family and device.
pub fn parameter_names() -> Vec<String> {
    let neigh = NEIGH.iter().map(|(name, ..)| alloc::format!("neigh/{name}"));
    let conf4 = Conf4::ALL.iter().map(|c| alloc::format!("ipv4/conf/{}", c.name()));
    let conf6 = Conf6::ALL.iter().map(|c| alloc::format!("ipv6/conf/{}", c.name()));
    let table = TABLE.into_iter().chain(ADMISSION.map(|(name, _)| name)).map(Into::into);
    neigh.chain(table).chain(conf4).chain(conf6).collect()
}

/// The name that shares most with a mistyped one.
fn nearest(name: &str) -> Option<String> {
    let last = name.rsplit('/').next()?;
    let distance = |candidate: &str| edit_distance(last, candidate.rsplit('/').next().unwrap_or(candidate));
    let (best, far) = parameter_names().into_iter().map(|n| (distance(&n), n)).min().map(|(d, n)| (n, d))?;
    (far <= last.len() / 3).then_some(best)
}

/// Levenshtein's distance.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = core::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
