//! One epoll loop: its share of the connections, their schedules and what they saw.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

use rustix::event::Timespec;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

use crate::stats::{SeqTrack, WorkerStats};
use crate::wire::{self, Message, Stamp};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Open,
    Closed,
    Idle,
}

pub struct Plan {
    pub addr: SocketAddrV4,
    pub request: String,
    pub topics: Vec<String>,
    pub members: u32,
    pub senders: u32,
    pub join_payload: String,
    /// By connection; empty: `join_payload` for all.
    pub joins: Vec<String>,
    pub event: String,
    pub broadcast_event: String,
    pub mode: Mode,
    /// Nanoseconds between two messages of one room (open loop).
    pub room_interval_ns: f64,
    /// Messages in flight per sender (closed loop).
    pub window: u32,
    pub payload: usize,
    pub binary: bool,
    pub heartbeat_ns: u64,
    pub connect_rate: f64,
    pub connect_concurrency: u32,
    pub source_ips: u32,
    pub threads: u32,
}

pub const CONNECT: u8 = 0;
pub const RUN: u8 = 1;
pub const STOP: u8 = 2;

pub struct Shared {
    pub plan: Plan,
    pub base: Instant,
    pub phase: AtomicU8,
    pub run_start_ns: AtomicU64,
    pub window_start_ns: AtomicU64,
    pub window_end_ns: AtomicU64,
    pub joined: AtomicUsize,
    pub failed: AtomicUsize,
    pub sent: AtomicU64,
    pub received: AtomicU64,
}

impl Shared {
    pub fn now(&self) -> u64 {
        self.base.elapsed().as_nanos() as u64
    }
}

/// What remains of a connection when the worker is done.
pub struct ConnResult {
    pub index: u32,
    pub sent: u32,
    pub tracks: Vec<SeqTrack>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Connecting,
    Upgrading,
    Joining,
    Joined,
    Closed,
}

struct Conn {
    fd: Option<OwnedFd>,
    index: u32,
    state: State,
    started_ns: u64,
    next_ref: u64,
    heartbeat_ref: u64,
    heartbeat_sent_ns: u64,
    seq: u32,
    mask: [u8; 4],
    wants_write: bool,
    input: Vec<u8>,
    output: Vec<u8>,
    fragments: Vec<u8>,
    fragment_opcode: u8,
    tracks: Vec<SeqTrack>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Send,
    Heartbeat,
}

pub struct Worker {
    shared: Arc<Shared>,
    epoll: OwnedFd,
    conns: Vec<Conn>,
    todo: Vec<u32>,
    connect_start_ns: u64,
    connecting: u32,
    timers: BinaryHeap<Reverse<(u64, u32, Due)>>,
    stats: WorkerStats,
    scratch: Vec<u8>,
    frame: Vec<u8>,
    sent: u64,
    window: (u64, u64),
    running: bool,
}

const JOIN_REF: &str = "1";

