//! Resume secrets: `<participant_id>.<43 characters of base64url>`, 32 random bytes of which the room keeps the SHA-256 only.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use videorooms_domain::{ParticipantId, SecretHash};

use super::Invalid;

/// A participant's secret to come back with. `Debug` hides it.
#[derive(Clone)]
pub struct ResumeSecret {
    /// Whose.
    pub participant: ParticipantId,
    bytes: [u8; 32],
}

impl ResumeSecret {
    /// A fresh one.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn fresh(participant: ParticipantId) -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self { participant, bytes })
    }

    /// What the room knows of it.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        SecretHash(Sha256::digest(self.bytes).into())
    }

    /// As the client keeps it.
    #[must_use]
    pub fn expose(&self) -> String {
        format!(
            "{}.{}",
            self.participant,
            BASE64_URL_SAFE_NO_PAD.encode(self.bytes)
        )
    }
}

impl FromStr for ResumeSecret {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (participant, secret) = text.split_once('.').ok_or(Invalid)?;
        let participant = participant.parse().map_err(|_| Invalid)?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(secret).map_err(|_| Invalid)?;
        Ok(Self {
            participant,
            bytes: bytes.try_into().map_err(|_| Invalid)?,
        })
    }
}

impl fmt::Debug for ResumeSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ResumeSecret({}, …)", self.participant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_reads_back_as_written_and_has_43_characters() {
        let secret = ResumeSecret::fresh(ParticipantId(7)).unwrap();
        let text = secret.expose();
        assert_eq!(text.split_once('.').unwrap().1.len(), 43);
        let read: ResumeSecret = text.parse().unwrap();
        assert_eq!(
            (read.participant, read.hash()),
            (secret.participant, secret.hash())
        );
    }

    #[test]
    fn anything_else_is_none() {
        for text in [
            "",
            ".",
            "0000000000007",
            "0000000000007.short",
            "x.AAAA",
            "eyJh.eyJh.AAAA",
        ] {
            assert!(text.parse::<ResumeSecret>().is_err(), "{text}");
        }
    }
}
