//! WebSocket client framing (RFC 6455) and the Phoenix Channels V2 message shapes.
//!
//! Only what a load generator needs: no extensions, no allocation on receive.

/// RFC 6455 section 1.3 sample key; its accept value is known, so no SHA-1 is needed here.
pub const WS_KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const WS_ACCEPT: &[u8] = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

pub const OP_CONT: u8 = 0;
pub const OP_TEXT: u8 = 1;
pub const OP_BINARY: u8 = 2;
pub const OP_CLOSE: u8 = 8;
pub const OP_PING: u8 = 9;
pub const OP_PONG: u8 = 10;

pub fn upgrade_request(host: &str, path: &str, origin: Option<&str>) -> String {
    let origin = origin.map_or(String::new(), |o| format!("Origin: {o}\r\n"));
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\n{origin}Upgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {WS_KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
}

/// `None`: incomplete. `Some(Ok(n))`: upgraded, the head took `n` bytes. `Some(Err(status line))`: refused.
pub fn parse_upgrade(buf: &[u8]) -> Option<Result<usize, String>> {
    let end = find(buf, b"\r\n\r\n")? + 4;
    let head = &buf[..end];
    let line = head.split(|&b| b == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line).into_owned();
    if !line.starts_with("HTTP/1.1 101") {
        return Some(Err(line));
    }
    if find(head, WS_ACCEPT).is_none() {
        return Some(Err("wrong Sec-WebSocket-Accept".into()));
    }
    Some(Ok(end))
}

pub fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len()).position(|w| w == needle)
}

/// One frame as received from the server (never masked).
pub struct Frame<'a> {
    pub fin: bool,
    pub opcode: u8,
    pub payload: &'a [u8],
    /// Bytes of the buffer that the frame took.
    pub len: usize,
}

/// `Ok(None)` when the buffer does not hold a whole frame yet.
pub fn parse_frame(buf: &[u8]) -> Result<Option<Frame<'_>>, &'static str> {
    if buf.len() < 2 {
        return Ok(None);
    }
    if buf[0] & 0x70 != 0 {
        return Err("reserved bits set (no extension was negotiated)");
    }
    if buf[1] & 0x80 != 0 {
        return Err("server frame is masked");
    }
    let (head, size) = match buf[1] {
        126 if buf.len() >= 4 => (4, u16::from_be_bytes([buf[2], buf[3]]) as usize),
        127 if buf.len() >= 10 => {
            let size = u64::from_be_bytes(buf[2..10].try_into().unwrap());
            (10, usize::try_from(size).map_err(|_| "frame too large")?)
        }
        126 | 127 => return Ok(None),
        n => (2, n as usize),
    };
    if buf.len() - head < size {
        return Ok(None);
    }
    Ok(Some(Frame {
        fin: buf[0] & 0x80 != 0,
        opcode: buf[0] & 0x0f,
        payload: &buf[head..head + size],
        len: head + size,
    }))
}

