//! `neigh replay`: the arguments; [`neighbour_sim`] does the rest.

use crate::failure::Failure;
use crate::sim::{check_writable, settings, unwritable};
use indicatif::ProgressBar;
use neighbour::{LlAddr, Prefix};
use neighbour_sim::{Profile, Replay, ReplayError, ReplayOptions, replay};
use std::fs::{self, File};
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLE: &str = "\
Examples:
  tcpdump -i eth0 -w lan.pcap arp or icmp6
  neigh replay lan.pcap                                  # which thresholds does this network need?
  neigh replay lan.pcap --set gc_thresh3=8192 --set gc_thresh2=4096
  neigh replay router.pcap --mac 02:00:00:00:00:01 --address 192.0.2.1/24 --html router.html";

/// Drive the engine with a capture: which thresholds does this network need, and why?
///
/// FILE is pcap or pcapng of an Ethernet, of any length; `-` is standard input. With --mac and --address the engine is
/// that host: what it received is shown to it, what it sent says whom it needed. Without them it is a bystander, to
/// whom everybody who speaks ARP or neighbour discovery is taken to speak: as a router there would know them all.
///
/// It tells how many neighbours there were at a time, how many would have been refused, and thresholds that would have
/// been enough. What it had to skip or to assume it says, too.
///
/// Exit code: 0 if the capture was replayed, even one that is cut off; 1 if an invariant was broken; 2 if it cannot be
/// read, or an argument is wrong.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Args {
    /// The capture, or - for standard input
    #[arg(value_name = "FILE.pcap")]
    file: PathBuf,

    /// The engine's hardware address in the capture
    #[arg(long, value_name = "MAC", requires = "addresses", conflicts_with = "listen")]
    mac: Option<LlAddr>,

    /// An address of the engine in the capture, with its subnet; may be given several times
    #[arg(long = "address", value_name = "CIDR", requires = "mac", conflicts_with = "listen")]
    addresses: Vec<Prefix>,

    /// The engine is nobody in the capture, and hears all of it (so it is without --mac and --address)
    #[arg(long)]
    listen: bool,

    /// Print one JSON object, and nothing else
    #[arg(long)]
    json: bool,

    /// Also write a page with charts, which needs no other file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// A parameter by its sysctl name; may be given several times
    #[arg(long = "set", value_name = "NAME=VALUE")]
    sets: Vec<String>,

    /// How much is done beyond what Linux does
    #[arg(long, value_name = "PROFILE", default_value = "linux")]
    profile: Only,

    /// Whence all chance comes
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
}

/// The profile to run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
enum Only {
    /// Exactly Linux
    Linux,
    /// And vigilance beyond it
    Guarded,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let sets = settings(&args.sets)?;
    let options = ReplayOptions {
        mac: args.mac.map(mac).transpose()?,
        addresses: args.addresses.clone(),
        sets: sets.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
        profile: match args.profile {
            Only::Linux => Profile::Linux,
            Only::Guarded => Profile::Guarded,
        },
        seed: args.seed,
    };
    args.html.as_deref().map_or(Ok(()), check_writable)?;
    let name = args.file.display().to_string();
    let bar = if io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    let progress = |frames: u64| bar.set_message(format!("{frames} frames"));
    let result = match name.as_str() {
        "-" => replay("standard input", io::stdin().lock(), &options, progress),
        _ => {
            let file = File::open(&args.file).map_err(|error| wrong(&name, &ReplayError::Read(error)))?;
            replay(&name, file, &options, progress)
        }
    };
    bar.finish_and_clear();
    let replayed: Replay = result.map_err(|error| wrong(&name, &error))?;
    if let Some(path) = &args.html {
        fs::write(path, replayed.to_html()).map_err(|error| unwritable(path, error))?;
    }
    let mut out = io::stdout().lock();
    match args.json {
        true => writeln!(out, "{}", replayed.to_json()?)?,
        false => write!(out, "{replayed}")?,
    }
    Ok(if replayed.report.met() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn mac(lladdr: LlAddr) -> Result<[u8; 6], Failure> {
    lladdr.mac().filter(|mac| mac[0] & 1 == 0 && *mac != [0; 6]).ok_or_else(|| {
        Failure::new(
            format_args!("--mac {lladdr}: no host can have it"),
            "write one such as 02:00:00:00:00:01",
        )
    })
}

fn wrong(name: &str, error: &ReplayError) -> Failure {
    match error {
        ReplayError::Parameter(error) => {
            Failure::new(format_args!("--set: {error}"), "`neigh run --help` tells of names")
        }
        ReplayError::Address(_) => {
            Failure::new(format_args!("--address: {error}"), "name the host's own addresses")
        }
        ReplayError::LinkType(_) => {
            Failure::new(format_args!("{name}: {error}"), "capture on one Ethernet interface, not on `any`")
        }
        _ => Failure::new(format_args!("{name}: {error}"), "name a capture as tcpdump -w writes it"),
    }
}
