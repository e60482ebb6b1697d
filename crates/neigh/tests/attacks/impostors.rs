//! Impostors: who says to be somebody else, who lives.

use crate::stage::{ATTACKER, PEER, Stage, has};
use crate::world::{eventually, in_namespace};

/// Until the attack was refused three times, the binding holds at every look, and so it does afterwards.
#[track_caller]
fn holds(stage: &Stage, address: &str) {
    let refusal = format!("spoof suspected: {address} dev v1: not believed to be at {ATTACKER}");
    eventually(|| {
        let lladdr = stage.lladdr(address);
        assert_eq!(lladdr.as_deref(), Some(PEER), "{}", stage.daemon.show(""));
        match stage.told(&refusal) {
            3.. => Ok(()),
            few => Err(format!("refused {few} times")),
        }
    });
    stage.peer_is_answered();
    assert_eq!(stage.lladdr(address).as_deref(), Some(PEER));
}

#[test]
fn arpspoof_moves_nobody_who_answers_under_guarded_and_is_told() {
    in_namespace("impostors::arpspoof_moves_nobody_who_answers_under_guarded_and_is_told", || {
        if !has("arpspoof") {
            return;
        }
        let stage = Stage::new("--profile guarded");
        let _attack = stage.attack("arpspoof -i a1 -t 192.0.2.2 192.0.2.1");
        holds(&stage, "192.0.2.1");
        stage.watcher_tells(&format!("192.0.2.1 dev v0: moved from {PEER} to {ATTACKER}"));
        stage.watcher_tells("flip flop: 192.0.2.1 dev v0: ");
    });
}

#[test]
fn arpspoof_is_believed_under_linux_as_by_linux() {
    in_namespace("impostors::arpspoof_is_believed_under_linux_as_by_linux", || {
        if !has("arpspoof") {
            return;
        }
        let stage = Stage::new("--profile linux");
        let _attack = stage.attack("arpspoof -i a1 -t 192.0.2.2 192.0.2.1");
        eventually(|| match stage.lladdr("192.0.2.1").as_deref() {
            Some(ATTACKER) => Ok(()),
            other => Err(format!("it is at {other:?}")),
        });
        stage.watcher_tells(&format!("192.0.2.1 dev v0: moved from {PEER} to {ATTACKER}"));
    });
}

const ADVERTISE: &str = "atk6-fake_advertise6 -w 1 a1 2001:db8::1 2001:db8::2";

#[test]
fn fake_advertise6_moves_nobody_who_answers_under_guarded_and_is_told() {
    in_namespace("impostors::fake_advertise6_moves_nobody_who_answers_under_guarded_and_is_told", || {
        if !has("atk6-fake_advertise6") {
            return;
        }
        let stage = Stage::new("--profile guarded");
        let _attack = stage.attack(ADVERTISE);
        holds(&stage, "2001:db8::1");
        stage.watcher_tells(&format!("2001:db8::1 dev v0: moved from {PEER} to {ATTACKER}"));
    });
}

#[test]
fn fake_advertise6_is_believed_under_linux_as_by_linux() {
    in_namespace("impostors::fake_advertise6_is_believed_under_linux_as_by_linux", || {
        if !has("atk6-fake_advertise6") {
            return;
        }
        let stage = Stage::new("--profile linux");
        let _attack = stage.attack(ADVERTISE);
        eventually(|| match stage.lladdr("2001:db8::1").as_deref() {
            Some(ATTACKER) => Ok(()),
            other => Err(format!("it is at {other:?}")),
        });
    });
}

/// Behind destination options, where guards of switches do not look: the engine sees it, and so does the watcher.
#[test]
fn fake_advertise6_behind_extension_headers_gains_nothing_and_is_seen() {
    in_namespace("impostors::fake_advertise6_behind_extension_headers_gains_nothing_and_is_seen", || {
        if !has("atk6-fake_advertise6") {
            return;
        }
        let stage = Stage::new("--profile guarded");
        let _attack = stage.attack("atk6-fake_advertise6 -H -w 1 a1 2001:db8::1 2001:db8::2");
        holds(&stage, "2001:db8::1");
        stage.watcher_tells(
            "hidden frame: 2001:db8::1 dev v0: a neighbour advertisement comes behind IPv6 extension",
        );
    });
}

/// It answers whoever asks a group. A host of the kernel that forgot us asks so, and believes it; we ask a neighbour that
/// we know where it is, which nobody else hears.
#[test]
fn parasite6_takes_in_linux_and_not_us() {
    in_namespace("impostors::parasite6_takes_in_linux_and_not_us", || {
        if !has("atk6-parasite6") {
            return;
        }
        let stage = Stage::new("--profile guarded");
        let _attack = stage.attack("atk6-parasite6 -lR a1");
        eventually(|| {
            stage.on_peer("ip -6 neigh flush dev p1");
            stage.on_peer("ping -6 -c 1 -W 1 2001:db8::2");
            let table = stage.on_peer("ip -6 neigh show to 2001:db8::2");
            let text = String::from_utf8_lossy(&table.stdout).into_owned();
            if text.contains(ATTACKER) { Ok(()) } else { Err(format!("Linux believes nothing: {text}")) }
        });
        // The forged answer went to who asked, by unicast: on our cable nobody could see it.
        assert_eq!(stage.lladdr("2001:db8::1").as_deref(), Some(PEER));
    });
}

#[test]
fn dos_new_ip6_is_told_and_the_address_not_used() {
    in_namespace("impostors::dos_new_ip6_is_told_and_the_address_not_used", || {
        if !has("atk6-dos-new-ip6") {
            return;
        }
        let stage = Stage::new("--profile guarded");
        let _attack = stage.attack("atk6-dos-new-ip6 a1");
        let mut number = 0x70;
        // It may not listen yet.
        let refused = eventually(|| {
            number += 1;
            let address = format!("2001:db8::{number:x}");
            stage.ask(&format!("address add {address}/64 dev v1"));
            std::thread::sleep(std::time::Duration::from_millis(1500));
            let text = stage.ask("address show dev v1");
            let line = text.lines().find(|line| line.contains(&address)).unwrap_or_default().to_owned();
            if line.contains("dadfailed") { Ok(address) } else { Err(text) }
        });
        stage.daemon_tells(&format!("duplicate address: {refused} dev v1"));
        stage.watcher_tells(&format!("duplicate address: {refused} dev v0"));
        assert!(!stage.on_peer(&format!("ping -6 -c 1 -W 1 {refused}")).status.success());
        stage.peer_is_answered();
    });
}

#[test]
fn redir6_and_kill_router6_change_nothing_for_who_has_no_such_router() {
    in_namespace("impostors::redir6_and_kill_router6_change_nothing_for_who_has_no_such_router", || {
        if !has("atk6-redir6") || !has("atk6-kill_router6") {
            return;
        }
        let stage = Stage::new("--profile guarded");
        stage.attack_once(
            "timeout 3 atk6-redir6 a1 2001:db8::2 2001:db8:9::1 fe80::1 fe80::66 02:00:00:00:66:66",
        );
        let _attack = stage.attack("atk6-kill_router6 a1 fe80::1");
        stage.watcher_tells("new router: fe80::1 dev v0");
        assert_eq!(stage.lladdr("2001:db8:9::1"), None);
        assert_eq!(stage.lladdr("2001:db8::1").as_deref(), Some(PEER));
        stage.peer_is_answered();
    });
}
