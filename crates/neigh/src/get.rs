//! `neigh get`: one entry.

use crate::change::garbage;
use crate::context::{Context, question_failed};
use crate::failure::Failure;
use crate::words::{Words, begins};
use crate::{inet, show, usage};
use neighbour::Family;
use std::net::IpAddr;

/// Which entry.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Question {
    address: IpAddr,
    device: Option<String>,
    proxy: bool,
}

/// Runs `neigh get`. iproute2 6.1 prints a line even under `-json`.
pub(crate) fn run(context: &mut Context, words: Words<'_>) -> anyhow::Result<()> {
    let question = Question::parse(words, context.options.family()?)?;
    let interface = question.device.as_deref().map_or(Ok(0), |name| context.device(name))?;
    let asked = context.table()?.neighbour(interface, question.address, question.proxy);
    let entry = [asked.map_err(question_failed)?];
    match context.options.strict {
        true => show::print(context, &entry, true),
        false => show::print_lines(context, &entry, true),
    }
}

impl Question {
    fn parse(mut words: Words<'_>, family: Option<Family>) -> Result<Self, Failure> {
        let (mut address, mut device, mut proxy) = (None, None, false);
        while let Some(word) = words.next() {
            match word {
                "dev" => device = Some(words.value()?.to_owned()),
                _ => {
                    let is_proxy = begins(word, "proxy");
                    proxy |= is_proxy;
                    let word = if is_proxy || word == "to" { words.value()? } else { word };
                    if begins(word, "help") {
                        return Err(usage::neigh());
                    }
                    if address.is_some() {
                        return Err(garbage(word));
                    }
                    address = Some(inet::address(word, family)?);
                }
            }
        }
        match (address, device) {
            (Some(Some(address)), device) if device.is_some() || proxy => Ok(Self { address, device, proxy }),
            _ => Err(Failure::passing("Device and address are required arguments.", 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Question, Failure> {
        let words: Vec<String> = line.split_whitespace().map(String::from).collect();
        Question::parse(Words::new(&words), None)
    }

    #[test]
    fn what_is_wrong_is_said_in_iproute2s_words_with_its_exit_code() {
        for line in ["", "10.9.0.2", "dev v0", "all dev v0"] {
            let required = Failure::passing("Device and address are required arguments.", 1);
            assert_eq!(parse(line), Err(required), "{line}");
        }
        for (line, text, code) in [
            ("1.2.3.4 foo", "Error: either \"to\" is duplicate, or \"foo\" is a garbage.", 255),
            ("1.2.3.4 dev v0 nud stale", "Error: either \"to\" is duplicate, or \"nud\" is a garbage.", 255),
            ("proxy dev lo", "Error: any valid address is expected rather than \"dev\".", 1),
            ("1.2/16 dev v0", "Error: any valid address is expected rather than \"1.2/16\".", 1),
            ("1.2.3.4 dev", "Command line is not complete. Try option \"help\"", 255),
        ] {
            assert_eq!(parse(line), Err(Failure::exact(text, code)), "{line}");
        }
        for line in ["h", "proxy help", "1.2.3.4 dev v0 help"] {
            assert_eq!(parse(line), Err(usage::neigh()), "{line}");
        }
    }

    #[test]
    fn a_proxy_entry_needs_no_device() {
        let question = parse("pr 10.9.0.33").unwrap();
        assert_eq!((question.proxy, question.device), (true, None));
        assert_eq!(parse("dev v0 to 10.9.0.2 dev v1").unwrap().device.as_deref(), Some("v1"));
    }
}
