//! A host on a real link, as the kernel on the other end meets it.

use crate::world::{
    ADDRESSES, Daemon, eventually, in_namespace, in_namespace_as_root, ip, kernel_addresses, mac_of, output,
    tap_is_possible, veth, works, xdp_is_possible,
};
use neighbour_link::{Link, Packet, PacketOptions};
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

/// A datagram to a port where nobody listens; the error comes back to the socket.
#[track_caller]
fn port_is_unreachable(to: &str) {
    let to: SocketAddr = to.parse().unwrap();
    let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any).unwrap();
    socket.connect(to).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    socket.send(b"anybody there?").unwrap();
    let error = socket.recv(&mut [0; 16]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused, "{to}: {error}");
}

/// All that the kernel can ask of a host on the link `dev`.
#[track_caller]
fn everything_works(dev: &str, daemon: &Daemon) {
    works("ping", "-c 2 -i 0.2 -W 5 192.0.2.2");
    works("ping", "-6 -c 2 -i 0.2 -W 5 2001:db8::2");
    works("ping", "-c 1 -W 5 -s 5000 192.0.2.2");
    let link_local = daemon.ready.split([' ', '/']).find(|word| word.starts_with("fe80::"));
    works("ping", &format!("-6 -c 1 -W 5 {}%{dev}", link_local.expect("a link-local address")));
    works("arping", &format!("-c 1 -w 5 -I {dev} 192.0.2.2"));
    works("ndisc6", &format!("-1 -w 5000 2001:db8::2 {dev}"));
    port_is_unreachable("192.0.2.2:9");
    port_is_unreachable("[2001:db8::2]:9");
    for closed in ["192.0.2.2:9", "[2001:db8::2]:9"] {
        let error = TcpStream::connect(closed).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused, "{closed}");
    }
    let other = output("arping", &format!("-c 1 -w 1 -I {dev} 192.0.2.77"));
    assert!(!other.status.success(), "somebody answered for an address that is nobody's");
}

#[test]
fn on_a_veth_the_kernel_meets_a_host() {
    in_namespace("host::on_a_veth_the_kernel_meets_a_host", || {
        veth();
        let daemon = Daemon::start(&format!("--port packet:v1 --mac 02:00:00:00:00:99 {ADDRESSES}"));
        assert!(daemon.ready.contains("v1 02:00:00:00:00:99"), "{}", daemon.ready);
        everything_works("v0", &daemon);
        let kernel = ip("neigh show 192.0.2.2 dev v0");
        assert!(kernel.starts_with("192.0.2.2 lladdr 02:00:00:00:00:99 "), "{kernel}");
        // Packets confirm nothing, so it probes the kernel, which answers.
        let mac = mac_of("v0");
        daemon.shows(&[
            &format!("192.0.2.1 dev v1 lladdr {mac} REACHABLE"),
            &format!("2001:db8::1 dev v1 lladdr {mac} REACHABLE"),
        ]);
    });
}

#[test]
fn on_a_tap_the_kernel_meets_a_host() {
    in_namespace("host::on_a_tap_the_kernel_meets_a_host", || {
        if !tap_is_possible() {
            return;
        }
        let daemon = Daemon::start(&format!("--port tap:nb0 {ADDRESSES}"));
        kernel_addresses("nb0");
        everything_works("nb0", &daemon);
        let kernel = mac_of("nb0");
        let ours = daemon.ready.split(' ').nth(2).unwrap();
        assert!(ours != kernel && daemon.ready.starts_with("ready: nb0 "), "{}", daemon.ready);
        assert!(ip("neigh show 192.0.2.2").starts_with(&format!("192.0.2.2 dev nb0 lladdr {ours} ")));
        daemon.shows(&[&format!("192.0.2.1 dev nb0 lladdr {kernel} REACHABLE")]);
    });
}

