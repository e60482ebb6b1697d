//! The command line: which command, and how errors end.

use crate::commands::{self, Command};
use crate::context::Context;
use crate::failure::Failure;
use crate::options::{self, Options};
use crate::words::Words;
use crate::{batch, demo, replay, run, sim};
use clap::{Parser, Subcommand, error::ErrorKind};
use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

/// Linux's neighbouring subsystem as a program: ARP and IPv6 neighbour discovery on links of your own.
///
/// `neigh run` is a host on a TAP or on an existing interface, whose neighbour table is this program's
/// and not the kernel's. The other commands read and change that table with the words of `ip neigh`, or the
/// kernel's own with `--kernel`; texts, JSON and exit codes are iproute2's. `neigh demo` shows it all against
/// the running kernel, without root and without set-up.
///
/// Commands and options may be cut short as with `ip`, and options may stand before the command:
/// `neigh -s -j s`. `neigh --kernel -b FILE` does what `ip -b FILE` does.
///
/// Exit codes: 0 all is well, 1 it failed, 2 wrong use; the commands of `ip` have iproute2's (1 not found or
/// incomplete, 2 refused by the table, 255 a bad word).
#[derive(Debug, Parser)]
#[command(name = "neigh", version, subcommand_required = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Chosen,
}

#[derive(Debug, Subcommand)]
enum Chosen {
    Demo(demo::Args),
    Run(Box<run::Args>),
    #[cfg(feature = "bench")]
    Bench(crate::bench::Args),
    Sim(sim::Args),
    Replay(replay::Args),
    /// Print the neighbour table.
    ///
    /// WORDS: [proxy] [to PREFIX] [dev DEV] [nud STATE] [vrf NAME | master DEV | nomaster] [unused] [protocol
    /// PROTO]. STATE is a name (permanent, noarp, stale, reachable, none, incomplete, delay, probe, failed), a
    /// number such as 0x80, or `all`; it may stand several times. Without it entries in state NONE and NOARP
    /// are not shown.
    ///
    /// Examples: neigh show dev eth0 nud stale; neigh -j -s show 192.0.2.0/24; neigh --kernel show proxy
    #[command(visible_aliases = ["list", "lst"])]
    Show(WithProc),
    /// Make an entry that is not there yet.
    ///
    /// WORDS: { ADDR [lladdr LLADDR] [nud STATE] | proxy ADDR } [dev DEV] [router] [use] [managed]
    /// [extern_learn] [extern_valid] [protocol PROTO]. The state is `permanent` unless it is given. `use`
    /// resolves the address now, `managed` keeps it resolved; both make lladdr and nud void. `proxy` answers
    /// for somebody else.
    ///
    /// Examples: neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev eth0; neigh add 192.0.2.1 dev eth0 managed
    Add(OfTable),
    /// Take an entry away.
    ///
    /// WORDS: { ADDR | proxy ADDR } dev DEV. An entry that somebody else holds stays, as FAILED.
    #[command(visible_alias = "delete")]
    Del(OfTable),
    /// Change an entry that is there.
    ///
    /// WORDS are those of `add`. What is not said is not kept: the state becomes `permanent`.
    #[command(visible_alias = "chg")]
    Change(OfTable),
    /// Make an entry, or change it if it is there.
    ///
    /// WORDS are those of `add`.
    Replace(OfTable),
    /// Print one entry.
    ///
    /// WORDS: { ADDR dev DEV | proxy ADDR [dev DEV] }. As in iproute2 6.1, --json is without effect here unless
    /// --strict is given.
    Get(OfTable),
    /// Take away what `show` with the same words prints.
    ///
    /// WORDS are those of `show`, at least one of them: `flush all` is everything. PERMANENT and NOARP entries
    /// stay unless their state is named. -s counts, -s -s names what goes.
    ///
    /// As with iproute2, entries of control planes (extern_learn) go in any state; --strict keeps to the
    /// states that are named.
    Flush(OfTable),
    /// Tell what happens, as it happens.
    ///
    /// WORDS: [neigh] [dev DEV] [label]. -t and -ts tell the time as well. After an overrun it says so on
    /// stderr, lists the table again and goes on.
    Monitor(OfTable),
    /// Show or change the parameters of the tables and of each device.
    ///
    /// WORDS: [show] [dev DEV] [name NAME], or change name NAME [dev DEV] [thresh1 N] [thresh2 N] [thresh3 N]
    /// [gc_int MS] [base_reachable MS] [retrans MS] [gc_stale MS] [delay_probe MS] [queue N] [app_probes N]
    /// [ucast_probes N] [mcast_probes N] [anycast_delay MS] [proxy_delay MS] [proxy_queue N] [locktime MS].
    /// NAME is arp_cache or ndisc_cache.
    #[command(visible_alias = "ntbl")]
    Ntable(OfTable),
    /// Count lookups, probes, failures and drops in the daemon's tables.
    ///
    /// WORDS: [arp_cache | ndisc_cache]. --proc prints /proc/net/stat's format, of arp_cache unless -6 or the
    /// name says otherwise, in one row: this engine does not count for each processor.
    Stat(WithProc),
    /// Tell the story of an address: what was asked, answered, dropped and decided, and when.
    ///
    /// WORDS: ADDRESS [dev DEV]. For an address that is not in the table it says why it is not.
    Why(OfTable),
    /// Tell what a person should know of, as it happens: moves, impostors, duplicate addresses, a full table.
    ///
    /// WORDS: [dev DEV] | { on IFACE | in FILE } [prefix CIDR]... [scan N] [storm N] [stations N]. Without `on` and `in`
    /// it tells what the daemon tells (see `neigh run --profile guarded`). `on` watches an interface and `in` a capture,
    /// without a daemon and without sending anything: whatever it is behind, tags of VLANs or LLC. A line each, or a
    /// JSON object with -j.
    ///
    /// `prefix` names a prefix of the link besides those of the interface; `scan` is how many addresses one station may
    /// ask for in a minute (100), `storm` how many messages there may be in a second (500), `stations` how many are
    /// remembered (16384).
    #[command(after_long_help = crate::watcher::HELP)]
    Watch(OfTable),
    /// List, add or delete addresses of the daemon's devices.
    ///
    /// WORDS: [show] [dev DEV], or add|del CIDR dev DEV.
    Address(OfTable),
    /// List the daemon's devices, or switch one on or off.
    ///
    /// WORDS: DEV up|down, or nothing to list them.
    Link(OfTable),
}

