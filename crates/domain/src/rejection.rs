//! Why a room refuses. A rejection changes nothing.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize};

/// What a rejection speaks of. Named, because derived code takes a field that is written as a reference for one that borrows its input.
type Subject = &'static str;

/// Everything that [`Rejection::Invalid`] and [`Rejection::Limit`] speak of, so that it can be read back.
const SUBJECTS: [Subject; 11] = [
    "name",
    "room name",
    "text",
    "address",
    "rights of a viewer",
    "participant limit",
    "password",
    "emoji",
    "data",
    "waiting people",
    "bans",
];

/// What a newer version may speak of.
const UNKNOWN_SUBJECT: Subject = "something of a newer version";

/// Why a command was refused; stable on the wire by [`Rejection::code`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Rejection {
    /// The room is over.
    #[error("the room has ended")]
    Ended,
    /// The one who asks is no member.
    #[error("not a member of this room")]
    NotMember,
    /// The one spoken of is no member, or does not wait.
    #[error("no such participant")]
    NoSuchParticipant,
    /// Rank does not suffice.
    #[error("not allowed")]
    Forbidden,
    /// Removed by a moderator: the resume secret died with the membership, and nobody comes in quietly as someone else.
    #[error("removed from this room")]
    Kicked,
    /// Banned from this room.
    #[error("banned from this room")]
    Banned,
    /// The room takes nobody new.
    #[error("the room is locked")]
    Locked,
    /// The participant limit is reached.
    #[error("the room is full")]
    Full,
    /// A text is empty, too long or has control characters; a number is out of range.
    #[error("invalid value: {0}")]
    Invalid(#[serde(deserialize_with = "subject")] Subject),
    /// Too many bans, waiting people, …: a bound of the room itself.
    #[error("the room's limit of {0} is reached")]
    Limit(#[serde(deserialize_with = "subject")] Subject),
    /// The resume secret is not this participant's (any more).
    #[error("credential refused")]
    Unauthorized,
}

impl Rejection {
    /// Stable code for clients.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::NotMember => "not_joined",
            Self::NoSuchParticipant => "not_found",
            Self::Forbidden => "forbidden",
            Self::Kicked => "kicked",
            Self::Banned => "banned",
            Self::Locked => "locked",
            Self::Full | Self::Limit(_) => "full",
            Self::Invalid(_) => "invalid",
            Self::Unauthorized => "unauthorized",
        }
    }
}

fn subject<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Subject, D::Error> {
    let text = Cow::<'de, str>::deserialize(deserializer)?;
    let known = SUBJECTS.into_iter().find(|subject| *subject == text);
    Ok(known.unwrap_or(UNKNOWN_SUBJECT))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_rejection_reads_back_with_what_it_speaks_of() {
        for subject in SUBJECTS {
            for rejection in [Rejection::Invalid(subject), Rejection::Limit(subject)] {
                let text = serde_json::to_string(&rejection).unwrap();
                assert_eq!(
                    serde_json::from_str::<Rejection>(&text).unwrap(),
                    rejection,
                    "{text}"
                );
            }
        }
        let newer = serde_json::from_str::<Rejection>(r#"{"limit":"of a later version"}"#).unwrap();
        assert_eq!(newer, Rejection::Limit(UNKNOWN_SUBJECT));
    }

    #[test]
    fn every_subject_that_a_rule_speaks_of_is_known_to_who_reads_it() {
        fn look(folder: &Path, spoken: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    look(&path, spoken);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                for opening in [
                    concat!("Rejection::", "Invalid(\""),
                    concat!("Rejection::", "Limit(\""),
                ] {
                    let after = text.split(opening).skip(1);
                    spoken.extend(after.map(|rest| rest.split('"').next().unwrap().to_owned()));
                }
            }
        }
        let mut spoken = Vec::new();
        look(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut spoken);
        for subject in SUBJECTS {
            assert!(
                spoken.iter().any(|spoken| spoken == subject),
                "{subject} is of no rule"
            );
        }
        for subject in &spoken {
            assert!(
                SUBJECTS.contains(&subject.as_str()),
                "{subject} would be lost on the way"
            );
        }
    }
}
