//! Tokens: HS256 and nothing else, with audience and expiry.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hkdf::Hkdf;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use videorooms_domain::{ParticipantId, Role, RoomId};

/// Life of a join token.
pub const JOIN_TTL: Duration = Duration::from_secs(600);
/// Clocks of nodes may differ by this much.
const LEEWAY_S: u64 = 5;

const JOIN: Use = Use {
    audience: "videorooms:join",
    info: b"videorooms join token v1",
};
const OPERATOR: Use = Use {
    audience: "videorooms:operator",
    info: b"videorooms operator token v1",
};

struct Use {
    audience: &'static str,
    info: &'static [u8],
}

/// A token that does not count: wrong key, expired, for another use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token is not valid (any more)")]
pub struct Invalid;

/// What a join token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinClaims {
    /// For which room.
    pub room: RoomId,
    /// For whom.
    #[serde(rename = "sub")]
    pub participant: ParticipantId,
    /// Role of a newcomer.
    pub role: Role,
    /// Shown name.
    pub name: String,
}

/// What is read of an operator's token, which says no more than how long it lives.
#[derive(Clone, Deserialize)]
struct Operator {
    exp: u64,
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
struct Claims<T> {
    aud: String,
    exp: u64,
    #[serde(flatten)]
    body: T,
}

/// Keys of this node. `Debug` hides them.
pub struct Keys {
    join: Pair,
    operator: Pair,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(…)")
    }
}

impl Keys {
    /// Keys from the present base and, for rotation, the former one.
    #[must_use]
    pub fn derive(base: &[u8], previous: Option<&[u8]>) -> Self {
        // Two providers of cryptography meet in one binary; which one counts must not depend on who links what. An error means that it is chosen.
        let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        Self {
            join: Pair::derive(&JOIN, base, previous),
            operator: Pair::derive(&OPERATOR, base, previous),
        }
    }

    /// A token that admits one participant to one room for [`JOIN_TTL`].
    #[must_use]
    pub fn join_token(&self, claims: &JoinClaims) -> String {
        self.join.sign(&JOIN, claims, JOIN_TTL)
    }

    /// Checks a join token.
    ///
    /// # Errors
    /// [`Invalid`].
    pub fn verify_join(&self, token: &str) -> Result<JoinClaims, Invalid> {
        self.join.verify(token)
    }

    /// A token for reading and deleting logs.
    #[must_use]
    pub fn operator_token(&self, ttl: Duration) -> String {
        self.operator.sign(&OPERATOR, &Empty {}, ttl)
    }

    /// Checks an operator's token; answers how much longer it lives.
    ///
    /// # Errors
    /// [`Invalid`].
    pub fn verify_operator(&self, token: &str) -> Result<Duration, Invalid> {
        let Operator { exp } = self.operator.verify(token)?;
        Ok(Duration::from_secs(exp.saturating_sub(now_s())))
    }
}

struct Pair {
    sign: EncodingKey,
    verify: Vec<DecodingKey>,
    validation: Validation,
}

impl Pair {
    fn derive(purpose: &Use, base: &[u8], previous: Option<&[u8]>) -> Self {
        let present = expand(purpose, base);
        let verify = std::iter::once(present).chain(previous.map(|base| expand(purpose, base)));
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[purpose.audience]);
        validation.set_required_spec_claims(&["exp", "aud"]);
        validation.leeway = LEEWAY_S;
        Self {
            sign: EncodingKey::from_secret(&present),
            verify: verify.map(|key| DecodingKey::from_secret(&key)).collect(),
            validation,
        }
    }

    fn sign<T: Serialize>(&self, purpose: &Use, body: &T, ttl: Duration) -> String {
        let exp = now_s() + ttl.as_secs();
        let claims = Claims {
            aud: purpose.audience.to_owned(),
            exp,
            body,
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.sign)
            .expect("claims are text and numbers, and the key is for HMAC")
    }

    /// Audience and expiry are the validation's matter, so only the body is read.
    fn verify<T: DeserializeOwned + Clone>(&self, token: &str) -> Result<T, Invalid> {
        self.verify
            .iter()
            .find_map(|key| jsonwebtoken::decode::<T>(token, key, &self.validation).ok())
            .map(|token| token.claims)
            .ok_or(Invalid)
    }
}

fn expand(purpose: &Use, base: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(None, base)
        .expand(purpose.info, &mut key)
        .expect("32 bytes are one block of SHA-256");
    key
}

#[expect(clippy::disallowed_methods, reason = "the one wall clock of this crate")]
fn now_s() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &[u8] = b"a base of at least thirty-two bytes";
    const OTHER: &[u8] = b"another base of thirty-two bytes or more";

    fn claims() -> JoinClaims {
        JoinClaims {
            room: RoomId(1),
            participant: ParticipantId(2),
            role: Role::Host,
            name: "Ada".into(),
        }
    }

    #[test]
    fn a_token_reads_back_and_counts_for_its_use_only() {
        let keys = Keys::derive(BASE, None);
        let token = keys.join_token(&claims());
        assert_eq!(keys.verify_join(&token), Ok(claims()));
        assert_eq!(keys.verify_operator(&token), Err(Invalid));
        assert_eq!(keys.verify_join(&keys.operator_token(JOIN_TTL)), Err(Invalid));
    }

    #[test]
    fn the_former_base_is_accepted_and_a_foreign_one_is_not() {
        let token = Keys::derive(BASE, None).join_token(&claims());
        assert!(Keys::derive(OTHER, Some(BASE)).verify_join(&token).is_ok());
        assert_eq!(Keys::derive(OTHER, None).verify_join(&token), Err(Invalid));
    }

    #[test]
    fn an_expired_token_is_refused() {
        let keys = Keys::derive(BASE, None);
        let claims = Claims {
            aud: JOIN.audience.to_owned(),
            exp: now_s() - LEEWAY_S - 1,
            body: claims(),
        };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &keys.join.sign).unwrap();
        assert_eq!(keys.verify_join(&token), Err(Invalid));
    }

    #[test]
    fn another_algorithm_is_refused_even_with_the_right_key() {
        let keys = Keys::derive(BASE, None);
        let claims = Claims {
            aud: JOIN.audience.to_owned(),
            exp: now_s() + 60,
            body: claims(),
        };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS512), &claims, &keys.join.sign).unwrap();
        assert_eq!(keys.verify_join(&token), Err(Invalid));
        assert_eq!(keys.verify_join("eyJhbGciOiJub25lIn0.e30."), Err(Invalid));
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(format!("{:?}", Keys::derive(BASE, None)), "Keys(…)");
    }
}
