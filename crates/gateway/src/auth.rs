//! Who someone is: join tokens, operator tokens, resume secrets, passwords.
//!
//! One key per use, derived from `SECRET_KEY_BASE` by HKDF-SHA256, so that a token for one use is worth nothing for another. The former base
//! is accepted for checking and never used for signing. Nothing here shows a secret in `Debug` or in a log.

mod password;
mod secret;
mod token;

pub(crate) use password::MAX_BYTES as MAX_PASSWORD_BYTES;
pub use password::{PasswordError, Passwords};
pub use secret::ResumeSecret;
pub use token::{Invalid, JOIN_TTL, JoinClaims, Keys};
