//! A glance at an offer before the session reads it: bounds, and the ids of its m-lines.
//!
//! This is no SDP parser; str0m is. Candidates are taken out: we are ICE-lite and learn a client's address from its own checks,
//! so an offer cannot make us talk to anybody, and mDNS names need no resolving.

use str0m::media::Mid;

use crate::MediaError;
use crate::config::Limits;

/// str0m pads and cuts ids to this width: longer ones could collide.
const MID_BYTES: usize = 16;

/// An offer within bounds.
#[derive(Debug)]
pub(crate) struct Glance {
    pub(crate) sdp: String,
    pub(crate) mids: Vec<Mid>,
}

pub(crate) fn glance(sdp: &str, limits: &Limits) -> Result<Glance, MediaError> {
    if sdp.len() > limits.offer_bytes {
        return Err(MediaError::Invalid("offer is too large".into()));
    }
    let lines = || sdp.lines().filter(|line| !line.starts_with("a=candidate:"));
    if lines().filter(|line| line.starts_with("m=")).count() > limits.media_lines {
        return Err(MediaError::Invalid("too many m-lines".into()));
    }
    let names: Vec<&str> = lines().filter_map(|line| line.strip_prefix("a=mid:")).collect();
    if names.len() > limits.media_lines || !names.iter().all(|name| is_mid(name)) {
        return Err(MediaError::Invalid("unusable mid".into()));
    }
    let mids = names.into_iter().map(Mid::from).collect();
    Ok(Glance {
        sdp: lines().flat_map(|line| [line, "\r\n"]).collect(),
        mids,
    })
}

/// Could `name` be the id of an m-line.
pub(crate) fn is_mid(name: &str) -> bool {
    (1..=MID_BYTES).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_taken_out_and_ids_are_found() {
        let glance = glance(
            "v=0\r\nm=audio 9\r\na=mid:0\r\na=candidate:1 x.local\r\n",
            &Limits::default(),
        )
        .unwrap();
        assert_eq!(glance.sdp, "v=0\r\nm=audio 9\r\na=mid:0\r\n");
        assert_eq!(glance.mids, [Mid::from("0")]);
    }

    #[test]
    fn more_lines_than_the_limit_are_refused() {
        let sdp = "m=video 9\r\n".repeat(65);
        assert!(matches!(
            glance(&sdp, &Limits::default()),
            Err(MediaError::Invalid(_))
        ));
    }

    #[test]
    fn ids_that_could_collide_are_refused() {
        assert!(glance(&format!("a=mid:{}\r\n", "x".repeat(17)), &Limits::default()).is_err());
    }
}
