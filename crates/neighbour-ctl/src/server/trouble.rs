//! Why a request is refused, and the error message that says so.

use super::Options;
use super::policy::Rule;
use crate::frames::HEADER;
use crate::message::{
    ACK_TLVS, CAPPED, Head, NLA_F_NESTED, NLMSGERR_ATTR_MISS_TYPE, NLMSGERR_ATTR_MSG, NLMSGERR_ATTR_OFFS,
    NLMSGERR_ATTR_POLICY, Writer, split, write,
};
use netlink_packet_core::{NLM_F_MULTIPART, NLMSG_DONE, NLMSG_ERROR};
use std::borrow::Cow;

/// What an extended acknowledgement says besides the errno. One without an errno is a warning.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Trouble {
    /// Positive; 0 for a warning.
    pub(crate) errno: i32,
    pub(crate) text: Option<Cow<'static, str>>,
    /// Where in the request the wrong attribute begins.
    pub(crate) offset: Option<usize>,
    /// The type of a missing attribute.
    pub(crate) missing: Option<u32>,
    /// What the attribute should have been.
    pub(crate) rule: Option<Rule>,
}

impl Trouble {
    pub(crate) fn errno(errno: i32) -> Self {
        Self { errno, ..Self::default() }
    }

    pub(crate) fn text(errno: i32, text: impl Into<Cow<'static, str>>) -> Self {
        Self { errno, text: Some(text.into()), ..Self::default() }
    }

    fn has_attributes(&self) -> bool {
        self.text.is_some() || self.offset.is_some() || self.missing.is_some() || self.rule.is_some()
    }

    /// In the kernel's order.
    fn write(&self, message: &mut Writer<'_>) {
        if let Some(text) = &self.text {
            message.text(NLMSGERR_ATTR_MSG, text);
        }
        // With an errno alone: a warning points nowhere.
        if self.errno == 0 {
            return;
        }
        if let Some(offset) = self.offset {
            message.u32(NLMSGERR_ATTR_OFFS, u32::try_from(offset).unwrap_or(u32::MAX));
        }
        if let Some(rule) = self.rule.filter(|rule| rule.is_told()) {
            message.nest(NLMSGERR_ATTR_POLICY | NLA_F_NESTED, |nested| rule.write(nested));
        }
        if let Some(missing) = self.missing {
            message.u32(NLMSGERR_ATTR_MISS_TYPE, missing);
        }
    }
}

/// The answer to `request` that something was wrong, or, with errno 0, that all is well.
pub(super) fn acknowledge(
    out: &mut Vec<u8>,
    options: &Options,
    port: u32,
    request: &[u8],
    trouble: &Trouble,
) {
    let sequence = split(request).map(|(head, _)| head.sequence).unwrap_or_default();
    let capped = trouble.errno == 0 || options.cap_ack;
    let told = options.ext_ack && trouble.has_attributes();
    let flags = if capped { CAPPED } else { 0 } | if told { ACK_TLVS } else { 0 };
    write(out, Head { kind: NLMSG_ERROR, flags, sequence, port }, |message| {
        message.put(&(-trouble.errno).to_ne_bytes());
        message.put(if capped { request.get(..HEADER).unwrap_or(request) } else { request });
        // The padding of a request that ends unaligned belongs to the error.
        message.align();
        if told {
            trouble.write(message);
        }
    });
}

/// The end of a dump; what was wrong with the request stands in it (NL-35, FOOT-48).
pub(super) fn done(out: &mut Vec<u8>, options: &Options, head: Head, trouble: &Trouble) {
    let told = options.ext_ack && trouble.has_attributes();
    let flags = NLM_F_MULTIPART | if told { ACK_TLVS } else { 0 };
    write(out, Head { kind: NLMSG_DONE, flags, ..head }, |message| {
        message.put(&(-trouble.errno).to_ne_bytes());
        if told {
            trouble.write(message);
        }
    });
}
