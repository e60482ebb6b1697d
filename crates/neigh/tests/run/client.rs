//! A client that nobody here wrote: pyroute2, the rtnetlink library of Python, at the daemon's socket.

use crate::world::{ADDRESSES, Daemon, in_namespace, output, veth};
use std::path::Path;

/// Where `.ci/run` installs it: a virtual environment of Python with pyroute2.
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/pyroute2/bin/python");
const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/run/pyroute2_client.py");

#[test]
fn pyroute2_adds_dumps_watches_and_deletes_at_our_socket() {
    if !Path::new(PYTHON).exists() {
        assert!(std::env::var_os("CI").is_none(), "{PYTHON} is not there: .ci/run installs it");
        println!(
            "skipped: no pyroute2: python3 -m venv target/pyroute2; target/pyroute2/bin/pip install pyroute2"
        );
        return;
    }
    in_namespace("client::pyroute2_adds_dumps_watches_and_deletes_at_our_socket", || {
        veth();
        let daemon = Daemon::start(&format!("--port packet:v1 {ADDRESSES}"));
        let output = output("timeout", &format!("60 {PYTHON} {CLIENT} {}", daemon.socket.display()));
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success() && text.contains("pyroute2 is content"), "{}\n{text}", output.status);
    });
}