#[test]
fn under_the_interfaces_own_mac_it_is_a_host_too() {
    in_namespace("host::under_the_interfaces_own_mac_it_is_a_host_too", || {
        veth();
        let daemon = Daemon::start(&format!("--port packet:v1 {ADDRESSES}"));
        assert!(daemon.ready.contains(&format!("v1 {}", mac_of("v1"))), "{}", daemon.ready);
        works("ping", "-c 1 -W 5 192.0.2.2");
        works("ping", "-6 -c 1 -W 5 2001:db8::2");
    });
}

#[test]
fn who_asks_without_being_known_is_resolved_by_us() {
    in_namespace("host::who_asks_without_being_known_is_resolved_by_us", || {
        veth();
        // The kernel knows us, so that it asks for nothing, and nothing of it is known from its asking.
        for address in ["192.0.2.2", "2001:db8::2"] {
            ip(&format!("neigh add {address} lladdr 02:00:00:00:00:99 dev v0 nud permanent"));
        }
        let daemon = Daemon::start(&format!("--port packet:v1 --mac 02:00:00:00:00:99 {ADDRESSES}"));
        assert_eq!(daemon.show(""), "");
        works("ping", "-c 1 -W 5 192.0.2.2");
        works("ping", "-6 -c 1 -W 5 2001:db8::2");
        let mac = mac_of("v0");
        daemon.shows(&[
            &format!("192.0.2.1 dev v1 lladdr {mac} REACHABLE"),
            &format!("2001:db8::1 dev v1 lladdr {mac} REACHABLE"),
        ]);
    });
}

#[test]
fn answers_to_far_away_go_by_the_gateway() {
    in_namespace("host::answers_to_far_away_go_by_the_gateway", || {
        veth();
        ip("address add 203.0.113.1/32 dev lo");
        // Or the kernel's question for us would name 203.0.113.1, of which we learn that it is on the link.
        std::fs::write("/proc/sys/net/ipv4/conf/v0/arp_announce", "2").unwrap();
        let route = "--route 203.0.113.0/24,via,192.0.2.1";
        let daemon = Daemon::start(&format!("--port packet:v1 {ADDRESSES} {route}"));
        works("ping", "-c 1 -W 5 -I 203.0.113.1 192.0.2.2");
        let table = daemon.show("-4");
        assert!(table.contains("192.0.2.1 dev v1") && !table.contains("203.0.113.1"), "{table}");
    });
}

