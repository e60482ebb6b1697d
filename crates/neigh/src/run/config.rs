//! `--config FILE`: the same keys in TOML.

use super::args::{Args, Profile, Upper};
use crate::failure::Failure;
use serde::Deserialize;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// What the file may say; each key as on the command line.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    port: Vec<String>,
    #[serde(default)]
    address: Vec<String>,
    #[serde(default)]
    route: Vec<String>,
    #[serde(default)]
    set: Vec<String>,
    #[serde(default)]
    mac: Vec<String>,
    upper: Option<Upper>,
    pcap: Option<PathBuf>,
    socket: Option<PathBuf>,
    group: Option<String>,
    state: Option<PathBuf>,
    profile: Option<Profile>,
    seed: Option<u64>,
    #[serde(default)]
    verbose: bool,
}

/// The arguments with those of the file, if one is named, before them.
pub(super) fn merged(args: Args) -> Result<Args, Failure> {
    let Some(path) = args.config.clone() else { return Ok(args) };
    let wrong = |what: &dyn Display, hint: &str| {
        Failure::new(format_args!("--config {}: {what}", path.display()), hint)
    };
    let text = std::fs::read_to_string(&path)
        .map_err(|error| wrong(&error, "name a file in TOML that can be read"))?;
    let file: File = toml::from_str(&text).map_err(|error| {
        let line = error.span().map(|span| text[..span.start].matches('\n').count() + 1);
        let place = line.map(|line| format!("line {line}: ")).unwrap_or_default();
        wrong(
            &format_args!("{place}{}", error.message().replace('\n', " ")),
            "`neigh run --help` lists the keys",
        )
    })?;
    Ok(Args {
        ports: joined(&path, "port", &file.port, args.ports)?,
        addresses: joined(&path, "address", &file.address, args.addresses)?,
        routes: joined(&path, "route", &file.route, args.routes)?,
        sets: joined(&path, "set", &file.set, args.sets)?,
        macs: joined(&path, "mac", &file.mac, args.macs)?,
        upper: args.upper.or(file.upper),
        pcap: args.pcap.or(file.pcap),
        socket: args.socket.or(file.socket),
        group: args.group.or(file.group),
        state: args.state.or(file.state),
        check: args.check,
        no_sandbox: args.no_sandbox,
        profile: args.profile.or(file.profile),
        config: args.config,
        seed: args.seed.or(file.seed),
        verbose: args.verbose || file.verbose,
    })
}

fn joined<T: FromStr<Err = String>>(
    path: &Path,
    key: &str,
    texts: &[String],
    given: Vec<T>,
) -> Result<Vec<T>, Failure> {
    let mut all = Vec::new();
    for text in texts {
        let value = text.parse().map_err(|error| {
            let what = format!("--config {}: {key} {text:?}: {error}", path.display());
            Failure::new(what, "mend this line of the file")
        })?;
        all.push(value);
    }
    all.extend(given);
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_the_command_line_and_no_others() {
        let file: File = toml::from_str(
            "port = ['tap:a']\naddress = ['192.0.2.1/24']\nset = ['gc_thresh3=4096']\nupper = 'none'\nseed = 7",
        )
        .unwrap();
        assert_eq!((file.port.len(), file.upper, file.seed), (1, Some(Upper::None), Some(7)));
        let error = toml::from_str::<File>("ports = []").unwrap_err();
        assert!(error.message().contains("unknown field `ports`"), "{error}");
    }
}
