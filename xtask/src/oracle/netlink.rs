//! Requests of netlink, through the same codec and conversation that the daemon's socket has.

use crate::oracle::world::World;
use anyhow::{Context as _, Result, ensure};
use neighbour::{DeviceId, Engine, Instant};
use neighbour_ctl::{Conversation, Host, LinkFacts};
use serde_json::Value;

/// Where a message says its family: behind the sixteen bytes of its head.
const FAMILY: usize = 16;
/// `NLMSG_ERROR`, which also says that all is well.
const NLMSG_ERROR: u16 = 2;

/// The world as a conversation sees it.
struct View<'w>(&'w mut World);

impl Host for View<'_> {
    fn engine(&self) -> &Engine {
        &self.0.engine
    }

    fn engine_mut(&mut self) -> &mut Engine {
        &mut self.0.engine
    }

    fn now(&self) -> Instant {
        self.0.now
    }

    fn link(&self, _: DeviceId) -> LinkFacts {
        LinkFacts { hardware: 1, flags: 1 }
    }

    fn set_link(&mut self, device: DeviceId, up: bool) {
        let now = self.0.now;
        self.0.engine.set_link(now, device, up);
    }
}

/// Puts another family into a request than its address is of.
pub(crate) fn of_other_family(mut request: Vec<u8>) -> Result<Vec<u8>> {
    const AF_INET: u8 = 2;
    const AF_INET6: u8 = 10;
    let family = request.get_mut(FAMILY).context("a request has a family")?;
    *family = if *family == AF_INET { AF_INET6 } else { AF_INET };
    Ok(request)
}

/// Makes a request; what came back, as the recording writes it.
pub(crate) fn ask(world: &mut World, request: &[u8]) -> Result<Value> {
    let mut out = Vec::new();
    Conversation::new(1).respond(request, &mut View(world), &mut out);
    let kind = out.get(4..6).context("an answer has a head")?;
    if u16::from_ne_bytes([kind[0], kind[1]]) != NLMSG_ERROR {
        return Ok(Value::from(0)); // what was asked for
    }
    let errno = out.get(FAMILY..FAMILY + 4).context("an error has a number")?;
    let errno = i32::from_ne_bytes([errno[0], errno[1], errno[2], errno[3]]);
    ensure!(errno <= 0, "an error is not negative: {errno}");
    Ok(match -errno {
        0 => Value::from(0),
        1 => Value::from("EPERM"),
        2 => Value::from("ENOENT"),
        12 => Value::from("ENOMEM"),
        17 => Value::from("EEXIST"),
        19 => Value::from("ENODEV"),
        22 => Value::from("EINVAL"),
        105 => Value::from("ENOBUFS"),
        other => Value::from(other),
    })
}