/// A command in the words of iproute2.
#[derive(Debug, clap::Args)]
struct OfTable {
    #[command(flatten)]
    options: Options,
    /// What to do, in the words of iproute2.
    #[arg(value_name = "WORDS")]
    words: Vec<String>,
}

/// The same, with a format of /proc.
#[derive(Debug, clap::Args)]
struct WithProc {
    #[command(flatten)]
    common: OfTable,
    /// The format of the kernel's file: /proc/net/arp, /proc/net/stat/arp_cache.
    #[arg(long, help_heading = "Printing")]
    proc: bool,
}

/// Runs the program with these arguments, the program's name first, and says how it ended.
pub fn main(args: Vec<OsString>) -> ExitCode {
    let kernel = args.iter().any(|arg| arg == "--kernel");
    let result = in_clap_order(args).map_err(Into::into).and_then(|args| match Cli::try_parse_from(args) {
        Ok(cli) => dispatch(cli.command),
        Err(error) => Ok(explain(&error)),
    });
    result.unwrap_or_else(|error| match error.downcast_ref::<Failure>() {
        Some(failure) => {
            let text = failure.to_string();
            // Whoever asks the daemon may have no `ip`.
            let text =
                if kernel { text } else { text.replace("try \"ip neigh help\"", "try \"neigh --help\"") };
            if !text.is_empty() {
                eprintln!("{text}");
            }
            ExitCode::from(failure.code())
        }
        // Who reads has enough.
        None if is_closed_pipe(&error) => ExitCode::SUCCESS,
        None => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    })
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn dispatch(chosen: Chosen) -> anyhow::Result<ExitCode> {
    use crate::change::Verb;
    let (command, args, proc) = match chosen {
        Chosen::Demo(args) => return demo::run(args),
        Chosen::Run(args) => return run::run(*args),
        #[cfg(feature = "bench")]
        Chosen::Bench(args) => return crate::bench::run(args),
        Chosen::Sim(args) => return sim::run(&args),
        Chosen::Replay(args) => return replay::run(&args),
        Chosen::Show(args) => (Command::Show, args.common, args.proc),
        Chosen::Stat(args) => (Command::Stat, args.common, args.proc),
        Chosen::Add(args) => (Command::Change(Verb::Add), args, false),
        Chosen::Del(args) => (Command::Change(Verb::Delete), args, false),
        Chosen::Change(args) => (Command::Change(Verb::Change), args, false),
        Chosen::Replace(args) => (Command::Change(Verb::Replace), args, false),
        Chosen::Get(args) => (Command::Get, args, false),
        Chosen::Flush(args) => (Command::Flush, args, false),
        Chosen::Monitor(args) => (Command::Monitor, args, false),
        Chosen::Ntable(args) => (Command::Ntable, args, false),
        Chosen::Watch(args) => (Command::Watch, args, false),
        Chosen::Why(args) => (Command::Why, args, false),
        Chosen::Address(args) => (Command::Address, args, false),
        Chosen::Link(args) => (Command::Link, args, false),
    };
    let OfTable { options, words } = args;
    let mut context = Context::new(options);
    let result = match context.options.batch.clone() {
        Some(file) => batch::run(&mut context, &file),
        None => command.run(&mut context, Words::new(&words), proc),
    };
    let flushed = context.flush();
    result?;
    flushed?;
    Ok(ExitCode::SUCCESS)
}

/// Help and version go to stdout; all else is one line on stderr.
fn explain(error: &clap::Error) -> ExitCode {
    let help = ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) || error.kind() == help {
        let _closed = error.print();
        return ExitCode::from(if error.kind() == help { 2 } else { 0 });
    }
    eprintln!("{}", one_line(&error.to_string()));
    ExitCode::from(2)
}

