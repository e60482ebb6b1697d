//! The loop: frames in, time, frames out, conversations; until a signal.

use super::args::{Args, Upper};
use super::control::Control;
use super::events;
use super::host::Host;
use super::plan::{Built, Plan};
use super::port::Port;
use super::reload;
use super::spec::PortKind;
use super::state;
use super::view::{View, told};
use super::watch::LinkWatch;
use anyhow::{Context, bail};
use neighbour::{
    AddressState, Defence, DeviceId, Engine, Event, EventKind, Input, Instant, LlAddr, Prefix, Sent,
};
use neighbour_link::Time;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;
use tracing::{debug, warn};

/// Frames read from one port before others have their turn.
const FRAMES_A_TURN: usize = 256;
/// Frames that came at one time as far as anybody can tell: some microseconds.
const FRAMES_A_MOMENT: usize = 16;
/// Packets to ourselves that may follow from each other in one turn.
const ECHOES_A_TURN: usize = 1024;

/// What the daemon is made of.
pub(super) struct Parts {
    pub(super) built: Built,
    pub(super) ports: Vec<Port>,
    pub(super) control: Control,
    pub(super) watch: LinkWatch,
    /// Becomes readable when the daemon is to end.
    pub(super) signals: UnixStream,
    /// Becomes readable when the configuration is to be read again.
    pub(super) hangups: UnixStream,
    /// What the command line says, without the file.
    pub(super) args: Args,
    /// The same with the file, as it was at the start.
    pub(super) started: Args,
    /// What is in force.
    pub(super) plan: Plan,
    pub(super) state: Option<PathBuf>,
    pub(super) start: std::time::Instant,
    pub(super) seed: u64,
    pub(super) upper: Upper,
}

/// The daemon. Devices, ports and hosts have the same order.
pub(super) struct Daemon {
    engine: Engine,
    loopback: DeviceId,
    devices: Vec<DeviceId>,
    ports: Vec<Port>,
    /// Empty if nothing is above.
    hosts: Vec<Host>,
    control: Control,
    watch: LinkWatch,
    signals: UnixStream,
    hangups: UnixStream,
    args: Args,
    started: Args,
    plan: Plan,
    /// Where entries are saved in the end.
    state: Option<PathBuf>,
    /// Not switched off by an administrator, by port.
    admin: Vec<bool>,
    /// Events that were taken from the engine to be told, and are still to be acted upon.
    taken: VecDeque<Event>,
    start: std::time::Instant,
    /// What the engine knows of each port: switched on, carrier.
    known: Vec<(bool, bool)>,
    ready: bool,
    buffer: Vec<u8>,
}

