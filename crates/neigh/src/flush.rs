//! `neigh flush`: takes away what `show` with the same words shows, in rounds, until nothing is left.

use crate::context::{Context, request_failed};
use crate::failure::Failure;
use crate::show::{self, Purpose};
use crate::words::Words;
use neighbour::NudState;

/// What comes back as fast as it goes is left after so many rounds.
const MAX_ROUNDS: u32 = 10;

/// Runs `neigh flush`.
pub(crate) fn run(context: &mut Context, words: Words<'_>) -> anyhow::Result<()> {
    if words.is_empty() {
        return Err(Failure::passing("Flush requires arguments.", 1).into());
    }
    let (mut query, device) = show::read(context, words, Purpose::Flush)?;
    let stats = context.options.stats;
    for round in 1..=MAX_ROUNDS {
        let entries = show::entries(context, &query, device)?;
        if entries.is_empty() {
            let end = match round - 1 {
                _ if stats == 0 => String::new(),
                0 => "Nothing to flush.\n".into(),
                1 => "*** Flush is complete after 1 round ***\n".into(),
                rounds => format!("*** Flush is complete after {rounds} rounds ***\n"),
            };
            return Ok(context.write(end.as_bytes())?);
        }
        if stats > 1 {
            show::print_lines(context, &entries, device.is_none())?;
        }
        context.table()?.delete_all(&entries).map_err(request_failed)?;
        if stats > 0 {
            let told = format!("\n*** Round {round}, deleting {} entries ***\n", entries.len());
            context.write(told.as_bytes())?;
            context.flush()?;
        }
        // What somebody else holds stays, as FAILED (NL-28): it was flushed.
        query.without(NudState::FAILED);
    }
    context.write(format!("*** Flush not complete bailing out after {MAX_ROUNDS} rounds\n").as_bytes())?;
    context.flush()?;
    Err(Failure::passing("", 1).into())
}
