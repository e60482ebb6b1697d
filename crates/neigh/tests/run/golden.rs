//! Every command of `ip neigh` and `ip ntable` that was captured in `testdata/golden`, and more of our own:
//! `ip` and `neigh --kernel` say the same, byte for byte, and do the same to the table.

use crate::twin::{Said, Twins, here, split};
use crate::world::in_namespace;
use std::collections::HashMap;
use std::thread;
use std::time::Duration;

const CAPTURED: &str =
    include_str!("../../../../testdata/golden/ip_neigh_ntable_iproute2-6.1_kernel-6.18.txt");
/// More commands, one a line; `#` begins a comment.
const MORE: &str = include_str!("../../../../testdata/golden/more_commands.txt");

/// How often two answers are asked for until they agree: times and states move on between them.
const TRIES: u32 = 40;
const PAUSE: Duration = Duration::from_millis(25);

/// The commands of `ip`, without `ip`.
pub(crate) fn captured() -> Vec<&'static str> {
    let of_ours = |command: &&str| split(command).iter().any(|word| word == "neigh" || word == "ntable");
    CAPTURED.lines().filter_map(|line| line.strip_prefix("$ ip ")).filter(of_ours).collect()
}

pub(crate) fn more() -> Vec<&'static str> {
    let lines = MORE.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.collect()
}

/// The words for `neigh` of a command of `ip`: `neigh` itself is the program, not a word.
pub(crate) fn ours(command: &str, table: &[&str]) -> Vec<String> {
    let mut words = split(command);
    if let Some(at) = words.iter().position(|word| word == "neigh") {
        words.remove(at);
    }
    table.iter().map(|word| (*word).to_owned()).chain(words).collect()
}

/// Does the command change a table?
pub(crate) fn changes(command: &str) -> bool {
    let words = split(command);
    let verb =
        words.iter().position(|word| word == "neigh" || word == "ntable").and_then(|at| words.get(at + 1));
    let verbs = ["add", "change", "chg", "replace", "delete", "flush"];
    let names = |verb: &String| !verb.is_empty() && verbs.iter().any(|name| name.starts_with(verb.as_str()));
    verb.is_some_and(names)
}

const NEIGH: &str = env!("CARGO_BIN_EXE_neigh");
const KERNEL: &[&str] = &["--kernel"];

/// Asks two until they agree; gives the last answers if they never do.
pub(crate) fn agree(mut ask: impl FnMut() -> (Said, Said)) -> Result<(), Box<(Said, Said)>> {
    for _ in 1..TRIES {
        let (theirs, ours) = ask();
        if theirs == ours {
            return Ok(());
        }
        thread::sleep(PAUSE);
    }
    let (theirs, ours) = ask();
    if theirs == ours { Ok(()) } else { Err(Box::new((theirs, ours))) }
}

fn run_all(commands: &[&str]) {
    let twins = Twins::new();
    let tables = ["neigh show nud all", "neigh show proxy", "ntable show dev v0"];
    let mut wrong = Vec::new();
    let mut count: HashMap<bool, u32> = HashMap::new();
    for command in commands {
        *count.entry(changes(command)).or_default() += 1;
        let outcome = if changes(command) {
            let theirs = here("ip", &split(command)).sorted();
            let ours = twins.there(NEIGH, &ours(command, KERNEL)).sorted();
            let same = |pair: (Said, Said)| if pair.0 == pair.1 { Ok(()) } else { Err(Box::new(pair)) };
            let after = tables.iter().map(|table| {
                let table_of = |said: Said| match table.starts_with("ntable") {
                    true => without_reachable(said),
                    false => said.sorted(),
                };
                agree(|| (table_of(here("ip", &split(table))), table_of(twins.there("ip", &split(table)))))
            });
            same((theirs, ours)).and_then(|()| after.collect())
        } else {
            // The same table, byte for byte.
            let of_the_moment = command.contains("-s") && command.contains("ntable");
            let view = |said: Said| if of_the_moment { said.without_numbers() } else { said };
            agree(|| (view(here("ip", &split(command))), view(here(NEIGH, &ours(command, KERNEL)))))
        };
        wrong.extend(
            outcome.err().map(|pair| format!("ip {command}\n  ip:    {:?}\n  neigh: {:?}", pair.0, pair.1)),
        );
    }
    println!("{} commands that change a table, {} that read one", count[&true], count[&false]);
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), commands.len(), wrong.join("\n"));
}

/// `reachable` is drawn by lot, `refcnt` is of the moment.
pub(crate) fn without_reachable(mut said: Said) -> Said {
    let keep = |word: &&str| !word.is_empty();
    let mut previous = "";
    let words = said.out.split_inclusive([' ', '\n']).filter(keep).map(|word| {
        let hidden = matches!(previous.trim_end(), "reachable" | "refcnt");
        previous = word;
        if hidden { "# " } else { word }
    });
    said.out = words.collect();
    said
}

#[test]
fn every_captured_command_says_and_does_what_ip_does() {
    in_namespace("golden::every_captured_command_says_and_does_what_ip_does", || {
        let commands = captured();
        assert!(commands.len() > 70, "the golden file holds {} commands", commands.len());
        run_all(&commands);
    });
}

#[test]
fn every_other_command_says_and_does_what_ip_does() {
    in_namespace("golden::every_other_command_says_and_does_what_ip_does", || run_all(&more()));
}
