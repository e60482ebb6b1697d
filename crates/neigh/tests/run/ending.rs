//! How the daemon ends: nothing is left behind but what was asked for.

use crate::world::{
    ADDRESSES, Daemon, eventually, in_namespace, ip, output, scratch, tap_is_possible, veth, works,
};

#[test]
fn signals_end_it_cleanly_and_the_capture_is_whole() {
    in_namespace("ending::signals_end_it_cleanly_and_the_capture_is_whole", || {
        veth();
        for signal in ["TERM", "INT"] {
            let pcap = scratch("all.pcap");
            let mut daemon =
                Daemon::start(&format!("--port packet:v1 {ADDRESSES} --pcap {}", pcap.display()));
            works("ping", "-c 1 -W 5 192.0.2.2");
            assert_eq!(daemon.end(signal), Some(0));
            assert!(!daemon.socket.exists(), "the socket is left behind after {signal}");
            // As an ordinary user: as root it would become another one, which this namespace does not have.
            let user = "--user --map-user=1000 --map-group=1000 -- tcpdump -nn";
            let text = works("unshare", &format!("{user} -r {}", pcap.display()));
            let requests = text.matches("192.0.2.1 > 192.0.2.2: ICMP echo request").count();
            let replies = text.matches("192.0.2.2 > 192.0.2.1: ICMP echo reply").count();
            assert_eq!((requests, replies), (1, 1), "{text}");
            std::fs::remove_file(&pcap).unwrap();
        }
    });
}

#[test]
fn a_tap_goes_with_it() {
    in_namespace("ending::a_tap_goes_with_it", || {
        if !tap_is_possible() {
            return;
        }
        let mut daemon = Daemon::start(&format!("--port tap:nb0 {ADDRESSES}"));
        ip("link show nb0");
        assert_eq!(daemon.end("TERM"), Some(0));
        assert!(!output("ip", "link show nb0").status.success());
    });
}

#[test]
fn a_signal_before_it_is_ready_ends_it_too() {
    in_namespace("ending::a_signal_before_it_is_ready_ends_it_too", || {
        veth();
        ip("link set v1 down");
        let mut daemon = Daemon::launch("--port packet:v1");
        eventually(|| if daemon.socket.exists() { Ok(()) } else { Err("no socket".into()) });
        assert_eq!(daemon.end("TERM"), Some(0));
        assert!(!daemon.socket.exists());
    });
}

#[test]
fn it_ends_when_its_last_interface_is_gone() {
    in_namespace("ending::it_ends_when_its_last_interface_is_gone", || {
        veth();
        let mut daemon = Daemon::start(&format!("--port packet:v1 {ADDRESSES}"));
        ip("link delete v1");
        let code = eventually(|| match daemon.child.try_wait() {
            Ok(Some(status)) => Ok(status.code()),
            _ => Err("it runs on".into()),
        });
        assert_eq!(code, Some(1));
        assert!(!daemon.socket.exists());
    });
}
