//! `neigh run` as a child.

use super::{ADDRESSES, FAR, Profile};
use anyhow::{Context, ensure};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A daemon on the far end, ready to answer; it ends with the value.
#[derive(Debug)]
pub(crate) struct Daemon {
    child: Child,
    directory: PathBuf,
    socket: PathBuf,
}

impl Daemon {
    pub(crate) fn start(profile: Profile) -> anyhow::Result<Self> {
        let directory =
            std::env::temp_dir().join(format!("neigh-bench-{}-{}", std::process::id(), profile.word()));
        fs::create_dir_all(&directory).with_context(|| format!("making {}", directory.display()))?;
        let socket = directory.join("neigh.sock");
        let mut command = Command::new(std::env::current_exe()?);
        command.args([
            "run",
            "--port",
            &format!("packet:{FAR}"),
            "--upper",
            "none",
            "--set",
            "conf/accept_dad=0",
            "--set",
            "ipv4/conf/acd=0",
            "--profile",
            profile.word(),
        ]);
        ADDRESSES.iter().for_each(|address| {
            command.args(["--address", address]);
        });
        command.arg("--socket").arg(&socket);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("starting `neigh run`")?;
        let mut line = String::new();
        let said = child.stdout.take().map(|stdout| BufReader::new(stdout).read_line(&mut line));
        let daemon = Self { child, directory, socket };
        said.transpose()?;
        ensure!(
            line.starts_with("ready"),
            "`neigh run` ended before it was ready; it said \"{}\"",
            line.trim()
        );
        Ok(daemon)
    }

    /// Where its table can be asked.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
        let _gone = fs::remove_dir_all(&self.directory);
    }
}