impl Worker {
    pub fn new(shared: Arc<Shared>, id: u32) -> Self {
        let total = shared.plan.topics.len() as u32 * shared.plan.members;
        let todo: Vec<u32> = (id..total).step_by(shared.plan.threads as usize).rev().collect();
        Worker {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC).expect("epoll_create"),
            conns: Vec::with_capacity(todo.len()),
            todo,
            connect_start_ns: 0,
            connecting: 0,
            timers: BinaryHeap::new(),
            stats: WorkerStats::new(),
            scratch: Vec::new(),
            frame: Vec::new(),
            sent: 0,
            window: (u64::MAX, u64::MAX),
            running: false,
            shared,
        }
    }

    pub fn run(mut self) -> (WorkerStats, Vec<ConnResult>) {
        let mut events = Vec::with_capacity(1024);
        let mut buf = vec![0u8; 256 * 1024];
        let (mut told_sent, mut told_received) = (0, 0);
        self.connect_start_ns = self.shared.now();
        loop {
            match self.shared.phase.load(Relaxed) {
                RUN if !self.running => self.start_run(),
                STOP => break,
                _ => {}
            }
            let now = self.shared.now();
            let mut wake = now + 20_000_000;
            wake = wake.min(self.open_connections(now));
            wake = wake.min(self.fire_timers(now));
            let timeout = timespec(wake.saturating_sub(self.shared.now()));
            events.clear();
            match epoll::wait(
                &self.epoll,
                rustix::buffer::spare_capacity(&mut events),
                Some(&timeout),
            ) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(e) => panic!("epoll_wait: {e}"),
            }
            for event in &events {
                self.ready(event.data.u64() as usize, event.flags, &mut buf);
            }
            self.shared.sent.fetch_add(self.sent - told_sent, Relaxed);
            self.shared
                .received
                .fetch_add(self.stats.received - told_received, Relaxed);
            (told_sent, told_received) = (self.sent, self.stats.received);
        }
        self.close_all();
        let results = self
            .conns
            .into_iter()
            .map(|c| ConnResult {
                index: c.index,
                sent: c.seq,
                tracks: c.tracks,
            })
            .collect();
        (self.stats, results)
    }

    // ---- connecting ----

    /// Opens what the pace allows; returns when to come back.
    fn open_connections(&mut self, now: u64) -> u64 {
        let plan = &self.shared.plan;
        let share = (plan.connect_concurrency / plan.threads).max(1);
        let pace_ns = plan.threads as f64 / plan.connect_rate * 1e9;
        while self.connecting < share {
            let Some(&index) = self.todo.last() else {
                return u64::MAX;
            };
            let due = self.connect_start_ns + (self.conns.len() as f64 * pace_ns) as u64;
            if due > now {
                return due;
            }
            self.todo.pop();
            self.open(index);
        }
        u64::MAX
    }

    fn open(&mut self, index: u32) {
        let slot = self.conns.len();
        let started_ns = self.shared.now();
        let x = (index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.conns.push(Conn {
            fd: None,
            index,
            state: State::Connecting,
            started_ns,
            next_ref: 2,
            heartbeat_ref: 0,
            heartbeat_sent_ns: 0,
            seq: 0,
            mask: ((x >> 32) as u32 | 0x0101_0101).to_ne_bytes(),
            wants_write: true,
            input: Vec::new(),
            output: Vec::new(),
            fragments: Vec::new(),
            fragment_opcode: 0,
            tracks: Vec::new(),
        });
        self.connecting += 1;
        match self.connect(slot, index) {
            Ok(fd) => self.conns[slot].fd = Some(fd),
            Err(e) => self.drop_conn(slot, Some(format!("connect: {e}"))),
        }
    }

    fn connect(&self, slot: usize, index: u32) -> Result<OwnedFd, Errno> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let fd = rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
        sockopt::set_tcp_nodelay(&fd, true)?;
        let plan = &self.shared.plan;
        if plan.source_ips > 1 {
            let ip = Ipv4Addr::new(127, 0, 0, 1 + (index % plan.source_ips) as u8);
            rustix::net::bind(&fd, &SocketAddrV4::new(ip, 0))?;
        }
        match rustix::net::connect(&fd, &plan.addr) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(e) => return Err(e),
        }
        epoll::add(
            &self.epoll,
            &fd,
            EventData::new_u64(slot as u64),
            EventFlags::IN | EventFlags::OUT,
        )?;
        Ok(fd)
    }

    fn connected(&mut self, slot: usize) {
        let fd = self.conns[slot].fd.as_ref().expect("open");
        if let Ok(Err(e)) | Err(e) = sockopt::socket_error(fd) {
            return self.drop_conn(slot, Some(format!("connect: {e}")));
        }
        self.conns[slot].state = State::Upgrading;
        let shared = self.shared.clone();
        self.write(slot, shared.plan.request.as_bytes());
    }

    /// Forgets a connection; `why` is given when that was not asked for.
    fn drop_conn(&mut self, slot: usize, why: Option<String>) {
        let c = &mut self.conns[slot];
        let was = c.state;
        c.state = State::Closed;
        c.fd = None;
        c.input = Vec::new();
        c.output = Vec::new();
        match was {
            State::Closed => {}
            State::Connecting | State::Upgrading | State::Joining => {
                self.connecting -= 1;
                self.shared.failed.fetch_add(1, Relaxed);
                self.stats.fail(format!("{was:?}: {}", why.unwrap_or_default()));
            }
            State::Joined => {
                self.stats.disconnects += 1;
                if self.stats.failures.len() < 5 {
                    self.stats
                        .failures
                        .push(format!("Joined: {}", why.unwrap_or_default()));
                }
            }
        }
    }

    // ---- I/O ----

    fn ready(&mut self, slot: usize, flags: EventFlags, buf: &mut [u8]) {
        match self.conns[slot].state {
            State::Closed => return,
            State::Connecting => self.connected(slot),
            _ => {}
        }
        if flags.contains(EventFlags::OUT) {
            self.flush(slot);
        }
        if flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
            self.read(slot, buf);
        }
    }

    fn read(&mut self, slot: usize, buf: &mut [u8]) {
        loop {
            let Some(fd) = self.conns[slot].fd.as_ref() else {
                return;
            };
            let n = match rustix::io::read(fd, &mut *buf) {
                Ok(0) => return self.drop_conn(slot, Some("closed by the server".into())),
                Ok(n) => n,
                Err(Errno::AGAIN | Errno::INTR) => return,
                Err(e) => return self.drop_conn(slot, Some(format!("read: {e}"))),
            };
            let now = self.shared.now();
            let done = if self.conns[slot].input.is_empty() {
                self.input(slot, &buf[..n], now).map(|used| {
                    if used < n {
                        self.conns[slot].input.extend_from_slice(&buf[used..n]);
                    }
                })
            } else {
                let mut input = std::mem::take(&mut self.conns[slot].input);
                input.extend_from_slice(&buf[..n]);
                self.input(slot, &input, now).map(|used| {
                    input.drain(..used);
                    self.conns[slot].input = input;
                })
            };
            if let Err(why) = done {
                return self.drop_conn(slot, Some(why));
            }
            if n < buf.len() {
                return;
            }
        }
    }

    /// Handles all that is whole in `data`; returns how much that was.
    fn input(&mut self, slot: usize, data: &[u8], now: u64) -> Result<usize, String> {
        let mut used = 0;
        if self.conns[slot].state == State::Upgrading {
            match wire::parse_upgrade(data) {
                None => return Ok(0),
                Some(head) => used = head?,
            }
            self.upgraded(slot, now);
        }
        while let Some(frame) = wire::parse_frame(&data[used..])? {
            used += frame.len;
            match frame.opcode {
                wire::OP_TEXT | wire::OP_BINARY if frame.fin => {
                    self.message(slot, frame.opcode, frame.payload, now)
                }
                wire::OP_TEXT | wire::OP_BINARY => {
                    let c = &mut self.conns[slot];
                    c.fragment_opcode = frame.opcode;
                    c.fragments.clear();
                    c.fragments.extend_from_slice(frame.payload);
                }
                wire::OP_CONT => {
                    let c = &mut self.conns[slot];
                    c.fragments.extend_from_slice(frame.payload);
                    if frame.fin {
                        let whole = std::mem::take(&mut c.fragments);
                        let opcode = c.fragment_opcode;
                        self.message(slot, opcode, &whole, now);
                    }
                }
                wire::OP_PING => self.send_frame(slot, wire::OP_PONG, frame.payload),
                wire::OP_PONG => {}
                wire::OP_CLOSE => {
                    let code = frame
                        .payload
                        .get(..2)
                        .map_or(1005, |b| u16::from_be_bytes([b[0], b[1]]));
                    return Err(format!("close frame, code {code}"));
                }
                other => return Err(format!("unknown opcode {other}")),
            }
        }
        Ok(used)
    }

    fn write(&mut self, slot: usize, bytes: &[u8]) {
        let c = &mut self.conns[slot];
        let Some(fd) = c.fd.as_ref() else { return };
        let mut rest = bytes;
        if c.output.is_empty() {
            match rustix::io::write(fd, bytes) {
                Ok(n) => rest = &bytes[n..],
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(e) => return self.drop_conn(slot, Some(format!("write: {e}"))),
            }
        }
        c.output.extend_from_slice(rest);
        self.stats.max_out_backlog = self.stats.max_out_backlog.max(c.output.len());
        self.interest(slot);
    }

    fn flush(&mut self, slot: usize) {
        let c = &mut self.conns[slot];
        let Some(fd) = c.fd.as_ref() else { return };
        if !c.output.is_empty() {
            match rustix::io::write(fd, &c.output) {
                Ok(n) => drop(c.output.drain(..n)),
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(e) => return self.drop_conn(slot, Some(format!("write: {e}"))),
            }
        }
        self.interest(slot);
    }

    /// Asks for writability exactly while something waits to be written.
    fn interest(&mut self, slot: usize) {
        let c = &mut self.conns[slot];
        let wants = !c.output.is_empty();
        if wants == c.wants_write {
            return;
        }
        c.wants_write = wants;
        let flags = if wants {
            EventFlags::IN | EventFlags::OUT
        } else {
            EventFlags::IN
        };
        let fd = c.fd.as_ref().expect("open");
        epoll::modify(&self.epoll, fd, EventData::new_u64(slot as u64), flags).expect("epoll_ctl");
    }

    fn send_frame(&mut self, slot: usize, opcode: u8, payload: &[u8]) {
        let mut frame = std::mem::take(&mut self.frame);
        frame.clear();
        wire::write_frame(&mut frame, opcode, self.conns[slot].mask, payload);
        self.write(slot, &frame);
        self.frame = frame;
    }

    // ---- the channel protocol ----

    fn room(&self, slot: usize) -> u32 {
        self.conns[slot].index / self.shared.plan.members
    }

    fn topic(&self, slot: usize) -> &str {
        &self.shared.plan.topics[self.room(slot) as usize]
    }

    fn upgraded(&mut self, slot: usize, now: u64) {
        let c = &mut self.conns[slot];
        c.state = State::Joining;
        self.stats.upgrade.saturating_record(now - c.started_ns);
        let plan = &self.shared.plan;
        let payload = match plan.joins.get(c.index as usize) {
            Some(payload) => payload.clone(),
            None => plan
                .join_payload
                .replace("{n}", &c.index.to_string())
                .replace("{room}", &(c.index / plan.members).to_string())
                .replace("{member}", &(c.index % plan.members).to_string()),
        };
        let text = format!(
            r#"["{JOIN_REF}","{JOIN_REF}","{}","phx_join",{payload}]"#,
            self.topic(slot)
        );
        self.send_frame(slot, wire::OP_TEXT, text.as_bytes());
    }

    fn message(&mut self, slot: usize, opcode: u8, data: &[u8], now: u64) {
        let (status, m) = if opcode == wire::OP_BINARY {
            match wire::parse_binary(data) {
                Some((1, m)) => (Some(m.event), m),
                Some((_, m)) => (None, m),
                None => return self.drop_conn(slot, Some("malformed binary message".into())),
            }
        } else {
            match wire::parse_text(data) {
                Some(m) => (None, m),
                None => return self.drop_conn(slot, Some("malformed text message".into())),
            }
        };
        if status.is_some() || m.event == b"phx_reply" {
            let ok = status == Some(b"ok") || wire::object_get(m.payload, b"status") == Some(br#""ok""#);
            return self.reply(slot, &m, ok, now);
        }
        if m.event == self.shared.plan.broadcast_event.as_bytes() {
            if m.topic != self.topic(slot).as_bytes() {
                self.stats.misrouted += 1;
            } else if let Some(stamp) = Stamp::parse(m.payload) {
                self.delivered(slot, stamp, data.len(), now);
            }
            return;
        }
        match m.event {
            b"phx_error" => self.stats.phx_errors += 1,
            b"phx_close" => self.stats.phx_closes += 1,
            _ => self.stats.other_events += 1,
        }
    }

    fn reply(&mut self, slot: usize, m: &Message, ok: bool, now: u64) {
        let c = &mut self.conns[slot];
        let number = m
            .msg_ref
            .and_then(|r| std::str::from_utf8(r).ok())
            .and_then(|r| r.parse::<u64>().ok());
        match number {
            Some(1) if c.state == State::Joining => {
                if !ok {
                    let why = String::from_utf8_lossy(m.payload).into_owned();
                    return self.drop_conn(slot, Some(format!("join refused: {why}")));
                }
                c.state = State::Joined;
                self.connecting -= 1;
                self.stats.joined.saturating_record(now - c.started_ns);
                self.stats.last_joined_ns = self.stats.last_joined_ns.max(now);
                self.shared.joined.fetch_add(1, Relaxed);
                self.timers.push(Reverse((
                    now + self.shared.plan.heartbeat_ns,
                    slot as u32,
                    Due::Heartbeat,
                )));
            }
            Some(n) if n == c.heartbeat_ref && ok => {
                self.stats.heartbeat.saturating_record(now - c.heartbeat_sent_ns);
            }
            _ if !ok => self.stats.error_replies += 1,
            _ => {}
        }
    }

    fn delivered(&mut self, slot: usize, stamp: Stamp, bytes: usize, now: u64) {
        let plan = &self.shared.plan;
        let c = &mut self.conns[slot];
        if stamp.sender / plan.members != c.index / plan.members {
            self.stats.misrouted += 1;
            return;
        }
        let member = (stamp.sender % plan.members) as usize;
        if c.tracks.is_empty() {
            c.tracks.resize(plan.senders as usize, SeqTrack::default());
        }
        let Some(track) = c.tracks.get_mut(member) else {
            return;
        };
        track.receive(stamp.seq);
        self.stats.received += 1;
        self.stats.received_bytes += bytes as u64;
        if self.window.0 <= now && now < self.window.1 {
            self.stats.window_received += 1;
        }
        if self.window.0 <= stamp.intended_ns && stamp.intended_ns < self.window.1 {
            self.stats
                .latency
                .saturating_record(now.saturating_sub(stamp.intended_ns).max(1));
        }
        if plan.mode == Mode::Closed && stamp.sender == c.index && now < self.window.1 {
            self.send(slot, now);
        }
    }

    // ---- sending ----

    fn start_run(&mut self) {
        self.running = true;
        let start = self.shared.run_start_ns.load(Relaxed);
        self.window = (
            self.shared.window_start_ns.load(Relaxed),
            self.shared.window_end_ns.load(Relaxed),
        );
        let plan = &self.shared.plan;
        for slot in 0..self.conns.len() {
            let c = &self.conns[slot];
            let (room, member) = (c.index / plan.members, c.index % plan.members);
            if c.state != State::Joined || member >= plan.senders || plan.mode == Mode::Idle {
                continue;
            }
            let first = match plan.mode {
                // rooms are spread over the interval by the golden ratio, members take turns
                Mode::Open => {
                    (((room as f64 * 0.618_033_988_75).fract() + member as f64) * plan.room_interval_ns)
                        as u64
                }
                _ => 0,
            };
            self.timers.push(Reverse((start + first, slot as u32, Due::Send)));
        }
    }

    /// Does all that is due; returns when the next thing is.
    fn fire_timers(&mut self, now: u64) -> u64 {
        while let Some(&Reverse((due, slot, what))) = self.timers.peek() {
            if due > now {
                return due;
            }
            self.timers.pop();
            let slot = slot as usize;
            if self.conns[slot].state != State::Joined {
                continue;
            }
            match what {
                Due::Heartbeat => self.heartbeat(slot, now),
                Due::Send if due >= self.window.1 => {}
                Due::Send => match self.shared.plan.mode {
                    Mode::Open => {
                        self.send(slot, due);
                        let step = self.shared.plan.room_interval_ns * self.shared.plan.senders as f64;
                        self.timers
                            .push(Reverse((due + step as u64, slot as u32, Due::Send)));
                    }
                    _ => (0..self.shared.plan.window).for_each(|_| self.send(slot, self.shared.now())),
                },
            }
        }
        u64::MAX
    }

    fn send(&mut self, slot: usize, intended_ns: u64) {
        let shared = self.shared.clone();
        let plan = &shared.plan;
        let c = &mut self.conns[slot];
        let stamp = Stamp {
            sender: c.index,
            seq: c.seq,
            intended_ns,
        };
        let topic = &plan.topics[(c.index / plan.members) as usize];
        let msg_ref = c.next_ref.to_string();
        c.seq += 1;
        c.next_ref += 1;
        let mut out = std::mem::take(&mut self.scratch);
        out.clear();
        let opcode = if plan.binary {
            wire::write_binary_push(&mut out, JOIN_REF, &msg_ref, topic, &plan.event);
            let start = out.len();
            stamp.write(&mut out);
            out.resize(out.len().max(start + plan.payload), b'x');
            wire::OP_BINARY
        } else {
            for part in [
                "[\"",
                JOIN_REF,
                "\",\"",
                &msg_ref,
                "\",\"",
                topic,
                "\",\"",
                &plan.event,
                "\",",
            ] {
                out.extend_from_slice(part.as_bytes());
            }
            let start = out.len();
            out.extend_from_slice(b"{\"d\":\"");
            stamp.write(&mut out);
            out.resize(out.len().max(start + plan.payload - 2), b'x');
            out.extend_from_slice(b"\"}]");
            wire::OP_TEXT
        };
        self.send_frame(slot, opcode, &out);
        self.scratch = out;
        self.sent += 1;
        if self.window.0 <= intended_ns && intended_ns < self.window.1 {
            self.stats.window_sent += 1;
            self.stats
                .send_lag
                .saturating_record((shared.now() - intended_ns).max(1));
        }
    }

    fn heartbeat(&mut self, slot: usize, now: u64) {
        let c = &mut self.conns[slot];
        c.heartbeat_ref = c.next_ref;
        c.heartbeat_sent_ns = now;
        c.next_ref += 1;
        let text = format!(r#"[null,"{}","phoenix","heartbeat",{{}}]"#, c.heartbeat_ref);
        self.timers.push(Reverse((
            now + self.shared.plan.heartbeat_ns,
            slot as u32,
            Due::Heartbeat,
        )));
        self.send_frame(slot, wire::OP_TEXT, text.as_bytes());
    }

    fn close_all(&mut self) {
        for slot in 0..self.conns.len() {
            if self.conns[slot].state == State::Joined {
                self.send_frame(slot, wire::OP_CLOSE, &1000u16.to_be_bytes());
            }
            self.conns[slot].fd = None;
        }
    }
}

fn timespec(ns: u64) -> Timespec {
    Timespec {
        tv_sec: (ns / 1_000_000_000) as i64,
        tv_nsec: (ns % 1_000_000_000) as _,
    }
}
