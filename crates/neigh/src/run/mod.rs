//! `neigh run`: the engine as a host on real links.
//!
//! From arguments to a daemon it goes in steps, so that a mistake is found before anything is touched:
//!
//! 1. `args` and `config`: words become values;
//! 2. `plan`: an engine is built on made-up links, which finds what contradicts;
//! 3. `port`: links are opened, and the engine is built on them;
//! 4. `control`: the socket listens; then the capture begins;
//! 5. `privileges` and `sandbox`: what is not needed any more is given up;
//! 6. `daemon`: the loop, until a signal; `reload` on SIGHUP; `state` keeps entries over a restart.
//!
//! What a failing step has made is undone by dropping it.

mod access;
mod args;
mod capture;
mod config;
mod control;
mod daemon;
mod events;
mod host;
mod plan;
mod port;
mod privileges;
mod reload;
mod sandbox;
mod spec;
mod state;
mod view;
mod watch;

pub use args::{Args, Profile, Upper};

use crate::failure::Failure;
use anyhow::Context;
use plan::{Facts, Plan};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::low_level::pipe;
use std::io::IsTerminal;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tracing_subscriber::EnvFilter;

/// Runs `neigh run` until SIGTERM or SIGINT.
///
/// # Errors
///
/// A [`Failure`] for what the user can mend; all else is what ended the daemon.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let given = args.clone();
    let args = config::merged(args)?;
    let plan = Plan::new(&args)?;
    let seed = match args.seed {
        Some(seed) => seed,
        None => random_u64()?,
    };
    let made_up: Vec<Facts> =
        plan.ports.iter().enumerate().map(|(i, spec)| Facts::made_up(i, spec)).collect();
    drop(plan::build(&plan, seed, &made_up)?);
    let access = access::Access::new(args.group.as_deref())?;
    if args.check {
        let names: Vec<String> = plan.ports.iter().map(ToString::to_string).collect();
        println!("the arguments are right: ports {}", names.join(", "));
        return Ok(ExitCode::SUCCESS);
    }
    log_to_stderr(args.verbose);
    tracing::debug!("--seed {seed} repeats this run's chance");

    let signals = caught(&[SIGTERM, SIGINT])?;
    let hangups = caught(&[SIGHUP])?;
    let watch = watch::LinkWatch::new().context("cannot listen to news about links")?;
    let mut ports = Vec::new();
    for (index, spec) in plan.ports.iter().enumerate() {
        ports.push(port::open(spec, plan.mac(index), &mut || random_u64())?);
    }
    watch.learn(&mut ports).context("cannot read the state of the links")?;
    let facts: Vec<Facts> = ports.iter().map(port::Port::facts).collect();
    let built = plan::build(&plan, seed, &facts)?;
    access.prepare();
    let control = control::Control::bind(crate::socket::path(args.socket.clone()), access)?;
    let start = Instant::now();
    if let Some(path) = &args.pcap {
        let epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        capture::start(&mut ports, path, epoch)?;
    }
    privileges::drop_all_but_needed(&ports);
    if !args.no_sandbox {
        let needs = sandbox::Needs {
            config: args.config.clone(),
            state: args.state.clone(),
            socket: control.path().to_owned(),
            groups: args.group.is_some(),
            ..sandbox::Needs::default()
        };
        sandbox::close(&needs.with_ports(&ports));
    }
    let upper = args.upper.unwrap_or(Upper::Host);
    let parts = daemon::Parts {
        built,
        ports,
        control,
        watch,
        signals,
        hangups,
        args: given,
        started: args.clone(),
        plan,
        state: args.state.clone(),
        start,
        seed,
        upper,
    };
    daemon::Daemon::new(parts).run()?;
    Ok(ExitCode::SUCCESS)
}

/// A descriptor that becomes readable when one of these signals comes.
pub(crate) fn caught(signals: &[i32]) -> anyhow::Result<UnixStream> {
    let (reader, writer) = UnixStream::pair().context("cannot make a pipe for signals")?;
    for signal in signals {
        let writer = writer.try_clone().context("cannot make a pipe for signals")?;
        pipe::register(*signal, writer).context("cannot catch signals")?;
    }
    Ok(reader)
}

fn random_u64() -> anyhow::Result<u64> {
    getrandom::u64().map_err(|error| {
        let hint = "give --seed, if the system has no randomness";
        Failure::new(format_args!("no random number for the seed: {error}"), hint).into()
    })
}

/// `RUST_LOG` decides; without it, warnings, or with --verbose everything of ours.
fn log_to_stderr(verbose: bool) {
    let default = if verbose { "neigh=debug,warn" } else { "warn" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && !plain)
        .with_target(false)
        .finish();
    // A second run in one process keeps the first one's.
    let _again = tracing::subscriber::set_global_default(subscriber);
}