/// Appends one masked, unfragmented client frame.
pub fn write_frame(out: &mut Vec<u8>, opcode: u8, mask: [u8; 4], payload: &[u8]) {
    out.push(0x80 | opcode);
    match payload.len() {
        n @ 0..=125 => out.push(0x80 | n as u8),
        n @ 126..=0xffff => {
            out.push(0x80 | 126);
            out.extend_from_slice(&(n as u16).to_be_bytes());
        }
        n => {
            out.push(0x80 | 127);
            out.extend_from_slice(&(n as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&mask);
    let start = out.len();
    out.extend_from_slice(payload);
    let key = u64::from_ne_bytes([
        mask[0], mask[1], mask[2], mask[3], mask[0], mask[1], mask[2], mask[3],
    ]);
    let mut chunks = out[start..].chunks_exact_mut(8);
    for c in &mut chunks {
        let v = u64::from_ne_bytes((&*c).try_into().unwrap()) ^ key;
        c.copy_from_slice(&v.to_ne_bytes());
    }
    for (i, b) in chunks.into_remainder().iter_mut().enumerate() {
        *b ^= mask[i & 3];
    }
}

/// A Phoenix V2 message; `payload` is raw JSON for text frames and raw bytes for binary ones.
#[derive(Debug, PartialEq)]
pub struct Message<'a> {
    pub join_ref: Option<&'a [u8]>,
    pub msg_ref: Option<&'a [u8]>,
    pub topic: &'a [u8],
    pub event: &'a [u8],
    pub payload: &'a [u8],
}

/// `[join_ref, ref, topic, event, payload]`
pub fn parse_text(b: &[u8]) -> Option<Message<'_>> {
    let mut at = skip_ws(b, 0);
    if b.get(at) != Some(&b'[') {
        return None;
    }
    at += 1;
    let (join_ref, at) = opt_string(b, at)?;
    let (msg_ref, at) = opt_string(b, comma(b, at)?)?;
    let (topic, at) = opt_string(b, comma(b, at)?)?;
    let (event, at) = opt_string(b, comma(b, at)?)?;
    let start = skip_ws(b, comma(b, at)?);
    let end = skip_value(b, start)?;
    Some(Message {
        join_ref,
        msg_ref,
        topic: topic?,
        event: event?,
        payload: &b[start..end],
    })
}

/// Binary frames from the server: 0 push, 1 reply (event is then the status), 2 broadcast.
pub fn parse_binary(b: &[u8]) -> Option<(u8, Message<'_>)> {
    let kind = *b.first()?;
    let fields = match kind {
        0 => 3,
        1 => 4,
        2 => 2,
        _ => return None,
    };
    let mut parts: [&[u8]; 4] = [&[]; 4];
    let mut at = 1 + fields;
    for (i, part) in parts.iter_mut().enumerate().take(fields) {
        let n = *b.get(1 + i)? as usize;
        *part = b.get(at..at + n)?;
        at += n;
    }
    let payload = &b[at..];
    let m = |join_ref, msg_ref, topic, event| Message {
        join_ref,
        msg_ref,
        topic,
        event,
        payload,
    };
    Some((
        kind,
        match kind {
            0 => m(Some(parts[0]), None, parts[1], parts[2]),
            1 => m(Some(parts[0]), Some(parts[1]), parts[2], parts[3]),
            _ => m(None, None, parts[0], parts[1]),
        },
    ))
}

/// Binary client push: kind 0 with join_ref, ref, topic and event sizes.
pub fn write_binary_push(out: &mut Vec<u8>, join_ref: &str, msg_ref: &str, topic: &str, event: &str) {
    out.push(0);
    for s in [join_ref, msg_ref, topic, event] {
        out.push(u8::try_from(s.len()).expect("field of at most 255 bytes"));
    }
    for s in [join_ref, msg_ref, topic, event] {
        out.extend_from_slice(s.as_bytes());
    }
}

/// The raw value of a top-level key of a JSON object.
pub fn object_get<'a>(b: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let mut at = skip_ws(b, 0);
    if b.get(at) != Some(&b'{') {
        return None;
    }
    at = skip_ws(b, at + 1);
    while b.get(at) != Some(&b'}') {
        let (name, next) = opt_string(b, at)?;
        at = skip_ws(b, next);
        if b.get(at) != Some(&b':') {
            return None;
        }
        let start = skip_ws(b, at + 1);
        let end = skip_value(b, start)?;
        if name? == key {
            return Some(&b[start..end]);
        }
        at = skip_ws(b, end);
        if b.get(at) == Some(&b',') {
            at = skip_ws(b, at + 1);
        }
    }
    None
}

