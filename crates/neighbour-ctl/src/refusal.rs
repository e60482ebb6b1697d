//! A refusal: the errno of an error message and what its attributes say of it.

use crate::message::{
    Attributes, NLMSGERR_ATTR_MISS_TYPE, NLMSGERR_ATTR_MSG, NLMSGERR_ATTR_OFFS, text_of, u32_at,
};
use std::{fmt, io};

/// The other side refused. It prints as the line that `ip` prints.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Refusal {
    /// A positive errno.
    pub errno: i32,
    /// Why, in words (`NLMSGERR_ATTR_MSG`).
    pub text: Option<String>,
    /// Where in the request is the attribute that is wrong, in bytes from its first
    /// (`NLMSGERR_ATTR_OFFS`).
    pub offset: Option<u32>,
    /// The type of the attribute that is missing (`NLMSGERR_ATTR_MISS_TYPE`).
    pub missing: Option<u32>,
    /// It stands in the end of a dump, not in an error message.
    pub in_dump: bool,
}

impl Refusal {
    /// Reads the attributes behind an errno.
    pub(crate) fn parse(errno: i32, attributes: &[u8], in_dump: bool) -> Self {
        let all = Attributes::new(attributes);
        let number = |kind| all.clone().value(kind).and_then(|value| u32_at(value, 0));
        Self {
            errno,
            text: all.clone().value(NLMSGERR_ATTR_MSG).map(text_of).filter(|text| !text.is_empty()),
            offset: number(NLMSGERR_ATTR_OFFS),
            missing: number(NLMSGERR_ATTR_MISS_TYPE),
            in_dump,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.text {
            Some(text) if text.ends_with('.') => write!(f, "Error: {text}"),
            Some(text) => write!(f, "Error: {text}."),
            None => {
                let system = io::Error::from_raw_os_error(self.errno).to_string();
                let plain = system.split(" (os error").next().unwrap_or_default();
                write!(f, "RTNETLINK answers: {plain}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_prints_as_iproute2_does() {
        let refusal =
            |errno, text: Option<&str>| Refusal { errno, text: text.map(Into::into), ..Refusal::default() };
        for (refusal, line) in [
            (refusal(17, None), "RTNETLINK answers: File exists"),
            (refusal(22, Some("No link layer address given")), "Error: No link layer address given."),
            (refusal(22, Some("Done.")), "Error: Done."),
        ] {
            assert_eq!(refusal.to_string(), line);
        }
    }
}
