//! Rows and baseline as they were recorded.

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

/// A described frame, by the names of the recording (`eth_dst`, `type`, `sip` ...).
pub type Description = Map<String, Value>;

/// One recorded case.
#[derive(Clone, Debug, Deserialize)]
pub struct Row {
    /// Its name.
    pub id: String,
    /// What it belongs to; [`Meta::groups`] says what the group sets up.
    pub group: String,
    /// Set on top of the baseline.
    #[serde(default)]
    pub sysctl: BTreeMap<String, Value>,
    /// Shell commands run before, separated by `;`.
    #[serde(default)]
    pub setup: Option<String>,
    /// The neighbour looked at.
    pub key_ip: IpAddr,
    /// The state it was in.
    pub prior_state: String,
    /// The address it had.
    #[serde(default)]
    pub prior_lladdr: Option<String>,
    /// The flags it had.
    #[serde(default)]
    pub prior_flags: Vec<String>,
    /// Time between its last update and the frame, such as `10ms`.
    pub since_update: String,
    /// What was injected, described.
    #[serde(default)]
    pub frame: Option<Description>,
    /// What was injected.
    #[serde(default)]
    pub frame_hex: Option<String>,
    /// What happened locally instead.
    #[serde(default)]
    pub event: Option<LocalEvent>,
    /// What the event returned: 0, a name, or one of those for each datagram.
    #[serde(default)]
    pub errno: Option<Value>,
    /// The neighbour exists afterwards.
    pub after_exists: bool,
    /// Its state afterwards; NONE without one.
    pub after_state: String,
    /// Its address afterwards.
    pub after_lladdr: Option<String>,
    /// Its flags afterwards.
    pub after_flags: Vec<String>,
    /// Its probes afterwards.
    pub after_probes: Option<u32>,
    /// What the host answered.
    pub reply: Option<Description>,
    /// All it sent.
    pub emitted: Vec<Description>,
    /// What userspace was told.
    pub notify: Vec<Notification>,
    /// Other neighbours that appeared.
    pub other_entries_created: Vec<Value>,
    /// Parameters afterwards, by their names below `/proc/sys/net`.
    #[serde(default)]
    pub sysctl_after: BTreeMap<String, String>,
    /// What became of the host's address that was being checked.
    #[serde(default)]
    pub own_addr_after: Option<String>,
}

/// Something that happened on the host itself.
#[derive(Clone, Debug, Deserialize)]
pub struct LocalEvent {
    /// What: `send_udp`, `RTM_NEWNEIGH`, a change of the link ...
    pub kind: String,
    /// The case's name.
    #[serde(default)]
    pub name: String,
    /// The state a request asks for: a name, or a number such as `0xff`.
    #[serde(default)]
    pub state: Option<String>,
    /// NDA_LLADDR.
    #[serde(default)]
    pub lladdr: Option<String>,
    /// `create|replace` and the like, or `none`.
    #[serde(default)]
    pub nlflags: Option<String>,
    /// Flags of the request, joined by `_`: `use_router`.
    #[serde(default)]
    pub flags: Option<String>,
    /// How many datagrams.
    #[serde(default)]
    pub count: Option<u32>,
    /// Sent with MSG_CONFIRM.
    #[serde(default)]
    pub msg_confirm: bool,
    /// The interface index of the request, where it is not that of v1.
    #[serde(default)]
    pub ifindex: Option<u32>,
    /// `other`: the destination is of the other family than the request.
    #[serde(default)]
    pub family: Option<String>,
    /// What kind of address [`Row::key_ip`] is.
    #[serde(default)]
    pub dst: Option<String>,
    /// Fields unknown to this replayer.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// A notification of rtnetlink.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Notification {
    /// NEWNEIGH, DELNEIGH, GETNEIGH.
    pub msg: String,
    /// The neighbour.
    pub ip: String,
    /// Its state.
    pub state: String,
    /// Its address.
    pub lladdr: Option<String>,
    /// Its flags.
    pub flags: Vec<String>,
}

/// What holds for all rows, and for groups of them.
#[derive(Clone, Debug, Deserialize)]
pub struct Meta {
    /// Set before all else.
    pub baseline_sysctl: BTreeMap<String, Value>,
    /// By name.
    #[serde(default)]
    pub groups: BTreeMap<String, Group>,
}

/// A group of rows. Its `sysctl` and `setup` stand in each of its rows, too.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Group {
    /// Commands run before each row, after the setup.
    #[serde(default)]
    pub row_before: Option<String>,
    /// The own address whose fate [`Row::own_addr_after`] tells.
    #[serde(default)]
    pub addr: Option<IpAddr>,
    /// Seconds between the event and the look at what came of it.
    #[serde(default)]
    pub settle: Option<f64>,
}

impl Row {
    /// The bytes injected.
    pub fn frame_bytes(&self) -> Result<Option<Vec<u8>>> {
        self.frame_hex.as_deref().map(unhex).transpose().context("frame_hex")
    }

    /// The value of a row's own sysctl.
    pub fn sysctl_value(&self, name: &str) -> Option<i64> {
        match self.sysctl.get(name)? {
            Value::String(text) => text.parse().ok(),
            value => value.as_i64(),
        }
    }

    /// [`Row::since_update`] as a span of time.
    pub fn since_update(&self) -> Result<Duration> {
        let text = self.since_update.as_str();
        let (number, unit) = match text.strip_suffix("ms") {
            Some(number) => (number, 1e-3),
            None => (text.strip_suffix('s').unwrap_or(text), 1.0),
        };
        let seconds = number.parse::<f64>().ok().map(|number| number * unit);
        let span = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        span.with_context(|| format!("since_update is {text:?}; expected a time such as 10ms or 1.15s"))
    }

    fn check(&self) -> Result<()> {
        self.frame_bytes()?;
        self.since_update()?;
        match (&self.frame_hex, &self.event) {
            (Some(_), None) | (None, Some(_)) => Ok(()),
            (Some(_), Some(_)) => bail!("row {:?} has both a frame_hex and an event", self.id),
            (None, None) => bail!("row {:?} has neither a frame_hex nor an event", self.id),
        }
    }
}

impl Meta {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self> {
        let text = read_text(path)?;
        Self::parse(&text).with_context(|| path.display().to_string())
    }

    /// Takes a text apart.
    pub fn parse(text: &str) -> Result<Self> {
        Ok(serde_json::from_str(text)?)
    }
}

/// Reads rows, one on each line; empty lines are passed over.
pub fn read(path: &Path) -> Result<Vec<Row>> {
    let text = read_text(path)?;
    let rows = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    rows.map(|(index, line)| {
        let row: Result<Row> = serde_json::from_str(line).map_err(Into::into);
        let checked = row.and_then(|row| row.check().map(|()| row));
        checked.with_context(|| format!("{}, line {}", path.display(), index + 1))
    })
    .collect()
}

fn read_text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Hexadecimal digits as bytes.
pub fn unhex(text: &str) -> Result<Vec<u8>> {
    let digits = text.as_bytes();
    let pair = |pair: &[u8]| {
        let text = std::str::from_utf8(pair).ok()?;
        text.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u8::from_str_radix(text, 16).ok())?
    };
    if !digits.len().is_multiple_of(2) {
        bail!("{} hexadecimal digits; bytes have two each", digits.len());
    }
    digits
        .chunks(2)
        .map(|two| pair(two).context("there is a character that is no hexadecimal digit"))
        .collect()
}
