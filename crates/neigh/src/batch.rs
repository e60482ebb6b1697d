//! `neigh -b FILE`: a file of commands, as `ip -batch` reads it.
//!
//! A line begins with an object of `ip` (`neigh`, `ntable`, ...) or with a command of this program. `#` begins
//! a comment, quotes hold words together, a backslash at the end of a line joins the next one to it.

use crate::commands::{self, Command};
use crate::context::Context;
use crate::failure::Failure;
use crate::words::Words;
use std::io::{self, Read};
use std::path::Path;

/// The most words of a line; `ip` has room for so many.
const MOST_WORDS: usize = 511;

/// Runs the commands in `file`.
///
/// # Errors
///
/// What ended it, or a failure without a text if a line failed, which has been said already.
pub(crate) fn run(context: &mut Context, file: &Path) -> anyhow::Result<()> {
    let text = read(file)?;
    let (force, strict) = (context.options.force, context.options.strict);
    let mut failed = false;
    for (number, line) in lines(&text) {
        let result = words_of(&line).map_err(Into::into).and_then(|words| one(context, &words));
        context.flush()?;
        let Err(error) = result else { continue };
        let failure = error.downcast_ref::<Failure>().filter(|failure| strict || !failure.ends_batch());
        let Some(failure) = failure else { return Err(error) };
        if !failure.to_string().is_empty() {
            eprintln!("{failure}");
        }
        eprintln!("Command failed {}:{number}", file.display());
        failed = true;
        if !force {
            break;
        }
    }
    if failed { Err(Failure::passing("", 1).into()) } else { Ok(()) }
}

fn read(file: &Path) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let outcome = match file.to_str() {
        Some("-") => io::stdin().read_to_end(&mut bytes),
        _ => std::fs::File::open(file).and_then(|mut file| file.read_to_end(&mut bytes)),
    };
    outcome.map_err(|error| {
        let why = error.raw_os_error().map(|errno| nix::errno::Errno::from_raw(errno).desc().to_owned());
        let why = why.unwrap_or_else(|| error.to_string());
        Failure::exact(format!("Cannot open file \"{}\" for reading: {why}", file.display()), 1)
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The lines without comments, joined where a backslash says so, each with the number of its last one.
fn lines(text: &str) -> Vec<(usize, String)> {
    let mut all = Vec::new();
    let mut open: Option<String> = None;
    let count = text.split_inclusive('\n').count();
    for (index, raw) in text.split_inclusive('\n').enumerate() {
        let ended = raw.ends_with('\n');
        let line = raw.trim_end_matches('\n');
        let (line, comment) = match line.split_once('#') {
            Some((line, _)) => (line, true),
            None => (line, false),
        };
        let mut whole = open.take().unwrap_or_default();
        match line.strip_suffix('\\').filter(|_| ended && !comment && index + 1 < count) {
            Some(begun) => {
                whole.push_str(begun);
                open = Some(whole);
            }
            None => {
                whole.push_str(line);
                all.push((index + 1, whole));
            }
        }
    }
    all
}

fn words_of(line: &str) -> Result<Vec<String>, Failure> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, after) = match first {
            '"' | '\'' => {
                let unterminated = || Failure::exact("Unterminated quoted string", 1);
                rest.get(1..).and_then(|inner| inner.split_once(first)).ok_or_else(unterminated)?
            }
            _ => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    if words.len() > MOST_WORDS {
        return Err(Failure::exact("Too many arguments to command", 1));
    }
    Ok(words)
}

fn one(context: &mut Context, words: &[String]) -> anyhow::Result<()> {
    let mut words = Words::new(words);
    let Some(object) = words.next() else { return Ok(()) };
    if commands::is_neigh(object) {
        let command = match words.next() {
            None => Command::Show,
            Some(word) => Command::of_neigh(word).ok_or_else(|| commands::unknown(word))?,
        };
        return command.run(context, words, false);
    }
    // A command of ours in full is no object of theirs.
    let ours = Command::named(object).filter(|command| command.name() == object);
    match Command::of_object(object).or(ours) {
        Some(command) => command.run(context, words, false),
        None => {
            let text = format!("Object \"{object}\" is unknown, try \"ip help\".");
            Err(Failure::passing(text, 1).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined_by_backslashes_and_end_at_a_comment() {
        let text = "a \\\n b\n# c\n\nd # e\nf \\";
        let expected = [(2, "a  b"), (3, ""), (4, ""), (5, "d "), (6, "f \\")];
        assert_eq!(lines(text), expected.map(|(n, line)| (n, line.to_owned())));
    }

    #[test]
    fn quotes_hold_words_together() {
        assert_eq!(words_of(" show 'a b' \"c\"  d ").unwrap(), ["show", "a b", "c", "d"]);
        let unterminated = Failure::exact("Unterminated quoted string", 1);
        assert_eq!(words_of("show \"a"), Err(unterminated));
        assert!(words_of(&"a ".repeat(600)).is_err());
    }
}
