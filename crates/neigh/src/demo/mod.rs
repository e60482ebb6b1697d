//! `neigh demo`: a neighbour goes from unknown to REACHABLE, STALE, DELAY, PROBE and FAILED, with the running
//! kernel as the peer, for IPv4 and IPv6 at once.
//!
//! No root and no set-up is needed: the process leaves for a user and a network namespace of its own
//! ([`crate::lab`]), makes a TAP there, gives the kernel's end an address of each family, and puts our engine on
//! the other. Where that is forbidden it says why, and plays the same story with two engines on a cable in
//! memory, in simulated time.
//!
//! # What proves a step
//!
//! Not what our engine says of itself: its events are shown, and end a wait early, but prove nothing. The proofs
//! are the frames at the wire (a [`neighbour_link::Trace`] below everything) and the peer's own words, which are
//! the kernel's `RTNLGRP_NEIGH` notifications and its socket. `judge` is a set of pure functions over these
//! records; the order, the addresses, the number and the times of frames must all be right.
//!
//! ```text
//!   story (phase) ── acts ──▶ host (engine) ── fault ── trace ── link ── peer (kernel | second engine)
//!        ▲                                               │                │
//!        └────────────── judge ◀──────── records ◀───────┴────────────────┘
//! ```

mod cast;
mod clock;
mod cut;
mod evidence;
mod frame;
mod host;
mod item;
mod judge;
mod peer;
mod phase;
mod screen;
mod stage;

pub use cut::{Cut, CutError};

use crate::lab;
use anyhow::Context;
use clock::Clock;
use neighbour_link::{Link, Tap, memory};
use peer::{EnginePeer, KernelPeer, Peer};
use screen::Screen;
use stage::Stage;
use std::process::ExitCode;

/// The interface that the kernel has in the demo's own namespace.
const INTERFACE: &str = "demo0";

/// Frames that may wait at each end of the link in memory.
const CABLE: usize = 256;

/// Show a neighbour's whole life, with the running kernel as the peer
///
/// Makes a user and a network namespace for itself (no root needed, nothing of this machine's network is
/// touched), puts the engine on a TAP with the kernel on the other side, and shows for IPv4 and IPv6 how a
/// neighbour becomes INCOMPLETE, REACHABLE, STALE, DELAY, PROBE and FAILED, with the frames as they pass. Every
/// step is judged by the frames on the wire and by the kernel's own notifications.
///
/// Where namespaces or /dev/net/tun are not to be had, it says why and runs the same story with two engines on
/// a link in memory, in simulated time.
///
/// Exit code: 0 if all steps were seen, 1 if any is missing.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Args {
    /// Use the link in memory and two engines, even where the kernel could be the peer
    #[arg(long)]
    pub memory: bool,

    /// Spoil it: cut the link (cut, cut-in, cut-out), perhaps after a time (cut@2.5)
    ///
    /// `cut-in` loses what comes in, `cut-out` what goes out, `cut` both; `@SECONDS` says when. The demo must
    /// then fail, and name what is missing: this shows that it looks.
    #[arg(long, value_name = "CUT")]
    pub fault: Option<Cut>,

    /// Where the engine's chance comes from; drawn anew if not given
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,

    /// Print the verdicts as one JSON object, and nothing else
    #[arg(long)]
    pub json: bool,

    /// Show every frame, also those that are no part of the story
    #[arg(long, short)]
    pub verbose: bool,
}

/// Plays the story. Call it before any thread is started: [`lab::enter`] needs that.
///
/// # Errors
///
/// When a link or a peer that worked fails on the way. A step that was not seen is no error but exit code 1.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let screen = Screen::new(args.verbose, args.json);
    let seed = args.seed.unwrap_or_else(chance);
    let kernel = if args.memory { Err(None) } else { with_kernel().map_err(Some) };
    let (link, peer, clock) = match kernel {
        Ok((link, peer)) => {
            screen
                .say("The engine on a TAP, the running kernel at the other end, in namespaces of their own.");
            (link, peer, Clock::Real(std::time::Instant::now()))
        }
        Err(reason) => {
            if let Some(reason) = reason {
                screen.say(format_args!("The running kernel cannot be the peer: {reason:#}."));
                if args.json {
                    eprintln!("warning: the running kernel cannot be the peer: {reason:#}");
                }
            }
            screen.say("Two engines on a link in memory; time is simulated.");
            let (link, peer) = with_engine(seed)?;
            (link, peer, Clock::Simulated(neighbour_link::Time::ZERO))
        }
    };
    let simulated = matches!(clock, Clock::Simulated(_));
    introduce(&screen, &*peer, seed);
    let name = peer.name();
    let stage = Stage::new(seed, link, peer, clock, args.fault, screen)?;
    let (stories, took, screen) = stage.play()?;
    let all_seen = screen.summary(&stories, name, took, simulated);
    Ok(if all_seen { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

type Ends = (Box<dyn Link>, Box<dyn Peer>);

/// A TAP in namespaces of its own, and the kernel behind it.
fn with_kernel() -> anyhow::Result<Ends> {
    lab::enter()?;
    let tap = Tap::create(Some(INTERFACE))?;
    tap.up()?;
    let peer = KernelPeer::new(tap.info()?)?;
    Ok((Box::new(tap), Box::new(peer)))
}

/// A cable in memory with a second engine at its far end.
fn with_engine(seed: u64) -> anyhow::Result<Ends> {
    let (near, far) = memory::pair(CABLE);
    let peer = EnginePeer::new(seed.wrapping_add(1), Box::new(far)).context("the second engine")?;
    Ok((Box::new(near), Box::new(peer)))
}

fn introduce(screen: &Screen, peer: &dyn Peer, seed: u64) {
    let mac = frame::ShownMac;
    let ends = |prefix: fn(neighbour::Family) -> neighbour::Prefix| {
        neighbour::Family::BOTH.map(|family| prefix(family).address().to_string()).join(" and ")
    };
    let (ours, theirs) = (ends(cast::our_prefix), ends(cast::peer_prefix));
    screen.say(format_args!("  our engine: {ours} at {}, seed {seed}", mac(cast::OUR_MAC)));
    screen.say(format_args!("  {}: {theirs} at {}", peer.name(), mac(peer.mac())));
    let parameters = cast::PARAMETERS.map(|(name, value)| format!("{name}={value}")).join(" ");
    screen.say(format_args!("  shortened by {parameters}"));
    screen
        .say("  > frame sent   < frame received   ok or !! a verdict, by frames and the peer's own words\n");
}

/// A number that differs from run to run.
fn chance() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id())
}
