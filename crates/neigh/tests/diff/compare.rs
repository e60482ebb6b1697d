//! When two hosts differ.

use crate::sides::Side;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long a table may take to become the other's: clocks are read at different moments.
const PATIENCE: Duration = Duration::from_millis(400);
/// Listening between two looks.
const PAUSE: Duration = Duration::from_millis(15);

/// Waits until both tables are the same; what they are if that does not happen.
pub(crate) fn tables(kernel: &mut Side, daemon: &mut Side) -> Result<(), String> {
    let end = Instant::now() + PATIENCE;
    loop {
        kernel.gather(PAUSE);
        daemon.gather(Duration::ZERO);
        let (theirs, ours) = (kernel.dump(), daemon.dump());
        if theirs == ours {
            return Ok(());
        }
        if Instant::now() > end {
            return Err(format!(
                "tables\n    kernel: {}\n    daemon: {}",
                theirs.join("; "),
                ours.join("; ")
            ));
        }
    }
}

/// The words about each neighbour, in their order.
fn by_neighbour(all: &[(String, String)]) -> BTreeMap<&str, Vec<&str>> {
    let mut sorted: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (whom, what) in all {
        sorted.entry(whom).or_default().push(what);
    }
    sorted
}

fn same(what: &str, theirs: &[(String, String)], ours: &[(String, String)]) -> Result<(), String> {
    let (theirs, ours) = (by_neighbour(theirs), by_neighbour(ours));
    for whom in theirs.keys().chain(ours.keys()) {
        let (theirs, ours) = (theirs.get(whom), ours.get(whom));
        if theirs != ours {
            let list = |words: Option<&Vec<&str>>| {
                words.map_or_else(|| "nothing".to_owned(), |words| words.join("\n            "))
            };
            return Err(format!(
                "{what} for {whom}\n    kernel: {}\n    daemon: {}",
                list(theirs),
                list(ours)
            ));
        }
    }
    Ok(())
}

/// What was told and sent since the beginning; waits a little for what is under way.
pub(crate) fn logs(kernel: &mut Side, daemon: &mut Side) -> Result<(), String> {
    let end = Instant::now() + PATIENCE;
    loop {
        kernel.gather(PAUSE);
        daemon.gather(PAUSE);
        let result = same("notifications", &kernel.news, &daemon.news)
            .and_then(|()| same("frames", &kernel.sent, &daemon.sent));
        if result.is_ok() || Instant::now() > end {
            return result;
        }
    }
}