#[test]
fn two_ports_have_addresses_of_their_own() {
    in_namespace("host::two_ports_have_addresses_of_their_own", || {
        if !tap_is_possible() {
            return;
        }
        veth();
        let more = "--port tap:nb0 --address 198.51.100.2/24@nb0";
        let daemon = Daemon::start(&format!("--port packet:v1 {ADDRESSES} {more}"));
        ip("address add 198.51.100.1/24 dev nb0");
        works("ping", "-c 1 -W 5 192.0.2.2");
        works("ping", "-c 1 -W 5 198.51.100.2");
        let text = daemon.show("-j dev nb0");
        assert!(text.starts_with(r#"[{"dst":"198.51.100.1","lladdr":""#), "{text}");
    });
}

#[test]
fn an_address_that_the_kernel_has_is_a_duplicate_and_not_used() {
    in_namespace("host::an_address_that_the_kernel_has_is_a_duplicate_and_not_used", || {
        veth();
        let addresses = "--address 2001:db8::1/64 --address 2001:db8::2/64";
        let daemon = Daemon::start(&format!("--port packet:v1 {addresses}"));
        assert!(daemon.ready.contains("duplicate, not used: 2001:db8::1/64;"), "{}", daemon.ready);
        assert!(daemon.ready.contains(" 2001:db8::2/64"), "{}", daemon.ready);
        works("ping", "-6 -c 1 -W 5 2001:db8::2");
    });
}

#[test]
fn it_is_ready_when_the_link_comes_up_and_lives_through_its_going_down() {
    in_namespace("host::it_is_ready_when_the_link_comes_up_and_lives_through_its_going_down", || {
        veth();
        ip("link set v1 down");
        let mut daemon = Daemon::launch(&format!("--port packet:v1 {ADDRESSES}"));
        // It listens before it is ready.
        eventually(|| if daemon.socket.exists() { Ok(()) } else { Err("no socket".into()) });
        assert_eq!(daemon.show(""), "");
        assert!(!daemon.is_ready());
        ip("link set v1 up");
        daemon.wait_ready();
        works("ping", "-c 1 -W 5 192.0.2.2");
        ip("link set v1 down");
        eventually(|| match daemon.show("") {
            text if text.is_empty() => Ok(()),
            text => Err(format!("entries outlive their link:\n{text}")),
        });
        ip("link set v1 up");
        eventually(|| match output("ping", "-c 1 -W 1 192.0.2.2") {
            ping if ping.status.success() => Ok(()),
            _ => Err("no answer".into()),
        });
    });
}

#[test]
fn with_nothing_above_it_resolves_and_answers_no_ping() {
    in_namespace("host::with_nothing_above_it_resolves_and_answers_no_ping", || {
        veth();
        let _daemon = Daemon::start(&format!("--port packet:v1 {ADDRESSES} --upper none"));
        works("arping", "-c 1 -w 5 -I v0 192.0.2.2");
        works("ndisc6", "-1 -w 5000 2001:db8::2 v0");
        assert!(!output("ping", "-c 1 -W 1 192.0.2.2").status.success());
    });
}

#[test]
fn a_table_that_is_full_is_told_of_in_linuxs_words() {
    in_namespace("host::a_table_that_is_full_is_told_of_in_linuxs_words", || {
        veth();
        ip("neigh add 192.0.2.2 lladdr 02:00:00:00:00:99 dev v0 nud permanent");
        let small = "--set ipv4/gc_thresh1=1 --set ipv4/gc_thresh2=1 --set ipv4/gc_thresh3=2";
        let mac = "--mac 02:00:00:00:00:99";
        let daemon = Daemon::start(&format!("--port packet:v1 {mac} {ADDRESSES} {small}"));
        for host in 10..14 {
            ip(&format!("address add 192.0.2.{host}/24 dev v0"));
            let _lost = output("ping", &format!("-c 1 -W 1 -I 192.0.2.{host} 192.0.2.2"));
        }
        eventually(|| match daemon.log() {
            log if log.contains("neighbour: arp_cache: neighbor table overflow!") => Ok(()),
            log => Err(log),
        });
    });
}

#[test]
fn by_xdp_the_kernel_s_neighbours_are_ours_and_its_packets_its_own() {
    in_namespace_as_root("host::by_xdp_the_kernel_s_neighbours_are_ours_and_its_packets_its_own", || {
        veth();
        if !xdp_is_possible("v1") {
            return;
        }
        let mut daemon = Daemon::start(&format!("--port xdp:v1 {ADDRESSES} --verbose"));
        let mac = mac_of("v1");
        works("arping", "-c 1 -w 5 -I v0 192.0.2.2");
        works("ndisc6", "-1 -w 5000 2001:db8::2 v0");
        // The kernel resolves us; its packets are not for us.
        for address in ["192.0.2.2", "2001:db8::2"] {
            let output = output("ping", &format!("-c 1 -W 1 {address}"));
            assert!(!output.status.success(), "there is nobody behind {address} but its neighbour layer");
            assert!(ip(&format!("neigh show {address} dev v0")).contains(&mac), "{address}");
        }
        assert!(daemon.show("to 192.0.2.1").contains(&mac_of("v0")));
        assert!(daemon.log().contains("v1: XDP, native"), "{}", daemon.log());
        // Under another address it is opened anew.
        ip("link set v1 address 02:00:00:00:99:01");
        eventually(|| {
            let text = output("arping", "-c 1 -w 1 -I v0 192.0.2.2");
            let text = String::from_utf8_lossy(&text.stdout).to_lowercase();
            if text.contains("02:00:00:00:99:01") { Ok(()) } else { Err(text) }
        });
        assert_eq!(daemon.end("TERM"), Some(0));
        assert!(!ip("-d link show v1").contains("prog/xdp"), "nothing is left attached");
    });
}

/// Somebody else on the link says that the kernel's address is his; the kernel, asked, says that it is not.
#[test]
fn under_guarded_an_impostor_is_not_believed_while_the_neighbour_answers_and_under_linux_he_is() {
    in_namespace(
        "host::under_guarded_an_impostor_is_not_believed_while_the_neighbour_answers_and_under_linux_he_is",
        || {
            veth();
            let theirs = mac_of("v0");
            for (profile, believed) in [("guarded", false), ("linux", true)] {
                let words = format!(
                    "--port packet:v1 {ADDRESSES} --profile {profile} --set neigh/locktime=0 --verbose"
                );
                let mut daemon = Daemon::start(&words);
                works("ping", "-c 2 -i 0.2 -W 5 192.0.2.2");
                daemon.shows(&[&format!("192.0.2.1 dev v1 lladdr {theirs} REACHABLE")]);
                let new = daemon.log().contains(&format!("new station: 192.0.2.1 dev v1: at {theirs}"));
                assert_eq!(new, !believed, "it is told under guarded, in the watcher's words");
                let options = PacketOptions { mac: Some(IMPOSTOR), ..PacketOptions::default() };
                let mut impostor = Packet::open("v0", options).expect("a packet socket");
                impostor.transmit(Duration::ZERO, &forged()).and_then(|()| impostor.flush()).expect("sent");
                if believed {
                    eventually(|| match daemon.show("to 192.0.2.1") {
                        text if text.contains("02:00:00:00:66:66") => Ok(()),
                        text => Err(text),
                    });
                } else {
                    eventually(|| match daemon.log() {
                        log if log.contains(
                            "not believed to be at 02:00:00:00:66:66: the old address answered",
                        ) =>
                        {
                            Ok(())
                        }
                        log => Err(log),
                    });
                    assert!(daemon.show("to 192.0.2.1").contains(&theirs));
                    let why = works(
                        env!("CARGO_BIN_EXE_neigh"),
                        &format!("--socket {} why 192.0.2.1", daemon.socket.display()),
                    );
                    assert!(why.contains("not believed to be at 02:00:00:00:66:66"), "{why}");
                }
                works("ping", "-c 1 -W 5 2001:db8::2");
                assert_eq!(daemon.end("TERM"), Some(0));
            }
        },
    );
}

const IMPOSTOR: [u8; 6] = [2, 0, 0, 0, 0x66, 0x66];

/// A gratuitous ARP request: 192.0.2.1 is at the impostor's.
fn forged() -> Vec<u8> {
    let mut frame = vec![0xff; 6];
    frame.extend(IMPOSTOR);
    frame.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
    frame.extend(IMPOSTOR);
    frame.extend([192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1]);
    frame
}

#[test]
fn under_guarded_an_ipv4_address_that_the_kernel_has_is_found_out_and_another_is_used() {
    in_namespace(
        "host::under_guarded_an_ipv4_address_that_the_kernel_has_is_found_out_and_another_is_used",
        || {
            veth();
            let words = "--port packet:v1 --address 192.0.2.1/24 --address 192.0.2.2/24 --profile guarded";
            let mut daemon = Daemon::start(&format!("{words} --set conf/accept_dad=0"));
            assert!(daemon.ready.contains("duplicate, not used: 192.0.2.1/24;"), "{}", daemon.ready);
            works("ping", "-c 1 -W 5 192.0.2.2");
            assert!(daemon.log().contains("192.0.2.1 dev v1: "), "{}", daemon.log());
            assert_eq!(daemon.end("TERM"), Some(0));
        },
    );
}
