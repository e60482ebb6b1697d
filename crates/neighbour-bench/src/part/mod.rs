//! The parts of the bench. Each runs in a process of its own: with a heap that nobody has used, on a processor it is
//! tied to, and in namespaces of its own where it talks to the kernel.

mod answer;
mod burst;
mod collect;
mod dump;
mod flood;
mod hit;
mod insert;
mod memory;
mod scan;
mod timers;
mod writer;

use crate::clock;
use crate::figure::Finding;
use crate::key::{Key4, Key6};
use crate::plan::{Plan, SIZES};
use std::fmt;
use std::str::FromStr;

/// One part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// Hits in a table of so many IPv6 neighbours.
    Hit(u32),
    /// Hits in a table of so many IPv4 neighbours.
    Hit4(u32),
    /// smoltcp's cache at its size.
    Smoltcp,
    /// Held references.
    Held,
    /// Readers beside a writer.
    Writer,
    /// Insertion from nothing to a million.
    Insert,
    /// Insertion from nothing to ten millions.
    InsertHuge,
    /// Bytes for an entry.
    Memory,
    /// The wheel, and a million entries that expire together.
    Timers,
    /// Forced collection.
    Collect,
    /// The engine answering questions.
    Answer,
    /// A scan forwarded by the engine.
    Scan,
    /// `neigh run` on a veth pair, answering questions beside the kernel.
    Flood,
    /// Ten thousand unknown destinations.
    Burst,
    /// Listing a million entries over the socket.
    Dump,
}

impl Part {
    /// All of them, in the order of the table.
    pub fn all(plan: Plan) -> Vec<Self> {
        let mut all = vec![Self::Smoltcp];
        all.extend(SIZES.map(Self::Hit));
        // A second table of ten millions takes its time, and IPv4 differs little.
        all.extend(SIZES.into_iter().filter(|size| !plan.quick || *size <= 1 << 20).map(Self::Hit4));
        all.extend(PLAIN.iter().map(|(part, _)| *part).filter(|part| *part != Self::Smoltcp));
        all
    }

    /// Entries of the table whose IPv6 hits it measures, if it does.
    pub fn hit_entries(self) -> Option<u32> {
        match self {
            Self::Hit(entries) => Some(entries),
            Self::Smoltcp => Some(crate::contestant::SMOLTCP_ENTRIES),
            _ => None,
        }
    }

    /// Whether it must run in a network namespace of its own, in which it is root.
    pub fn needs_namespace(self) -> bool {
        matches!(self, Self::Flood | Self::Burst | Self::Dump)
    }

    /// Whether it needs more than one processor.
    fn has_several_threads(self) -> bool {
        self.needs_namespace() || self == Self::Writer
    }

    /// Measures, and tells each finding as it comes.
    ///
    /// # Errors
    /// When something that had to work did not; a row that this machine cannot have is no error but
    /// [`Finding::Skipped`].
    pub fn run(self, plan: Plan, tell: &mut dyn FnMut(Finding)) -> anyhow::Result<()> {
        if !self.has_several_threads() {
            clock::pin_to_last();
        }
        match self {
            Self::Hit(size) => hit::run::<Key6>(plan, size, tell),
            Self::Hit4(size) => hit::run::<Key4>(plan, size, tell),
            Self::Smoltcp => hit::smoltcp::<Key6>(plan, tell),
            Self::Held => hit::held_references::<Key6>(plan, tell),
            Self::Writer => {
                writer::run::<Key6>(plan, 1 << 16, tell)?;
                writer::run::<Key6>(plan, 1 << 20, tell)
            }
            Self::Insert => insert::run::<Key6>(plan, 1 << 20, tell),
            Self::InsertHuge => insert::run::<Key6>(plan, 10_000_000, tell),
            Self::Timers => {
                timers::wheel(plan, tell)?;
                timers::engine::<Key6>(plan, tell)
            }
            Self::Collect => [1_000, 1 << 16, 1 << 20]
                .into_iter()
                .try_for_each(|size| collect::run::<Key6>(plan, size, tell)),
            Self::Answer => answer::run(plan, tell),
            Self::Scan => scan::run(plan, tell),
            Self::Flood => flood::run(plan, tell),
            Self::Burst => burst::run(plan, tell),
            Self::Dump => dump::run(plan, tell),
            Self::Memory => {
                memory::run::<Key6>(plan, 1 << 20, tell)?;
                memory::run::<Key4>(plan, 1 << 20, tell)
            }
        }
    }
}

/// Those with one size, by name, in the order of the table.
const PLAIN: [(Part, &str); 13] = [
    (Part::Smoltcp, "smoltcp"),
    (Part::Held, "held"),
    (Part::Writer, "writer"),
    (Part::Insert, "insert"),
    (Part::InsertHuge, "insert-huge"),
    (Part::Memory, "memory"),
    (Part::Timers, "timers"),
    (Part::Collect, "collect"),
    (Part::Answer, "answer"),
    (Part::Scan, "scan"),
    (Part::Flood, "veth"),
    (Part::Burst, "burst"),
    (Part::Dump, "dump"),
];

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hit(size) => write!(f, "hit-{size}"),
            Self::Hit4(size) => write!(f, "hit4-{size}"),
            plain => {
                let name = PLAIN.iter().find(|(part, _)| part == plain).map_or("?", |(_, name)| name);
                f.write_str(name)
            }
        }
    }
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let size = |number: &str| {
            let size = number.parse::<u32>().ok().filter(|size| (1..=1 << 24).contains(size));
            size.ok_or_else(|| format!("\"{number}\" is no number of entries from 1 to {}", 1 << 24))
        };
        if let Some((_, number)) = text.split_once("hit-").filter(|(before, _)| before.is_empty()) {
            return size(number).map(Self::Hit);
        }
        if let Some((_, number)) = text.split_once("hit4-").filter(|(before, _)| before.is_empty()) {
            return size(number).map(Self::Hit4);
        }
        let plain = PLAIN.iter().find(|(_, name)| *name == text).map(|(part, _)| *part);
        plain.ok_or_else(|| {
            let names: Vec<&str> = PLAIN.iter().map(|(_, name)| *name).collect();
            format!("there is no part \"{text}\"; there are hit-N, hit4-N, {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_is_called_by_its_name() {
        for part in Part::all(Plan { quick: false, seed: 1 }) {
            assert_eq!(part.to_string().parse(), Ok(part));
        }
    }

    #[test]
    fn an_unknown_part_is_refused_with_the_names_of_all() {
        let error = "hits".parse::<Part>().expect_err("no such part");
        assert!(error.contains("memory"), "{error}");
        assert!("hit-0".parse::<Part>().is_err());
    }
}
