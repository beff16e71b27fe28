//! Why a request on a topic is refused: the one place where the errors of rooms and media become reasons on the wire.

use std::time::Duration;

use videorooms_domain::Rejection;
use videorooms_protocol::{ErrorReply, Reason};
use videorooms_rooms::RoomsError;
use videorooms_sfu::SfuError;

use crate::auth::PasswordError;
use crate::metrics as names;

const RETRY_MEDIA_MS: u64 = 1000;
const RETRY_PASSWORD_MS: u64 = 1000;
/// When rooms of a full node may have left its memory.
const RETRY_ROOMS_MS: u64 = 5000;

/// A room's refusal.
pub(crate) fn refused_by_room(error: RoomsError) -> ErrorReply {
    let message = error.to_string();
    let (reason, retry_after_ms) = match error {
        RoomsError::NoSuchRoom => (Reason::NotFound, None),
        RoomsError::Rejected(rejection) => (reason(rejection), None),
        RoomsError::Unavailable { retry_after_ms, .. } => (Reason::Unavailable, Some(retry_after_ms)),
        // Not the room is full: its node is, until rooms leave memory or the operator adds a node.
        RoomsError::TooManyRooms => (Reason::Unavailable, Some(RETRY_ROOMS_MS)),
    };
    ErrorReply {
        reason,
        message,
        retry_after_ms,
    }
}

/// A refusal by the room's rules.
pub(crate) fn rejected(rejection: Rejection) -> ErrorReply {
    refused_by_room(RoomsError::Rejected(rejection))
}

fn reason(rejection: Rejection) -> Reason {
    match rejection {
        Rejection::Ended => Reason::Ended,
        Rejection::NotMember => Reason::NotJoined,
        Rejection::NoSuchParticipant => Reason::NotFound,
        Rejection::Forbidden => Reason::Forbidden,
        Rejection::Kicked => Reason::Kicked,
        Rejection::Banned => Reason::Banned,
        Rejection::Locked => Reason::Locked,
        Rejection::Full | Rejection::Limit(_) => Reason::Full,
        Rejection::Invalid(_) => Reason::Invalid,
        Rejection::Unauthorized => Reason::Unauthorized,
    }
}

/// A password that was not looked at.
pub(crate) fn refused_by_password(error: PasswordError) -> ErrorReply {
    ErrorReply {
        retry_after_ms: Some(RETRY_PASSWORD_MS),
        ..ErrorReply::new(Reason::Unavailable, error.to_string())
    }
}

/// A media server's refusal. What it says of itself is for logs, not for clients.
pub(crate) fn refused_by_media(error: &SfuError) -> ErrorReply {
    let (reason, retry_after_ms) = match error {
        SfuError::NoSuchRoom | SfuError::NoSuchPeer => (Reason::NotFound, None),
        SfuError::Forbidden => (Reason::Unauthorized, None),
        SfuError::Full(_) => (Reason::Full, None),
        SfuError::TooFast(wait) => return rate_limited("offers", *wait),
        SfuError::Invalid(_) => (Reason::Invalid, None),
        SfuError::Unavailable(_) => (Reason::Unavailable, Some(RETRY_MEDIA_MS)),
        SfuError::Unsupported => (Reason::Unsupported, None),
    };
    let message = match error {
        SfuError::Unavailable(_) => "the media server does not answer".to_owned(),
        SfuError::NoSuchRoom
        | SfuError::NoSuchPeer
        | SfuError::Forbidden
        | SfuError::Full(_)
        | SfuError::TooFast(_)
        | SfuError::Invalid(_)
        | SfuError::Unsupported => error.to_string(),
    };
    ErrorReply {
        reason,
        message,
        retry_after_ms,
    }
}

/// Counts a refusal and hands it on.
pub(crate) fn refused(refusal: ErrorReply) -> ErrorReply {
    metrics::counter!(names::REFUSED, "reason" => label(refusal.reason)).increment(1);
    refusal
}

/// A client that is too fast; `of` names what there was too much of, for the metric.
pub(crate) fn rate_limited(of: &'static str, wait: Duration) -> ErrorReply {
    metrics::counter!(names::RATE_LIMITED, "of" => of).increment(1);
    let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
    ErrorReply {
        retry_after_ms: Some(wait),
        ..ErrorReply::new(Reason::RateLimited, "slower, please")
    }
}

fn label(reason: Reason) -> &'static str {
    match reason {
        Reason::Unauthorized => "unauthorized",
        Reason::Forbidden => "forbidden",
        Reason::NotFound => "not_found",
        Reason::Ended => "ended",
        Reason::Kicked => "kicked",
        Reason::Banned => "banned",
        Reason::Locked => "locked",
        Reason::Full => "full",
        Reason::WrongPassword => "wrong_password",
        Reason::Invalid => "invalid",
        Reason::TooLarge => "too_large",
        Reason::RateLimited => "rate_limited",
        Reason::Unavailable => "unavailable",
        Reason::NotJoined => "not_joined",
        Reason::UnmatchedTopic => "unmatched_topic",
        Reason::TooManyChannels => "too_many_channels",
        Reason::Conflict => "conflict",
        Reason::Unsupported => "unsupported",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejections_code_is_its_reason_on_the_wire() {
        let rejections = [
            Rejection::Ended,
            Rejection::NotMember,
            Rejection::NoSuchParticipant,
            Rejection::Forbidden,
            Rejection::Kicked,
            Rejection::Banned,
            Rejection::Locked,
            Rejection::Full,
            Rejection::Invalid("x"),
            Rejection::Limit("x"),
            Rejection::Unauthorized,
        ];
        for rejection in rejections {
            assert_eq!(serde_json::to_value(reason(rejection)).unwrap(), rejection.code());
        }
    }
}