/// Clap's paragraphs in one line: what is wrong, what it proposes, where to read on.
fn one_line(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|paragraph| {
        let lines: Vec<&str> = paragraph.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        lines.join(" ")
    });
    let useful = |paragraph: &String| !paragraph.is_empty() && !paragraph.starts_with("Usage:");
    let paragraphs: Vec<String> = paragraphs.filter(useful).collect();
    let hint = |text: &String| {
        let text = text.strip_prefix("tip: ").unwrap_or(text);
        text.strip_prefix("For more information, ").unwrap_or(text).trim_end_matches('.').to_owned()
    };
    match paragraphs.split_first() {
        Some((what, [])) => what.clone(),
        Some((what, rest)) => {
            let hints: Vec<String> = rest.iter().map(hint).collect();
            format!("{what}; hint: {}", hints.join("; "))
        }
        None => String::new(),
    }
}

/// Options with their values, as the parser of arguments wants them: one of each, but for `--stats`.
#[derive(Default)]
struct Given(Vec<(String, Option<OsString>)>);

impl Given {
    /// Takes an option and, if it has one, its value from `rest`. False if there is no such option.
    fn take(&mut self, arg: &str, rest: &mut impl Iterator<Item = OsString>) -> bool {
        let Some(option) = options::spelled(arg) else { return false };
        let value = option.takes_value.then(|| rest.next()).flatten();
        if !option.text.is_empty() {
            let name = |text: &str| text.split('=').next().unwrap_or_default().to_owned();
            self.0.retain(|(old, _)| old == "--stats" || name(old) != name(&option.text));
            self.0.push((option.text, value));
        }
        true
    }

    fn has(&self, names: &[&str]) -> bool {
        self.0.iter().any(|(name, _)| names.contains(&name.as_str()))
    }

    fn into_args(self) -> impl Iterator<Item = OsString> {
        self.0.into_iter().flat_map(|(name, value)| [Some(OsString::from(name)), value]).flatten()
    }
}

/// Spells commands and options as the parser of arguments knows them, and puts the options, wherever they
/// stood, between the command and its words.
///
/// # Errors
///
/// iproute2's text for a command or an option that does not exist.
fn in_clap_order(args: Vec<OsString>) -> Result<Vec<OsString>, Failure> {
    let mut rest = args.into_iter();
    let mut out: Vec<OsString> = rest.next().into_iter().collect();
    let mut given = Given::default();
    let mut command = None;
    while let Some(arg) = rest.next() {
        let text = arg.to_string_lossy();
        match &*text {
            "--" => {}
            option if option.starts_with('-') => {
                if !given.take(option, &mut rest) {
                    let text = format!("Option \"{option}\" is unknown, try \"ip -help\".");
                    return Err(Failure::exact(text, 255));
                }
            }
            // `neigh neigh show`: some hands are fast.
            word if commands::is_neigh(word) && command.is_none() => {
                command = Some(Command::Show.name().into())
            }
            _ => {
                command = Some(arg);
                break;
            }
        }
    }
    let about_itself = given.has(&["-h", "--help", "--version"]);
    let name = match command {
        None if about_itself || given.0.is_empty() => {
            out.extend(given.into_args());
            return Ok(out);
        }
        None => Command::Show.name().to_owned(),
        Some(name) if ["run", "demo", "bench", "sim", "replay"].iter().any(|ours| name == *ours) => {
            out.push(name);
            out.extend(given.into_args());
            out.extend(rest);
            return Ok(out);
        }
        Some(name) => {
            let word = name.to_string_lossy();
            let found = Command::named(&word).ok_or_else(|| commands::unknown(&word))?;
            if found == Command::Help {
                if given.has(&["--kernel"]) {
                    return Err(crate::usage::neigh());
                }
                out.push("help".into());
                let topic = rest.next().map(|topic| match Command::named(&topic.to_string_lossy()) {
                    Some(command) => command.name().into(),
                    None => topic,
                });
                out.extend(topic);
                return Ok(out);
            }
            found.name().to_owned()
        }
    };
    let mut words = Vec::new();
    while let Some(arg) = rest.next() {
        match arg.to_str() {
            Some("--") => words.extend(rest.by_ref()),
            Some(option) if option.starts_with('-') && given.take(option, &mut rest) => {}
            _ => words.push(arg),
        }
    }
    out.push(name.into());
    out.extend(given.into_args());
    if !words.is_empty() {
        out.push("--".into());
        out.extend(words);
    }
    Ok(out)
}

#[cfg(test)]
#[path = "cli_tests.rs"]
mod tests;
