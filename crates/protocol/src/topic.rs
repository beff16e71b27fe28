//! Topics that exist. Whether the room does is for others to say.

use std::fmt;

/// A topic of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic<'a> {
    /// `phoenix`: the socket itself (heartbeats).
    Phoenix,
    /// `room:<id>`.
    Room(&'a str),
    /// `sfu:<id>`: signalling of embedded media.
    Sfu(&'a str),
    /// `debug:logs`.
    DebugLogs,
}

impl<'a> Topic<'a> {
    /// The topic of that name, if there is one of its pattern.
    #[must_use]
    pub fn parse(name: &'a str) -> Option<Self> {
        match name.split_once(':') {
            None if name == "phoenix" => Some(Self::Phoenix),
            Some(("room", id)) if !id.is_empty() => Some(Self::Room(id)),
            Some(("sfu", id)) if !id.is_empty() => Some(Self::Sfu(id)),
            Some(("debug", "logs")) => Some(Self::DebugLogs),
            None | Some(_) => None,
        }
    }
}

impl fmt::Display for Topic<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phoenix => f.write_str("phoenix"),
            Self::Room(id) => write!(f, "room:{id}"),
            Self::Sfu(id) => write!(f, "sfu:{id}"),
            Self::DebugLogs => f.write_str("debug:logs"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_read_back_as_written_and_others_match_nothing() {
        for name in ["phoenix", "room:abc", "sfu:abc", "debug:logs"] {
            assert_eq!(
                Topic::parse(name).map(|topic| topic.to_string()).as_deref(),
                Some(name)
            );
        }
        for name in ["", "room", "room:", "sfu:", "debug:other", "lobby:1", "phoenix:1"] {
            assert_eq!(Topic::parse(name), None, "{name}");
        }
    }
}
