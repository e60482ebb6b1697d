//! The switch that spoils the demo, so that it can be seen to fail.

use neighbour_link::Time;
use std::fmt;
use std::str::FromStr;

/// When and which way the link is cut, by the fault layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    pub(crate) receive: bool,
    pub(crate) transmit: bool,
    pub(crate) at: Time,
}

/// Why a text is no cut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected cut, cut-in or cut-out, and perhaps @SECONDS behind it (such as cut-in@2.5), got `{0}`")]
pub struct CutError(String);

impl FromStr for Cut {
    type Err = CutError;

    fn from_str(text: &str) -> Result<Self, CutError> {
        let wrong = || CutError(text.to_owned());
        let (way, at) = match text.split_once('@') {
            Some((way, seconds)) => {
                let seconds = seconds.parse::<f64>().map_err(|_| wrong())?;
                (way, Time::try_from_secs_f64(seconds).map_err(|_| wrong())?)
            }
            None => (text, Time::ZERO),
        };
        let (receive, transmit) = match way {
            "cut" => (true, true),
            "cut-in" => (true, false),
            "cut-out" => (false, true),
            _ => return Err(wrong()),
        };
        Ok(Self { receive, transmit, at })
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.receive, self.transmit) {
            (true, false) => "cut-in",
            (false, true) => "cut-out",
            _ => "cut",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_has_a_way_and_a_time() {
        let cut = |receive, transmit, at| Ok(Cut { receive, transmit, at });
        assert_eq!("cut".parse(), cut(true, true, Time::ZERO));
        assert_eq!("cut-in@2.5".parse(), cut(true, false, Time::from_millis(2500)));
        assert_eq!("cut-out@0".parse(), cut(false, true, Time::ZERO));
    }

    #[test]
    fn what_is_no_cut_is_refused() {
        for text in ["", "CUT", "cut-up", "cut@", "cut@-1", "cut@nan", "cut@1e99", "cut@1@2"] {
            assert!(text.parse::<Cut>().is_err(), "{text:?}");
        }
    }
}
