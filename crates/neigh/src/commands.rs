//! The commands on a table, and how their names may be cut short.

use crate::change::{self, Verb};
use crate::context::Context;
use crate::failure::Failure;
use crate::words::{Words, begins};
use crate::{address, flush, get, link, monitor, ntable, show, stat, usage, watch, why};

/// A command on a table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Command {
    Show,
    Change(Verb),
    Get,
    Flush,
    Help,
    Monitor,
    Ntable,
    Stat,
    Watch,
    Why,
    Address,
    Link,
}

/// iproute2's commands in the order in which it looks for them.
const THEIRS: [(&str, Command); 11] = [
    ("add", Command::Change(Verb::Add)),
    ("change", Command::Change(Verb::Change)),
    ("chg", Command::Change(Verb::Change)),
    ("replace", Command::Change(Verb::Replace)),
    ("delete", Command::Change(Verb::Delete)),
    ("get", Command::Get),
    ("show", Command::Show),
    ("lst", Command::Show),
    ("list", Command::Show),
    ("flush", Command::Flush),
    ("help", Command::Help),
];

/// Ours, which may be cut short as far as theirs do not come first.
const OURS: [(&str, Command); 8] = [
    ("monitor", Command::Monitor),
    ("ntable", Command::Ntable),
    ("ntbl", Command::Ntable),
    ("stat", Command::Stat),
    ("why", Command::Why),
    ("watch", Command::Watch),
    ("address", Command::Address),
    ("link", Command::Link),
];

impl Command {
    /// The command of `ip neigh` that begins so.
    pub(crate) fn of_neigh(word: &str) -> Option<Self> {
        THEIRS.iter().find(|(name, _)| begins(word, name)).map(|(_, command)| *command)
    }

    /// The command of this program that begins so.
    pub(crate) fn named(word: &str) -> Option<Self> {
        let ours = || OURS.iter().find(|(name, _)| begins(word, name)).map(|(_, command)| *command);
        Self::of_neigh(word).or_else(ours)
    }

    /// The object of `ip` that begins so, as far as it is a command here; `neigh` itself is no command.
    pub(crate) fn of_object(word: &str) -> Option<Self> {
        let objects = [
            ("address", Self::Address),
            ("link", Self::Link),
            ("monitor", Self::Monitor),
            ("ntable", Self::Ntable),
            ("ntbl", Self::Ntable),
        ];
        objects.iter().find(|(name, _)| begins(word, name)).map(|(_, command)| *command)
    }

    /// Its name in the definition of the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Show => "show",
            Self::Change(Verb::Add) => "add",
            Self::Change(Verb::Change) => "change",
            Self::Change(Verb::Replace) => "replace",
            Self::Change(Verb::Delete) => "del",
            Self::Get => "get",
            Self::Flush => "flush",
            Self::Help => "help",
            Self::Monitor => "monitor",
            Self::Ntable => "ntable",
            Self::Stat => "stat",
            Self::Watch => "watch",
            Self::Why => "why",
            Self::Address => "address",
            Self::Link => "link",
        }
    }

    /// Runs it; `proc` asks for the format of a file of /proc.
    pub(crate) fn run(self, context: &mut Context, words: Words<'_>, proc: bool) -> anyhow::Result<()> {
        match self {
            Self::Show => show::run(context, words, proc),
            Self::Change(verb) => change::run(context, words, verb),
            Self::Get => get::run(context, words),
            Self::Flush => flush::run(context, words),
            Self::Help => Err(usage::neigh().into()),
            Self::Monitor => monitor::run(context, words),
            Self::Ntable => ntable::run(context, words),
            Self::Stat => stat::run(context, words, proc),
            Self::Watch => watch::run(context, words),
            Self::Why => why::run(context, words),
            Self::Address => address::run(context, words),
            Self::Link => link::run(context, words),
        }
    }
}

/// No command has this name.
pub(crate) fn unknown(word: &str) -> Failure {
    Failure::exact(format!("Command \"{word}\" is unknown, try \"ip neigh help\"."), 255)
}

/// Is this a beginning of `neighbour`, in either spelling?
pub(crate) fn is_neigh(word: &str) -> bool {
    begins(word, "neighbour") || begins(word, "neighbor")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iproute2s_commands_are_found_first() {
        for (word, expected) in [
            ("a", "add"),
            ("addr", "address"),
            ("c", "change"),
            ("chg", "change"),
            ("d", "del"),
            ("del", "del"),
            ("delete", "del"),
            ("r", "replace"),
            ("s", "show"),
            ("st", "stat"),
            ("l", "show"),
            ("ls", "show"),
            ("li", "show"),
            ("lin", "link"),
            ("f", "flush"),
            ("m", "monitor"),
            ("nt", "ntable"),
            ("w", "why"),
        ] {
            assert_eq!(Command::named(word).map(Command::name), Some(expected), "{word}");
        }
        for word in ["", "foo", "showx", "run"] {
            assert_eq!(Command::named(word), None, "{word}");
        }
        assert!(is_neigh("n") && is_neigh("neighbor") && is_neigh("neighbour") && !is_neigh(""));
    }
}
