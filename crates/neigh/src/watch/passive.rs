//! Watching without a daemon: frames of an interface or of a capture go through the [`Watcher`], and nothing is sent.

use super::tell;
use crate::context::Context;
use crate::failure::Failure;
use crate::local_time;
use crate::run::caught;
use crate::watcher::{Limits, Link, Summary, Watcher};
use anyhow::Context as _;
use neighbour::{LlAddr, Prefix};
use neighbour_link::{Capture, LinkError, Listener, Time};
use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::SockaddrStorage;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::fmt::Write;
use std::io;
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::SystemTime;

/// Frames that are read before what they brought about is written.
const FRAMES_A_TURN: usize = 4096;

/// Watches an interface until a signal, or until it is gone.
pub(super) fn interface(context: &mut Context, name: &str, mut limits: Limits) -> anyhow::Result<()> {
    let signals = caught(&[SIGTERM, SIGINT])?;
    let mut link = Listener::open(name).map_err(|error| not_opened(name, &error))?;
    let info = link.info()?;
    limits.prefixes.extend(own_prefixes(name));
    let known: Vec<String> = limits.prefixes.iter().map(|prefix| prefix.network().to_string()).collect();
    let known = if known.is_empty() { "no prefix is known".to_owned() } else { known.join(" ") };
    eprintln!("watch: listening on {name} ({}); {known}", LlAddr::from(info.mac));
    let mut watcher = Watcher::new(limits);
    let (mut frame, mut lost) = (Vec::new(), 0);
    let here = Link { number: info.ifindex, name: Some(name) };
    loop {
        let mut more = false;
        for _ in 0..FRAMES_A_TURN {
            more = link.receive(&mut frame).map_err(|error| gone(name, error))?;
            if !more {
                break;
            }
            watcher.handle_frame(since_1970(), here, &frame);
            tell_all(context, &mut watcher)?;
        }
        context.flush()?;
        let losses = link.losses();
        if losses > lost {
            lost = losses;
            eprintln!("watch: frames came faster than they were read, and {lost} are lost until now");
        }
        let read = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let mut fds: Vec<PollFd<'_>> = [signals.as_fd(), link.as_fd()].into_iter().map(read).collect();
        let wait = if more { PollTimeout::ZERO } else { PollTimeout::NONE };
        match poll(&mut fds, wait) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error).context("cannot wait for frames"),
        }
        if fds.first().and_then(PollFd::any).unwrap_or(false) {
            eprintln!("watch: {name}: {}", told(&watcher.summary()));
            return Ok(());
        }
    }
}

/// Watches what a capture has.
pub(super) fn capture(context: &mut Context, file: &Path, limits: Limits) -> anyhow::Result<()> {
    let shown = file.display();
    let mut capture = Capture::open(file).map_err(|error| {
        let hint = "name a capture of an Ethernet link, as `tcpdump -w FILE -i eth0` makes it";
        Failure::new(format_args!("watch in {shown}: {error}"), hint)
    })?;
    let mut watcher = Watcher::new(limits);
    let mut frame = Vec::new();
    let end = loop {
        match capture.next(&mut frame) {
            Ok(Some(captured)) => {
                let name = capture.interface(captured.interface);
                let link = Link { number: captured.interface, name: name.as_deref() };
                watcher.handle_frame(captured.at, link, &frame);
                tell_all(context, &mut watcher)?;
            }
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    context.flush()?;
    let skipped = match capture.skipped() {
        0 => String::new(),
        count => format!("; {count} blocks were no Ethernet frames or broken"),
    };
    eprintln!("watch: {shown}: {}{skipped}", told(&watcher.summary()));
    end.with_context(|| format!("watch in {shown}: not all of it was read"))
}

fn tell_all(context: &mut Context, watcher: &mut Watcher) -> anyhow::Result<()> {
    while let Some(told) = watcher.poll_alert() {
        tell(context, &local_time::short_at(told.at), told.dev.as_deref(), &told.alert)?;
    }
    Ok(())
}

/// `120 frames, 80 of ARP and ND, 2 malformed; 7 stations; not told: 3 x bogon`
fn told(summary: &Summary) -> String {
    let Summary { frames, heard, malformed, stations, forgotten, suppressed } = summary;
    let mut text =
        format!("{frames} frames, {heard} of ARP and ND, {malformed} malformed; {stations} stations");
    // Writing into a string does not fail.
    if *forgotten > 0 {
        let _ = write!(text, ", {forgotten} forgotten");
    }
    if !suppressed.is_empty() {
        let each: Vec<String> = suppressed.iter().map(|(word, count)| format!("{count} x {word}")).collect();
        let _ = write!(text, "; not told: {}", each.join(", "));
    }
    text
}

fn since_1970() -> Time {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// The subnets of the interface's own addresses.
fn own_prefixes(name: &str) -> Vec<Prefix> {
    let Ok(all) = getifaddrs() else { return Vec::new() };
    let own = all.filter(|own| own.interface_name == name);
    own.filter_map(|own| prefix(ip(&own.address?)?, ip(&own.netmask?)?)).collect()
}

fn prefix(address: IpAddr, mask: IpAddr) -> Option<Prefix> {
    let len = match mask {
        IpAddr::V4(mask) => mask.to_bits().leading_ones(),
        IpAddr::V6(mask) => mask.to_bits().leading_ones(),
    };
    Prefix::new(address, u8::try_from(len).ok()?).ok()
}

fn ip(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|own| IpAddr::V4(own.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|own| IpAddr::V6(own.ip())))
}

fn not_opened(name: &str, error: &LinkError) -> Failure {
    let hint = match error {
        LinkError::PacketDenied { .. } => "run it as root, or read a capture: `neigh watch in FILE`",
        LinkError::NoSuchInterface { .. } => "name one of those",
        LinkError::NotEthernet { .. } => "name an interface that carries Ethernet frames",
        _ => "see `neigh watch --help`",
    };
    let text = error.to_string();
    let text = text.strip_prefix(&format!("{name}: ")).unwrap_or(&text);
    Failure::new(format_args!("watch on {name}: {text}"), hint)
}

fn gone(name: &str, error: io::Error) -> anyhow::Error {
    match error.raw_os_error() {
        Some(libc::ENODEV) => anyhow::anyhow!("watch on {name}: the interface is gone"),
        _ => anyhow::Error::new(error).context(format!("watch on {name}: cannot read frames")),
    }
}
