//! What the parser of arguments is given, and what it says.

use super::*;
use clap::CommandFactory;

fn ordered(line: &str) -> Result<String, Failure> {
    let args = in_clap_order(line.split(' ').map(OsString::from).collect())?;
    let args: Vec<&str> = args.iter().map(|arg| arg.to_str().unwrap()).collect();
    Ok(args.join(" "))
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn options_may_stand_anywhere_and_be_cut_short_as_with_ip() {
    for (given, expected) in [
        ("neigh show", "neigh show"),
        ("neigh -j s dev v0", "neigh show --json -- dev v0"),
        ("neigh s dev v0 -j", "neigh show --json -- dev v0"),
        ("neigh -json -stat lst", "neigh show --json --stats"),
        ("neigh -s -s f all", "neigh flush --stats --stats -- all"),
        ("neigh -j -j l", "neigh show --json"),
        ("neigh --socket /x l", "neigh show --socket /x"),
        ("neigh --socket=/x -6 list", "neigh show --socket=/x -6"),
        ("neigh -d -l 5 l", "neigh show"),
        ("neigh a 10.0.0.1 dev v0", "neigh add -- 10.0.0.1 dev v0"),
        ("neigh show nud -1", "neigh show -- nud -1"),
        ("neigh neigh show", "neigh show"),
        ("neigh --help", "neigh --help"),
        ("neigh --help sho", "neigh show --help"),
        ("neigh help fl", "neigh help flush"),
        ("neigh -b x", "neigh show --batch x"),
        ("neigh --kernel", "neigh show --kernel"),
        ("neigh run --port tap:t", "neigh run --port tap:t"),
        ("neigh", "neigh"),
    ] {
        assert_eq!(ordered(given).as_deref(), Ok(expected), "{given}");
    }
}

#[test]
fn what_does_not_exist_is_said_in_iproute2s_words() {
    let option = Failure::exact("Option \"-z\" is unknown, try \"ip -help\".", 255);
    assert_eq!(ordered("neigh -z show"), Err(option));
    let command = Failure::exact("Command \"foo\" is unknown, try \"ip neigh help\".", 255);
    assert_eq!(ordered("neigh foo"), Err(command));
}

#[test]
fn an_error_of_the_parser_is_one_line() {
    for line in ["run --addres 1.2.3.4", "run --seed x", "run --upper tun", "show --kernel --socket /x"] {
        let args = in_clap_order(format!("neigh {line}").split(' ').map(OsString::from).collect());
        let text = one_line(&Cli::try_parse_from(args.unwrap()).unwrap_err().to_string());
        assert!(text.starts_with("error: ") && text.contains("hint: ") && !text.contains('\n'), "{text}");
    }
}

#[test]
fn each_command_has_help_of_two_depths() {
    for command in Cli::command().get_subcommands() {
        let (short, long) = (command.get_about(), command.get_long_about());
        assert!(short.is_some() && long.is_some(), "{}", command.get_name());
    }
}
