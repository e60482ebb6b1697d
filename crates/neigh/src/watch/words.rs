//! The words of `neigh watch`.

use crate::failure::Failure;
use crate::watcher::Limits;
use crate::words::Words;
use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;

const USAGE: &str =
    "neigh watch [dev DEV] | { on IFACE | in FILE } [prefix CIDR]... [scan N] [storm N] [stations N]";

/// What is to be watched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Asked<'a> {
    /// What the daemon tells, of one device or all.
    Daemon { dev: Option<&'a str> },
    /// An interface.
    Interface { name: &'a str, limits: Limits },
    /// A capture file.
    Capture { file: &'a Path, limits: Limits },
}

/// Reads them.
pub(super) fn read(mut words: Words<'_>) -> Result<Asked<'_>, Failure> {
    let (mut dev, mut on, mut file) = (None, None, None);
    let mut limits = Limits::default();
    // Whoever limits a daemon's own alerts is told.
    let mut passive = None;
    while let Some(word) = words.next() {
        let mut value = || {
            let missing = || Failure::new(format_args!("watch {word}: its value is missing"), USAGE);
            words.next().ok_or_else(missing)
        };
        match word {
            "dev" => dev = Some(value()?),
            "on" => on = Some(value()?),
            "in" => file = Some(value()?),
            "prefix" => limits.prefixes.push(parsed(word, value()?, "give one as 192.0.2.0/24")?),
            "scan" => limits.scan = number(word, value()?, 2, 4096)? as usize,
            "storm" => limits.storm = number(word, value()?, 1, u64::from(u32::MAX))?,
            "stations" => limits.stations = number(word, value()?, 1, 10_000_000)? as usize,
            _ => return Err(Failure::new(format_args!("watch {word}: there is no such word"), USAGE)),
        }
        if ["prefix", "scan", "storm", "stations"].contains(&word) {
            passive = Some(word);
        }
    }
    match (dev, on, file, passive) {
        (dev, None, None, None) => Ok(Asked::Daemon { dev }),
        (None, Some(name), None, _) => Ok(Asked::Interface { name, limits }),
        (None, None, Some(file), _) => Ok(Asked::Capture { file: Path::new(file), limits }),
        (_, None, None, Some(word)) => {
            let what = format!("watch {word}: it is for an interface or a capture, and none is named");
            Err(Failure::new(what, USAGE))
        }
        _ => Err(Failure::new("watch: only one of dev, on and in can be given", USAGE)),
    }
}

fn parsed<T: FromStr<Err: Display>>(word: &str, text: &str, hint: &str) -> Result<T, Failure> {
    text.parse().map_err(|error| Failure::new(format_args!("watch {word} {text}: {error}"), hint))
}

fn number(word: &str, text: &str, least: u64, most: u64) -> Result<u64, Failure> {
    let hint = format!("give a number from {least} to {most}");
    let number = parsed(word, text, &hint)?;
    if !(least..=most).contains(&number) {
        return Err(Failure::new(format_args!("watch {word} {number}: it is out of range"), hint));
    }
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str) -> Result<String, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let asked = read(Words::new(&words));
        asked.map(|asked| format!("{asked:?}")).map_err(|failure| failure.to_string())
    }

    #[test]
    fn what_is_to_be_watched_is_one_thing() {
        assert_eq!(asked("").unwrap(), "Daemon { dev: None }");
        assert_eq!(asked("dev eth0").unwrap(), "Daemon { dev: Some(\"eth0\") }");
        let on =
            asked("on eth0 prefix 192.0.2.0/24 prefix 2001:db8::/64 scan 10 storm 20 stations 30").unwrap();
        for part in
            ["name: \"eth0\"", "scan: 10", "storm: 20", "stations: 30", "192.0.2.0/24", "2001:db8::/64"]
        {
            assert!(on.contains(part), "{part} is not in {on}");
        }
        assert!(asked("in a.pcap").unwrap().starts_with("Capture { file: \"a.pcap\""));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (line, expected) in [
            ("nonsense", "watch nonsense: there is no such word"),
            ("on", "watch on: its value is missing"),
            ("on eth0 in a.pcap", "only one of"),
            ("dev eth0 on eth0", "only one of"),
            ("scan 10", "watch scan: it is for an interface or a capture"),
            ("on eth0 prefix 192.0.2.0/33", "watch prefix 192.0.2.0/33: prefix length 33 is too long"),
            ("on eth0 scan x", "watch scan x: invalid digit"),
            ("on eth0 scan 1", "watch scan 1: it is out of range"),
            ("on eth0 stations 0", "watch stations 0: it is out of range"),
        ] {
            let error = asked(line).unwrap_err();
            assert!(error.contains(expected) && error.contains("hint: "), "{line}: {error}");
        }
    }
}
