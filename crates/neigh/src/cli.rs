//! The command line: which command, and how errors end.

use crate::failure::Failure;
use crate::{demo, run, show};
use clap::{Parser, Subcommand, error::ErrorKind};
use std::ffi::{OsStr, OsString};
use std::process::ExitCode;

/// Linux's neighbouring subsystem as a program: ARP and IPv6 neighbour discovery on links of your own.
///
/// `neigh run` is a host on a TAP or on an existing interface, whose neighbour table is this program's
/// and not the kernel's. `neigh show` prints that table, or the kernel's, as `ip neigh show` does.
/// `neigh demo` shows it all against the running kernel, without root and without set-up.
///
/// Exit codes: 0 all is well, 1 it failed, 2 wrong use; `show` has iproute2's.
#[derive(Debug, Parser)]
#[command(name = "neigh", version, subcommand_required = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Args),
    Run(Box<run::Args>),
    Show(show::Args),
}

/// Runs the program with these arguments, the program's name first, and says how it ended.
pub fn main(args: Vec<OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(in_clap_order(args)) {
        Ok(cli) => cli,
        Err(error) => return explain(&error),
    };
    let result = match cli.command {
        Command::Demo(args) => demo::run(args),
        Command::Run(args) => run::run(*args),
        Command::Show(args) => show::run(&args),
    };
    result.unwrap_or_else(|error| match error.downcast_ref::<Failure>() {
        Some(failure) => {
            eprintln!("{failure}");
            ExitCode::from(failure.code())
        }
        None => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    })
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

/// Puts the options that stand before the command, as iproute2 has them, behind it, and spells them and
/// the command as clap knows them.
fn in_clap_order(args: Vec<OsString>) -> Vec<OsString> {
    let mut rest = args.into_iter();
    let mut out: Vec<OsString> = rest.next().into_iter().collect();
    let mut leading: Vec<OsString> = Vec::new();
    let command = loop {
        let Some(arg) = rest.next() else { break None };
        match arg.to_str() {
            Some("--") | None => break Some(arg),
            Some(option) if option.starts_with('-') => {
                let option = long_spelling(option);
                let takes_value = matches!(option, "--socket" | "--family" | "-f");
                leading.push(option.into());
                leading.extend(takes_value.then(|| rest.next()).flatten());
            }
            Some(_) => break Some(arg),
        }
    };
    let Some(command) = command else {
        out.extend(leading);
        return out;
    };
    out.push(command_spelling(&command).unwrap_or(command));
    out.extend(leading);
    out.extend(rest);
    out
}

/// iproute2's options are long with one dash and may be cut short.
fn long_spelling(option: &str) -> &str {
    let Some(name) = option.strip_prefix('-').filter(|name| name.len() > 1 && !name.starts_with('-')) else {
        return option;
    };
    let known = [
        ("family", "--family"),
        ("stats", "--stats"),
        ("statistics", "--stats"),
        ("json", "--json"),
        ("pretty", "--pretty"),
        ("oneline", "--oneline"),
        ("help", "--help"),
    ];
    // `ip` takes `-js` for `-json -s`, too.
    known.iter().find(|(long, _)| long.starts_with(name)).map_or(option, |(_, ours)| ours)
}

/// `show`, `list` and `lst` may be cut short to any beginning.
fn command_spelling(command: &OsStr) -> Option<OsString> {
    let given = command.to_str().filter(|given| !given.is_empty())?;
    ["show", "list", "lst"].iter().any(|name| name.starts_with(given)).then(|| "show".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_may_stand_before_the_command_and_be_cut_short_as_with_ip() {
        for (given, expected) in [
            ("neigh show", "neigh show"),
            ("neigh -j s dev v0", "neigh show -j dev v0"),
            ("neigh -json -stat lst", "neigh show --json --stats"),
            ("neigh --socket /x l", "neigh show --socket /x"),
            ("neigh --socket=/x -6 list", "neigh show --socket=/x -6"),
            ("neigh --help", "neigh --help"),
            ("neigh --help sho", "neigh show --help"),
            ("neigh run --port tap:t", "neigh run --port tap:t"),
            ("neigh", "neigh"),
        ] {
            let args = in_clap_order(given.split(' ').map(OsString::from).collect());
            let args: Vec<&str> = args.iter().map(|arg| arg.to_str().unwrap()).collect();
            assert_eq!(args.join(" "), expected);
        }
    }

    #[test]
    fn an_error_is_one_line() {
        for line in
            ["neigh nope", "neigh run --addres 1.2.3.4", "neigh run --seed x", "neigh run --upper tun"]
        {
            let error = Cli::try_parse_from(in_clap_order(line.split(' ').map(OsString::from).collect()));
            let text = one_line(&error.unwrap_err().to_string());
            assert!(text.starts_with("error: ") && text.contains("hint: ") && !text.contains('\n'), "{text}");
        }
    }
}
