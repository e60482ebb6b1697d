//! `neigh show`: the table of the daemon or of the kernel, as `ip neigh show` prints it.

mod grammar;
mod json;
mod print;
mod select;

use crate::failure::Failure;
use crate::socket;
use anyhow::Context;
use grammar::Query;
use neighbour::Family;
use neighbour_ctl::{Filter, Table, TableError};
use print::{Printer, Style};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Print the neighbour table.
///
/// Words are those of `ip neigh show`: `[proxy] [to PREFIX] [dev DEV] [nud STATE] [unused]
/// [protocol PROTO]`. STATE is a name, a number or `all`; without it entries in state NONE and NOARP are
/// not shown. Text, JSON and exit codes are iproute2's; options may stand before the command.
///
/// Without --kernel the daemon (`neigh run`) is asked, by its socket.
#[derive(Debug, clap::Args)]
#[command(visible_aliases = ["list", "lst"])]
pub struct Args {
    /// IPv4 only.
    #[arg(short = '4', overrides_with_all = ["v6", "family"])]
    v4: bool,
    /// IPv6 only.
    #[arg(short = '6', overrides_with_all = ["v4", "family"])]
    v6: bool,
    /// The family: inet or inet6.
    #[arg(short, long, value_name = "FAMILY", overrides_with_all = ["v4", "v6"])]
    family: Option<String>,
    /// More: references, times and probes.
    ///
    /// `ref R` is how many hold the entry; `used U/C/M` are the seconds since it was used, confirmed and
    /// modified.
    #[arg(short, long, action = clap::ArgAction::Count)]
    stats: u8,
    /// JSON instead of text.
    #[arg(short, long)]
    json: bool,
    /// JSON in lines for people.
    #[arg(short, long)]
    pretty: bool,
    /// One line an entry, as always.
    #[arg(short, long)]
    oneline: bool,
    /// The running kernel's table instead of the daemon's.
    #[arg(long, conflicts_with = "socket")]
    kernel: bool,
    /// The daemon's socket.
    ///
    /// By default $NEIGH_SOCKET, or $XDG_RUNTIME_DIR/neigh.sock, or /run/neigh.sock for root.
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// What to show, in the words of `ip neigh show`.
    #[arg(value_name = "WORDS")]
    words: Vec<String>,
}

/// Runs `neigh show`.
///
/// # Errors
///
/// A [`Failure`] with iproute2's text and exit code, or what broke the conversation.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let query = Query::parse(&args.words, args.family()?)?;
    let mut table = if args.kernel { Table::kernel() } else { args.daemon() }.map_err(no_table)?;
    let asking = if args.kernel { "the kernel" } else { "the daemon" };
    let cannot = || format!("cannot read the table of {asking}");
    let interfaces = table.interfaces().with_context(cannot)?;
    let interface = match &query.device {
        None => None,
        Some(name) => {
            let found = interfaces.iter().find(|i| i.name == *name).map(|i| i.index);
            Some(found.ok_or_else(|| Failure::exact(format!("Cannot find device \"{name}\""), 1))?)
        }
    };
    let filter = Filter { family: query.family, interface, proxy: query.proxy };
    let mut entries = table.neighbours(&filter).with_context(cannot)?;
    entries.retain(|entry| select::shown(&query, entry));
    let style = match (args.json, args.pretty) {
        (false, _) => Style::Text,
        (true, false) => Style::Json,
        (true, true) => Style::Pretty,
    };
    let printer =
        Printer { interfaces: &interfaces, style, stats: args.stats > 0, device: interface.is_none() };
    let mut out = BufWriter::new(io::stdout().lock());
    match printer.print(&mut out, &entries).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        other => other.context("cannot write to stdout").map(|()| ExitCode::SUCCESS),
    }
}

fn no_table(error: TableError) -> anyhow::Error {
    match &error {
        TableError::NoDaemon { source, .. } => {
            let hint = "start one with `neigh run`, name its socket with --socket, or read the kernel's table \
                        with --kernel";
            Failure::new(format_args!("{error}: {source}"), hint).into()
        }
        _ => error.into(),
    }
}

impl Args {
    fn daemon(&self) -> Result<Table, TableError> {
        Table::daemon(&socket::path(self.socket.clone()))
    }

    fn family(&self) -> Result<Option<Family>, Failure> {
        match (self.v4, self.v6, self.family.as_deref()) {
            (true, ..) | (.., Some("inet")) => Ok(Some(Family::Inet)),
            (_, true, _) | (.., Some("inet6")) => Ok(Some(Family::Inet6)),
            (.., None) => Ok(None),
            (.., Some(other)) => {
                let text = format!("Error: argument \"{other}\" is wrong: invalid protocol family");
                Err(Failure::exact(text, 255))
            }
        }
    }
}
