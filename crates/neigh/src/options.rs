//! The options that all commands on a table share; their names are iproute2's.

use crate::failure::Failure;
use crate::print::Style;
use crate::words::wrong;
use neighbour::Family;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

/// Which table, how to print, and in which tone.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Options {
    /// The running kernel's table instead of the daemon's.
    ///
    /// It is that of the network namespace in which `neigh` runs.
    #[arg(long, conflicts_with = "socket", help_heading = "Which table")]
    pub(crate) kernel: bool,
    /// The daemon's socket.
    ///
    /// By default $NEIGH_SOCKET, or $XDG_RUNTIME_DIR/neigh.sock, or /run/neigh.sock for root.
    #[arg(long, value_name = "PATH", help_heading = "Which table")]
    pub(crate) socket: Option<PathBuf>,
    /// With --kernel: the network namespace of this name, of those that `ip netns` lists.
    #[arg(short = 'n', long, value_name = "NAME", requires = "kernel", help_heading = "Which table")]
    pub(crate) netns: Option<String>,
    /// IPv4 only.
    #[arg(short = '4', overrides_with_all = ["v6", "family"], help_heading = "Which table")]
    pub(crate) v4: bool,
    /// IPv6 only.
    #[arg(short = '6', overrides_with_all = ["v4", "family"], help_heading = "Which table")]
    pub(crate) v6: bool,
    /// The family: inet or inet6.
    #[arg(short, long, value_name = "FAMILY", overrides_with_all = ["v4", "v6"], help_heading = "Which table")]
    pub(crate) family: Option<String>,

    /// More: references, times and probes; what was flushed (twice: which).
    ///
    /// `ref R` is how many hold the entry; `used U/C/M` are the seconds since it was used, confirmed and
    /// modified.
    #[arg(short, long, action = clap::ArgAction::Count, help_heading = "Printing")]
    pub(crate) stats: u8,
    /// JSON instead of text.
    #[arg(short, long, help_heading = "Printing")]
    pub(crate) json: bool,
    /// With --json: in lines for people.
    #[arg(short, long, help_heading = "Printing")]
    pub(crate) pretty: bool,
    /// Address, device and link-layer address in columns (-br).
    #[arg(long, help_heading = "Printing")]
    pub(crate) brief: bool,
    /// Each record in one line.
    #[arg(short, long, help_heading = "Printing")]
    pub(crate) oneline: bool,
    /// monitor: a line with the time before each event.
    #[arg(short, long, help_heading = "Printing")]
    pub(crate) timestamp: bool,
    /// monitor: the time in ISO 8601 in the event's own line (-ts).
    #[arg(long, help_heading = "Printing")]
    pub(crate) tshort: bool,
    /// Numbers instead of the names of protocols (-N).
    #[arg(short = 'N', long, help_heading = "Printing")]
    pub(crate) numeric: bool,
    /// Colours: always (-c alone), auto or never.
    #[arg(
        short, long, value_name = "WHEN", num_args = 0..=1, require_equals = true, default_missing_value = "always",
        value_parser = ["always", "auto", "never"], help_heading = "Printing"
    )]
    pub(crate) color: Option<String>,

    /// Do the sane thing where iproute2's way is a trap.
    ///
    /// The states asked for also hold back entries of control planes and proxy entries (`flush nud stale`
    /// deletes STALE entries only); `get` and `monitor` honour --json; `add` and `replace` refuse what would
    /// leave an entry in state NONE behind, and a lladdr or state that `use` or `managed` would make void;
    /// each failed line of a batch is named, and --force passes every one of them.
    #[arg(long, help_heading = "Manner")]
    pub(crate) strict: bool,
    /// Run the commands in this file, one a line; `-` is stdin (-b).
    #[arg(short, long, value_name = "FILE", help_heading = "Manner")]
    pub(crate) batch: Option<PathBuf>,
    /// With --batch: go on after a line that failed.
    #[arg(long, help_heading = "Manner")]
    pub(crate) force: bool,
}

impl Options {
    /// The family asked for; none for both.
    pub(crate) fn family(&self) -> Result<Option<Family>, Failure> {
        match (self.v4, self.v6, self.family.as_deref()) {
            (true, ..) | (.., Some("inet")) => Ok(Some(Family::Inet)),
            (_, true, _) | (.., Some("inet6")) => Ok(Some(Family::Inet6)),
            (.., None) => Ok(None),
            (.., Some(other @ ("bridge" | "link" | "mpls"))) => Err(Failure::new(
                format_args!("-f {other}: this family has no neighbours here"),
                "inet or inet6; for forwarding entries of bridges there is `bridge fdb`",
            )),
            (.., Some(other)) => Err(wrong(other, "invalid protocol family")),
        }
    }

    pub(crate) fn style(&self) -> Style {
        match (self.json, self.pretty) {
            (false, _) => Style::Text,
            (true, false) => Style::Json,
            (true, true) => Style::Pretty,
        }
    }