impl Daemon {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts { built, ports, control, watch, signals, hangups, .. } = parts;
        let Parts { args, started, plan, state, start, seed, upper, .. } = parts;
        let Built { engine, loopback, devices } = built;
        let hosts = match upper {
            Upper::None => Vec::new(),
            Upper::Host => ports.iter().map(|port| Host::new(port.mtu, seed)).collect(),
        };
        // A port that was not running was built down, and has its carrier for the engine all the same.
        let known = ports.iter().map(|port| (port.is_running(), true)).collect();
        Self {
            admin: vec![true; ports.len()],
            engine,
            loopback,
            devices,
            ports,
            hosts,
            control,
            watch,
            signals,
            hangups,
            args,
            started,
            plan,
            state,
            taken: VecDeque::new(),
            start,
            known,
            ready: false,
            buffer: Vec::new(),
        }
    }

    /// Runs until a signal, or until the last interface is gone.
    pub(super) fn run(mut self) -> anyhow::Result<()> {
        self.signals.set_nonblocking(true)?;
        self.hangups.set_nonblocking(true)?;
        if let Some(path) = &self.state {
            state::restore(path, &mut self.engine, Instant::since_start(self.start.elapsed()));
        }
        for port in 0..self.ports.len() {
            self.groups_changed(port);
            self.addresses_changed(port);
            if !self.ports[port].is_running() {
                warn!("{}: waiting for the link to come up", self.ports[port].name);
            }
        }
        let looked_for = |device: &DeviceId| {
            self.engine.defence(*device) != Defence::Off
                && self.engine.addresses(*device).any(|own| own.prefix.address().is_ipv4())
        };
        if self.devices.iter().any(looked_for) {
            warn!(
                "looking for others with our addresses, which takes up to seven seconds; --set conf/acd=0 does not"
            );
        }
        loop {
            let more = self.turn()?;
            if !self.ready && self.is_ready() {
                self.ready = true;
                self.say_ready();
            }
            let wait = if more { Some(Duration::ZERO) } else { self.wait_time() };
            self.wait(wait)?;
            if is_signalled(&mut self.hangups)? {
                self.reload();
            }
            if is_signalled(&mut self.signals)? {
                debug!("a signal ends it");
                return self.end();
            }
        }
    }

    fn elapsed(&self) -> Time {
        self.start.elapsed()
    }

    /// Does what there is to do. True if there may be more at once.
    fn turn(&mut self) -> anyhow::Result<bool> {
        self.watch.receive(&mut self.ports).context("cannot read the news about links")?;
        self.follow_links()?;
        let mut more = false;
        for port in 0..self.ports.len() {
            more |= self.receive(port);
        }
        self.engine.handle_timeout(Instant::since_start(self.elapsed()));
        self.drain();
        self.serve();
        for port in self.ports.iter_mut().filter(|port| !port.gone) {
            if let Err(error) = port.link.flush() {
                debug!("{}: frames were not sent: {error}", port.name);
            }
        }
        Ok(more || self.control.has_more())
    }

    /// Answers those who ask, and does what they brought about.
    fn serve(&mut self) {
        let physical: Vec<bool> =
            self.ports.iter().map(|port| !port.gone && (port.kind == PortKind::Tap || port.up)).collect();
        let mut view = View {
            engine: &mut self.engine,
            now: Instant::since_start(self.start.elapsed()),
            loopback: self.loopback,
            devices: &self.devices,
            admin: &mut self.admin,
            physical: &physical,
            known: &mut self.known,
            taken: &mut self.taken,
            ports: &mut self.ports,
            changed: false,
        };
        self.control.serve(&mut view);
        if view.changed {
            (0..self.ports.len()).for_each(|port| self.addresses_changed(port));
        }
        self.drain();
        self.control.flush();
    }

    /// Reads the configuration again. What is wrong in it is said, and nothing changes then.
    fn reload(&mut self) {
        let now = Instant::since_start(self.elapsed());
        match reload::reload(&self.args, &self.started, &self.plan, &mut self.engine, &self.devices, now) {
            Ok(plan) => self.plan = plan,
            Err(error) => warn!("the configuration was read again and nothing is changed: {error:#}"),
        }
        (0..self.ports.len()).for_each(|port| self.addresses_changed(port));
        self.drain();
    }

    /// Saves what is to be saved.
    fn end(&self) -> anyhow::Result<()> {
        let Some(path) = &self.state else { return Ok(()) };
        state::save(path, &self.engine).with_context(|| format!("--state {}: cannot save", path.display()))
    }

    /// Tells the engine what became of the links.
    fn follow_links(&mut self) -> anyhow::Result<()> {
        let now = Instant::since_start(self.elapsed());
        let mut reopened = Vec::new();
        for (index, port) in self.ports.iter_mut().enumerate() {
            let device = self.devices[index];
            if let Some(again) = anew(port) {
                match port.reopen() {
                    Ok(()) => {
                        debug!("{}: {again}; our address is {} now", port.name, LlAddr::from(port.mac));
                        if let Err(error) = self.engine.set_lladdr(now, device, port.mac.into()) {
                            warn!("{}: {error}", port.name);
                        }
                        self.engine.set_mtu(now, device, port.mtu);
                        if let Some(host) = self.hosts.get_mut(index) {
                            host.set_mtu(port.mtu);
                        }
                        reopened.push(index);
                    }
                    Err(error) => warn!("{}: {again}, and cannot be opened: {error}", port.name),
                }
            }
            // The kernel's end of a TAP is the other end of the cable: to switch it off takes the carrier.
            let (up, carrier) = match port.kind {
                PortKind::Tap => (!port.gone, port.up && port.carrier),
                PortKind::Packet | PortKind::Xdp => (port.up && !port.gone, port.carrier),
            };
            let (known_up, known_carrier) = &mut self.known[index];
            // Nothing is checked for duplicates on a link that has never had a carrier.
            let up = up && (*known_up || carrier) && self.admin[index];
            if up != *known_up {
                if port.gone {
                    warn!("{}: the interface is gone", port.name);
                }
                debug!("{}: {}", port.name, if up { "up" } else { "down" });
                self.engine.set_link(now, device, up);
                *known_up = up;
            }
            if carrier != *known_carrier {
                debug!("{}: carrier {}", port.name, if carrier { "found" } else { "lost" });
                self.engine.set_carrier(now, device, carrier);
                *known_carrier = carrier;
            }
        }
        reopened.into_iter().for_each(|port| self.groups_changed(port));
        if self.ports.iter().all(|port| port.gone) {
            bail!("all interfaces are gone");
        }
        Ok(())
    }

    /// Reads frames of one port. True if there may be more.
    fn receive(&mut self, index: usize) -> bool {
        let mut frame = std::mem::take(&mut self.buffer);
        let mut more = true;
        let mut lost = false;
        let mut now = self.elapsed();
        for frames in 0..FRAMES_A_TURN {
            if frames % FRAMES_A_MOMENT == 0 {
                now = self.elapsed();
            }
            let port = &mut self.ports[index];
            if port.gone {
                more = false;
                break;
            }
            match port.link.receive(now, &mut frame) {
                Ok(true) => self.take_in(now, Some(index), &frame),
                Ok(false) => {
                    more = false;
                    break;
                }
                Err(error) => {
                    warn!("{}: the link is lost: {error}", port.name);
                    (port.gone, lost) = (true, true);
                }
            }
        }
        self.buffer = frame;
        // The news that there is another one of its name may have come before.
        if lost && let Err(error) = self.watch.learn(&mut self.ports) {
            warn!("the state of the links cannot be read: {error:#}");
        }
        more
    }

    /// A frame from a port, or from ourselves.
    fn take_in(&mut self, now: Time, port: Option<usize>, frame: &[u8]) {
        let at = Instant::since_start(now);
        let device = port.map_or(self.loopback, |port| self.devices[port]);
        match self.engine.handle_frame(at, device, frame) {
            Input::Ip(packet) => {
                let Some(host) = self.hosts.get_mut(port.unwrap_or(0)) else { return };
                for answer in host.handle(now, packet) {
                    if let Sent::Refused(reason) = self.engine.send_ip(at, answer, Some(device)) {
                        debug!("an answer was not sent: {reason}");
                    }
                }
            }
            Input::Consumed | Input::Forwarded(_) => {}
            Input::Dropped(reason) => debug!("a frame was dropped: {reason}"),
        }
    }

    /// Takes what the engine has to say: frames to links, events to people and to who else needs them.
    fn drain(&mut self) {
        let mut to_ourselves = VecDeque::new();
        let mut echoes = 0;
        loop {
            let now = self.elapsed();
            while let Some(transmit) = self.engine.poll_transmit() {
                let port = self.devices.iter().position(|device| *device == transmit.device);
                match port.map(|port| &mut self.ports[port]) {
                    Some(port) => {
                        if !port.gone
                            && let Err(error) = port.link.transmit(now, &transmit.frame)
                        {
                            debug!("{}: a frame was not sent: {error}", port.name);
                        }
                        self.engine.recycle(transmit.frame);
                    }
                    None => to_ourselves.push_back(transmit.frame),
                }
            }
            match to_ourselves.pop_front().filter(|_| echoes < ECHOES_A_TURN) {
                Some(frame) => self.take_in(now, None, &frame),
                None => break,
            }
            echoes += 1;
        }
        loop {
            // What was taken while a request was answered is told already.
            let event = match self.taken.pop_front() {
                Some(event) => event,
                None => {
                    let Some(event) = self.engine.poll_event() else { break };
                    if self.control.is_heard() {
                        self.control.tell(&told(&self.engine, &event.kind));
                    }
                    event
                }
            };
            events::tell(&self.engine, &event);
            let port = |device: DeviceId| self.devices.iter().position(|own| *own == device);
            match event.kind {
                EventKind::GroupsChanged { device } => {
                    if let Some(port) = port(device) {
                        self.groups_changed(port);
                    }
                }
                EventKind::AddressAssigned { device, .. }
                | EventKind::AddressExpired { device, .. }
                | EventKind::AddressDuplicate { device, .. } => {
                    if let Some(port) = port(device) {
                        self.addresses_changed(port);
                    }
                }
                _ => {}
            }
        }
    }

    fn groups_changed(&mut self, index: usize) {
        let groups = self.engine.link_groups(self.devices[index]);
        let groups: Vec<[u8; 6]> = groups.iter().filter_map(LlAddr::mac).collect();
        let port = &mut self.ports[index];
        if let Err(error) = port.link.set_multicast(&groups) {
            warn!("{}: multicast groups were not joined: {error}", port.name);
        }
    }

    fn addresses_changed(&mut self, index: usize) {
        let in_use = self.engine.addresses(self.devices[index]);
        let in_use = in_use.filter(|address| address.state == AddressState::Assigned);
        let prefixes: Vec<Prefix> = in_use.map(|address| address.prefix).collect();
        if let Some(host) = self.hosts.get_mut(index) {
            host.set_addresses(&prefixes);
        }
    }

    /// Are all links up, and all addresses checked?
    fn is_ready(&self) -> bool {
        let checked = |state| matches!(state, AddressState::Assigned | AddressState::Duplicate);
        self.ports.iter().all(Port::is_running)
            && self.devices.iter().all(|device| self.engine.addresses(*device).all(|a| checked(a.state)))
    }

    /// `ready: nb0 02:00:00:00:00:01 192.0.2.2/24 fe80::1/64; duplicate: none; socket /run/neigh.sock`
    fn say_ready(&self) {
        let mut duplicates = Vec::new();
        let mut line = String::from("ready:");
        for (port, device) in self.ports.iter().zip(&self.devices) {
            line += &format!(" {} {}", port.name, LlAddr::from(port.mac));
            for address in self.engine.addresses(*device) {
                match address.state {
                    AddressState::Duplicate => duplicates.push(address.prefix.to_string()),
                    _ => line += &format!(" {}", address.prefix),
                }
            }
            line += ";";
        }
        if !duplicates.is_empty() {
            line += &format!(" duplicate, not used: {};", duplicates.join(" "));
        }
        let mut out = io::stdout().lock();
        // Who does not listen any more does not wait for it.
        let _closed = writeln!(out, "{line} socket {}", self.control.path().display());
        let _closed = out.flush();
    }

    /// How long nothing is due.
    fn wait_time(&self) -> Option<Duration> {
        let engine = self.engine.poll_timeout().map(Instant::elapsed_since_start);
        let links = self.ports.iter().filter(|port| !port.gone).filter_map(|port| port.link.next_deadline());
        let next = engine.into_iter().chain(links).min()?;
        Some(next.saturating_sub(self.elapsed()))
    }

    /// Waits for a descriptor or for time to pass.
    fn wait(&self, time: Option<Duration>) -> anyhow::Result<()> {
        let read = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let mut fds: Vec<PollFd<'_>> =
            vec![read(self.signals.as_fd()), read(self.hangups.as_fd()), read(self.watch.as_fd())];
        let links = self.ports.iter().filter(|port| !port.gone).filter_map(|port| port.link.as_fd());
        fds.extend(links.map(read));
        fds.extend(self.control.descriptors().map(|(fd, answers): (BorrowedFd<'_>, bool)| {
            PollFd::new(fd, if answers { PollFlags::POLLOUT } else { PollFlags::POLLIN })
        }));
        match ppoll(&mut fds, time.map(TimeSpec::from_duration), None) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(error) => Err(error).context("cannot wait for frames"),
        }
    }
}

/// Why a port's link is to be opened anew, if it is.
fn anew(port: &mut Port) -> Option<&'static str> {
    let (moved, returned) = (port.moved.take(), port.returned.take());
    match (returned, moved) {
        (Some(_), _) => Some("the interface is there again"),
        (None, Some(_)) => Some("the interface has another address"),
        (None, None) => None,
    }
}

fn is_signalled(signals: &mut UnixStream) -> anyhow::Result<bool> {
    match signals.read(&mut [0; 16]) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
        Err(error) => Err(error).context("cannot read the signals"),
    }
}