fn skip_ws(b: &[u8], mut at: usize) -> usize {
    while matches!(b.get(at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

fn comma(b: &[u8], at: usize) -> Option<usize> {
    let at = skip_ws(b, at);
    (b.get(at) == Some(&b',')).then_some(at + 1)
}

/// A string (raw, escapes kept) or null, and where it ends.
fn opt_string(b: &[u8], at: usize) -> Option<(Option<&[u8]>, usize)> {
    let at = skip_ws(b, at);
    if b.get(at..at + 4) == Some(b"null") {
        return Some((None, at + 4));
    }
    let end = skip_string(b, at)?;
    Some((Some(&b[at + 1..end - 1]), end))
}

fn skip_string(b: &[u8], at: usize) -> Option<usize> {
    if b.get(at) != Some(&b'"') {
        return None;
    }
    let mut i = at + 1;
    loop {
        match b.get(i)? {
            b'"' => return Some(i + 1),
            b'\\' => i += 2,
            _ => i += 1,
        }
    }
}

fn skip_value(b: &[u8], at: usize) -> Option<usize> {
    match b.get(at)? {
        b'"' => skip_string(b, at),
        b'{' | b'[' => {
            let mut depth = 0usize;
            let mut i = at;
            loop {
                match b.get(i)? {
                    b'"' => {
                        i = skip_string(b, i)?;
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
                i += 1;
                if depth == 0 {
                    return Some(i);
                }
            }
        }
        _ => {
            let n = b[at..]
                .iter()
                .position(|c| matches!(c, b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t'));
            Some(at + n.unwrap_or(b.len() - at))
        }
    }
}

/// What each measured message carries: `@sender:seq:intended_ns:` and padding.
pub struct Stamp {
    pub sender: u32,
    pub seq: u32,
    pub intended_ns: u64,
}

impl Stamp {
    pub fn write(&self, out: &mut Vec<u8>) {
        use std::io::Write;
        write!(out, "@{}:{}:{}:", self.sender, self.seq, self.intended_ns).expect("write to a Vec");
    }

    pub fn parse(payload: &[u8]) -> Option<Stamp> {
        let at = payload.iter().position(|&b| b == b'@')? + 1;
        let mut rest = &payload[at..];
        let mut number = || {
            let mut v = 0u64;
            for (i, &b) in rest.iter().enumerate() {
                match b {
                    b'0'..=b'9' => v = v.wrapping_mul(10).wrapping_add((b - b'0') as u64),
                    b':' if i > 0 => {
                        rest = &rest[i + 1..];
                        return Some(v);
                    }
                    _ => return None,
                }
            }
            None
        };
        Some(Stamp {
            sender: u32::try_from(number()?).ok()?,
            seq: u32::try_from(number()?).ok()?,
            intended_ns: number()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_messages() {
        let m = parse_text(br#"[null, "2","room:1","phx_reply",{"response":{"a":[1,"]"]},"status":"ok"}]"#)
            .unwrap();
        assert_eq!((m.join_ref, m.msg_ref), (None, Some(&b"2"[..])));
        assert_eq!((m.topic, m.event), (&b"room:1"[..], &b"phx_reply"[..]));
        assert_eq!(object_get(m.payload, b"status"), Some(&br#""ok""#[..]));
        assert_eq!(object_get(m.payload, b"response"), Some(&br#"{"a":[1,"]"]}"#[..]));
        assert_eq!(object_get(m.payload, b"x"), None);
        assert!(parse_text(b"[1,2]").is_none());
        assert!(parse_text(br#"["1","2","t","e",{"#).is_none());
    }

    #[test]
    fn binary_messages() {
        let (kind, m) = parse_binary(b"\x02\x03\x01t:1ehello").unwrap();
        assert_eq!(
            (kind, m.topic, m.event, m.payload),
            (2, &b"t:1"[..], &b"e"[..], &b"hello"[..])
        );
        let mut out = Vec::new();
        write_binary_push(&mut out, "1", "22", "room:1", "msg");
        assert_eq!(out, b"\x00\x01\x02\x06\x03122room:1msg");
    }

    #[test]
    fn frames_round_trip() {
        for n in [0, 5, 125, 126, 70_000] {
            let body: Vec<u8> = (0..n).map(|i| i as u8).collect();
            let mut out = Vec::new();
            write_frame(&mut out, OP_TEXT, [1, 2, 3, 4], &body);
            let head = out.len() - n - 4;
            let unmasked: Vec<u8> = out[head + 4..]
                .iter()
                .enumerate()
                .map(|(i, b)| b ^ [1, 2, 3, 4][i & 3])
                .collect();
            assert_eq!(unmasked, body);
            // as a server frame: clear the mask bit and drop the key
            let mut server = out[..head].to_vec();
            server[1] &= 0x7f;
            server.extend_from_slice(&body);
            assert!(parse_frame(&server[..server.len() - 1]).unwrap().is_none());
            let f = parse_frame(&server).unwrap().unwrap();
            assert_eq!(
                (f.fin, f.opcode, f.payload, f.len),
                (true, OP_TEXT, &body[..], server.len())
            );
        }
    }

    #[test]
    fn stamps() {
        let mut out = b"{\"d\":\"".to_vec();
        Stamp {
            sender: 7,
            seq: 42,
            intended_ns: 123456789012,
        }
        .write(&mut out);
        out.extend_from_slice(b"xxx\"}");
        let s = Stamp::parse(&out).unwrap();
        assert_eq!((s.sender, s.seq, s.intended_ns), (7, 42, 123456789012));
        assert!(Stamp::parse(b"{}").is_none());
    }
}
