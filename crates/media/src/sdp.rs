//! A glance at an offer before the session reads it: bounds, and the ids of its m-lines.
//!
//! This is no SDP parser; str0m is. Candidates are taken out: we are ICE-lite and learn a client's address from its own checks,
//! so an offer cannot make us talk to anybody, and mDNS names need no resolving.

use str0m::media::Mid;

use crate::MediaError;
use crate::config::Limits;

/// str0m pads and cuts ids to this width: longer ones could collide.
const MID_BYTES: usize = 16;
/// Lines of one m-line: Chromium writes 170 for video with every codec it has.
const MAX_LINES: usize = 512;
/// `a=ssrc` and `a=ssrc-group` lines of one m-line: three layers with their resends take 27. str0m's work is quadratic in them.
const MAX_STREAM_LINES: usize = 32;
/// Payload types of one m-line; there are no more dynamic ones below 128.
const MAX_PAYLOAD_TYPES: usize = 64;

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
    let mut section = Section::default();
    let (mut media_lines, mut mids) = (0, Vec::new());
    for line in lines() {
        // A line end that is none here must not be one elsewhere.
        if line.contains(['\r', '\0']) {
            return Err(MediaError::Invalid("stray control character".into()));
        }
        if let Some(media) = line.strip_prefix("m=") {
            media_lines += 1;
            if media_lines > limits.media_lines {
                return Err(MediaError::Invalid("too many m-lines".into()));
            }
            check_media(media)?;
            section = Section::default();
        } else if let Some(name) = line.strip_prefix("a=mid:") {
            if mids.len() >= limits.media_lines || !is_mid(name) {
                return Err(MediaError::Invalid("unusable mid".into()));
            }
            mids.push(Mid::from(name));
        }
        section.count(line)?;
    }
    Ok(Glance {
        sdp: lines().flat_map(|line| [line, "\r\n"]).collect(),
        mids,
    })
}

/// Lines between one m-line and the next, or before the first.
#[derive(Debug, Default)]
struct Section {
    lines: usize,
    streams: usize,
}

impl Section {
    fn count(&mut self, line: &str) -> Result<(), MediaError> {
        self.lines += 1;
        self.streams += usize::from(line.starts_with("a=ssrc"));
        if self.lines > MAX_LINES || self.streams > MAX_STREAM_LINES {
            return Err(MediaError::Invalid("too many attributes of an m-line".into()));
        }
        Ok(())
    }
}

/// `audio 9 UDP/TLS/RTP/SAVPF 111 63`: of a kind that we carry, with few payload types.
fn check_media(line: &str) -> Result<(), MediaError> {
    let mut words = line.split_ascii_whitespace();
    if !matches!(words.next(), Some("audio" | "video")) {
        return Err(MediaError::Invalid("neither audio nor video".into()));
    }
    if words.count() > 2 + MAX_PAYLOAD_TYPES {
        return Err(MediaError::Invalid("too many payload types".into()));
    }
    Ok(())
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

    fn is_refused(sdp: &str) -> bool {
        glance(sdp, &Limits::default()).is_err()
    }

    #[test]
    fn what_is_neither_audio_nor_video_is_refused() {
        assert!(is_refused("m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"));
        assert!(is_refused("m=\r\n"));
    }

    #[test]
    fn more_of_an_m_line_than_any_browser_writes_is_refused() {
        let video = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n";
        assert!(is_refused(&format!(
            "{video}{}",
            "a=ssrc:1 cname:x\r\n".repeat(33)
        )));
        assert!(is_refused(&format!("{video}{}", "a=x\r\n".repeat(600))));
        assert!(is_refused(&"a=x\r\n".repeat(600)));
        assert!(is_refused(&format!(
            "{}{}\r\n",
            video.trim_end(),
            " 97".repeat(64)
        )));
        let usual = format!("{video}{}", "a=ssrc:1 cname:x\r\n".repeat(27));
        assert!(!is_refused(&usual.repeat(64)), "each m-line counts for itself");
    }

    #[test]
    fn a_line_end_inside_a_line_is_refused() {
        assert!(is_refused("v=0\r\na=x\rm=application 9\r\n"));
    }

    #[test]
    fn ids_that_could_collide_are_refused() {
        assert!(glance(&format!("a=mid:{}\r\n", "x".repeat(17)), &Limits::default()).is_err());
    }
}
