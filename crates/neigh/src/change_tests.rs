//! Words against what iproute2 6.1 makes of them.

use super::*;

fn parse(line: &str) -> Result<Order, Failure> {
    let words: Vec<String> = line.split_whitespace().map(String::from).collect();
    Order::parse(Words::new(&words), None)
}

#[test]
fn what_is_wrong_is_said_in_iproute2s_words_with_its_exit_code() {
    let incomplete = "Command line is not complete. Try option \"help\"";
    let required = "Device and destination are required arguments.";
    for (line, text, code) in [
        ("", required, 255),
        ("dev v0", required, 255),
        ("1.2.3.4", required, 255),
        ("any dev v0", required, 255),
        ("lladdr zz", required, 255),
        ("help", incomplete, 255),
        ("proxy", incomplete, 255),
        ("1.2.3.4 nud", incomplete, 255),
        ("1.2.3.4/32 dev v0", "Error: any valid address is expected rather than \"1.2.3.4/32\".", 1),
        ("help x", "Error: any valid address is expected rather than \"x\".", 1),
        ("1.2.3.4 1.2.3.5", "Error: either \"to\" is duplicate, or \"1.2.3.5\" is a garbage.", 255),
        ("1.2.3.4 rout dev v0", "Error: either \"to\" is duplicate, or \"rout\" is a garbage.", 255),
        ("1.2.3.4 proxy 1.2.3.5", "Error: duplicate \"address\": \"1.2.3.5\" is the second value.", 255),
        ("1.2.3.4 pr bgp", "Error: duplicate \"address\": \"bgp\" is the second value.", 255),
        ("1.2.3.4 lladdr 1 ll 2", "Error: duplicate \"lladdr\": \"2\" is the second value.", 255),
        ("1.2.3.4 nud all", "Error: argument \"all\" is wrong: nud state is bad", 255),
        ("1.2.3.4 proto x", "Error: argument \"x\" is wrong: \"protocol\" value is invalid\n", 255),
    ] {
        assert_eq!(parse(line), Err(Failure::exact(text, code)), "{line}");
    }
    let lladdr = Failure::passing("\"zz\" is invalid lladdr.", 1);
    assert_eq!(parse("1.2.3.4 lladdr zz dev nope"), Err(lladdr));
}

#[test]
fn each_command_asks_as_iproute2_does() {
    let order = || parse("10.9 lladdr 2:0:0:0:0:5 dev v0 ext prot bgp").unwrap();
    let flags = |verb| {
        let Request { create, exclusive, replace, .. } = order().request(3, verb);
        (create, exclusive, replace)
    };
    assert_eq!(flags(Verb::Add), (true, true, false));
    assert_eq!(flags(Verb::Replace), (true, false, true));
    assert_eq!(flags(Verb::Change), (false, false, true));
    let request = order().request(3, Verb::Add);
    assert_eq!((request.interface, request.address), (3, "10.9.0.0".parse().unwrap()));
    assert_eq!((request.state, request.protocol), (0x80, Some(186)));
    assert_eq!((request.flags, request.lladdr), (Flags::EXT_LEARNED, Some(vec![2, 0, 0, 0, 0, 5])));
}

#[test]
fn the_words_may_stand_in_any_order_and_a_proxy_entry_needs_no_device() {
    let order = parse("dev v0 router nud stale nud 0x80 to fd00::1 lladdr null").unwrap();
    assert_eq!((order.state, order.lladdr, order.flags), (Some(0x80), None, Flags::ROUTER));
    let order = parse("proxy 10.0.0.1").unwrap();
    assert_eq!((order.device, order.flags), (None, Flags::PROXY));
    let order = parse("10.0.0.1 dev v0 extern_valid managed use").unwrap();
    assert_eq!(order.flags, Flags::EXT_VALIDATED | Flags::MANAGED | Flags::USE);
    assert_eq!(order.state, Some(0));
    assert_eq!(parse("10.0.0.1 dev v0 managed nud permanent").unwrap().state, Some(0x80));
    assert_eq!(parse("10.0.0.1 dev v0 nud permanent managed").unwrap().state, Some(0));
}

#[test]
fn what_would_be_without_effect_is_noticed() {
    for (line, named) in [
        ("10.0.0.1 dev v0 managed lladdr 2:0:0:0:0:5", Some("`managed` resolves")),
        ("10.0.0.1 dev v0 use nud stale", Some("`nud` would be")),
        ("10.0.0.1 dev v0 use", None),
        ("10.0.0.1 dev v0 managed", None),
        ("10.0.0.1 dev v0 nud stale", None),
    ] {
        let said = parse(line).unwrap().is_all_used().err().map(|failure| failure.to_string());
        assert_eq!(said.is_some(), named.is_some(), "{line}");
        assert!(said.unwrap_or_default().contains(named.unwrap_or_default()), "{line}");
    }
}
