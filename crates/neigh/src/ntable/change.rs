//! The words of `ip ntable change`.

use crate::context::{Context, request_failed};
use crate::failure::Failure;
use crate::words::{Words, duplicate, number, number32, wrong};
use neighbour_ctl::TableChange;

/// Runs `neigh ntable change`.
pub(super) fn run(context: &mut Context, words: Words<'_>) -> anyhow::Result<()> {
    let (mut change, device) = parse(words)?;
    change.family = context.options.family()?;
    if let Some(name) = &device {
        change.parms.interface = Some(context.device(name)?);
    }
    if change.name.is_empty() {
        return Err(Failure::exact("Error: argument \"NAME\" is required", 255).into());
    }
    if !changes_anything(&change) {
        return Err(Failure::exact("Not enough information: changeable attributes required.", 255).into());
    }
    context.table()?.set_table(&change).map_err(request_failed)
}

fn parse(mut words: Words<'_>) -> Result<(TableChange, Option<String>), Failure> {
    let (mut change, mut device) = (TableChange::default(), None);
    let mut name: Option<String> = None;
    while let Some(word) = words.next() {
        let mut count = || -> Result<Option<u32>, Failure> {
            let value = words.value()?;
            number32(value).map(Some).ok_or_else(|| invalid(word, value))
        };
        let parms = &mut change.parms;
        match word {
            "thresh1" => change.thresh[0] = count()?,
            "thresh2" => change.thresh[1] = count()?,
            "thresh3" => change.thresh[2] = count()?,
            "queue" => parms.queue_len = count()?,
            "app_probes" => parms.app_probes = count()?,
            "ucast_probes" => parms.ucast_probes = count()?,
            "mcast_probes" => parms.mcast_probes = count()?,
            "proxy_queue" => parms.proxy_qlen = count()?,
            "name" => {
                let value = words.value()?;
                if name.replace(value.into()).is_some() {
                    return Err(duplicate("NAME", value));
                }
            }
            "dev" => device = Some(words.value()?.into()),
            _ => {
                let place = match word {
                    "gc_int" => &mut change.gc_interval,
                    "base_reachable" => &mut parms.base_reachable_time,
                    "retrans" => &mut parms.retrans_time,
                    "gc_stale" => &mut parms.gc_staletime,
                    "delay_probe" => &mut parms.delay_probe_time,
                    "anycast_delay" => &mut parms.anycast_delay,
                    "proxy_delay" => &mut parms.proxy_delay,
                    "locktime" => &mut parms.locktime,
                    _ => return Err(wrong(word, "unknown")),
                };
                let value = words.value()?;
                *place = Some(number(value).ok_or_else(|| invalid(word, value))?);
            }
        }
    }
    change.name = name.unwrap_or_default();
    Ok((change, device))
}

fn invalid(word: &str, value: &str) -> Failure {
    wrong(value, &format!("\"{word}\" value is invalid"))
}

fn changes_anything(change: &TableChange) -> bool {
    let mut without = change.clone();
    without.parms.interface = None;
    let nothing = TableChange { family: change.family, name: change.name.clone(), ..TableChange::default() };
    without != nothing
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<(TableChange, Option<String>), Failure> {
        let words: Vec<String> = line.split_whitespace().map(String::from).collect();
        parse(Words::new(&words))
    }

    #[test]
    fn what_is_wrong_is_said_in_iproute2s_words() {
        for (line, text) in [
            ("name", "Command line is not complete. Try option \"help\""),
            ("name arp_cache queue", "Command line is not complete. Try option \"help\""),
            ("name a name b", "Error: duplicate \"NAME\": \"b\" is the second value."),
            ("name a queue x", "Error: argument \"x\" is wrong: \"queue\" value is invalid"),
            ("name a thresh1 -1", "Error: argument \"-1\" is wrong: \"thresh1\" value is invalid"),
            ("name a locktime 0x", "Error: argument \"0x\" is wrong: \"locktime\" value is invalid"),
            ("name a base 1", "Error: argument \"base\" is wrong: unknown"),
            ("name a mcast_reprobes 1", "Error: argument \"mcast_reprobes\" is wrong: unknown"),
            ("help", "Error: argument \"help\" is wrong: unknown"),
        ] {
            assert_eq!(read(line).unwrap_err(), Failure::exact(text, 255), "{line}");
        }
    }

    #[test]
    fn each_word_goes_where_it_belongs_and_the_last_one_counts() {
        let (change, device) = read("dev v0 queue 5 queue 010 locktime -1 gc_int 7 name arp_cache").unwrap();
        assert_eq!((change.name.as_str(), device.as_deref()), ("arp_cache", Some("v0")));
        assert_eq!((change.parms.queue_len, change.parms.locktime), (Some(8), Some(u64::MAX)));
        assert_eq!(change.gc_interval, Some(7));
        assert!(changes_anything(&change) && !changes_anything(&read("name arp_cache").unwrap().0));
    }
}