    pub(crate) fn colours(&self) -> bool {
        match self.color.as_deref() {
            Some("always") => true,
            Some("auto") => io::stdout().is_terminal(),
            _ => false,
        }
    }
}

/// Where a word of an option may be found.
enum Place {
    /// iproute2's, which may be cut short and has one dash or two.
    Theirs(&'static str),
    /// Ours, to be written out.
    Ours(&'static str),
}

/// iproute2's names in the order in which it looks for them, and what they are here; with a value or not.
/// What has no meaning for neighbours is read and has no effect, as there.
const NAMES: [(Place, &str, bool); 30] = [
    (Place::Theirs("loops"), "", true),
    (Place::Theirs("family"), "--family", true),
    (Place::Theirs("4"), "-4", false),
    (Place::Theirs("6"), "-6", false),
    (Place::Theirs("h"), "-h", false),
    (Place::Theirs("iec"), "", false),
    (Place::Theirs("stats"), "--stats", false),
    (Place::Theirs("statistics"), "--stats", false),
    (Place::Theirs("details"), "", false),
    (Place::Theirs("resolve"), "", false),
    (Place::Theirs("oneline"), "--oneline", false),
    (Place::Theirs("timestamp"), "--timestamp", false),
    (Place::Theirs("tshort"), "--tshort", false),
    (Place::Theirs("Version"), "--version", false),
    (Place::Theirs("force"), "--force", false),
    (Place::Theirs("batch"), "--batch", true),
    (Place::Theirs("brief"), "--brief", false),
    (Place::Theirs("json"), "--json", false),
    (Place::Theirs("rcvbuf"), "", true),
    (Place::Theirs("pretty"), "--pretty", false),
    (Place::Theirs("Numeric"), "--numeric", false),
    (Place::Theirs("netns"), "--netns", true),
    (Place::Theirs("help"), "--help", false),
    (Place::Theirs("all"), "", false),
    (Place::Ours("kernel"), "--kernel", false),
    (Place::Ours("socket"), "--socket", true),
    (Place::Ours("strict"), "--strict", false),
    (Place::Ours("proc"), "--proc", false),
    (Place::Ours("version"), "--version", false),
    (Place::Ours("numeric"), "--numeric", false),
];

/// An option as the parser of arguments knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Spelled {
    /// Empty: it has no effect here.
    pub(crate) text: String,
    /// The next argument is its value.
    pub(crate) takes_value: bool,
}

/// Recognises an option as iproute2 writes it; `None` if there is none of that name.
pub(crate) fn spelled(option: &str) -> Option<Spelled> {
    let name = option.strip_prefix('-')?;
    let name = name.strip_prefix('-').unwrap_or(name);
    if name.is_empty() {
        return None;
    }
    let found = |text: &str, takes_value| Some(Spelled { text: text.into(), takes_value });
    let (bare, value) = match name.split_once('=') {
        Some((bare, value)) => (bare, Some(value)),
        None => (name, None),
    };
    if bare.len() <= "color".len() && "color".starts_with(bare) {
        return match value {
            None => found("--color", false),
            Some("always" | "auto" | "never") => found(&format!("--color={}", value?), false),
            Some(_) => None,
        };
    }
    let matches = |place: &Place, name: &str| match place {
        Place::Theirs(full) => full.starts_with(name),
        Place::Ours(full) => *full == name,
    };
    let (_, ours, takes_value) = NAMES.iter().find(|(place, ..)| matches(place, bare))?;
    match (value, *takes_value && option.starts_with("--")) {
        (None, _) => found(ours, *takes_value),
        (Some(value), true) => found(&format!("{ours}={value}"), false),
        (Some(_), false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_iproute2s_in_full_or_short_and_ours() {
        for (given, expected) in [
            ("-s", "--stats"),
            ("-st", "--stats"),
            ("-statistics", "--stats"),
            ("-j", "--json"),
            ("-js", "--json"),
            ("--json", "--json"),
            ("-p", "--pretty"),
            ("-b", "--batch"),
            ("-br", "--brief"),
            ("-t", "--timestamp"),
            ("-ts", "--tshort"),
            ("-f", "--family"),
            ("-fo", "--force"),
            ("-n", "--netns"),
            ("-N", "--numeric"),
            ("-V", "--version"),
            ("-h", "-h"),
            ("-he", "--help"),
            ("-4", "-4"),
            ("-c", "--color"),
            ("-color=auto", "--color=auto"),
            ("-d", ""),
            ("-r", ""),
            ("--kernel", "--kernel"),
            ("--socket=/x", "--socket=/x"),
        ] {
            assert_eq!(spelled(given).map(|s| s.text).as_deref(), Some(expected), "{given}");
        }
        for given in ["-z", "-ss", "-c=bogus", "-", "--", "-1", "--kern", "-s=3", "-jx"] {
            assert_eq!(spelled(given), None, "{given}");
        }
        assert!(spelled("-rc").unwrap().takes_value && !spelled("-r").unwrap().takes_value);
    }
}
