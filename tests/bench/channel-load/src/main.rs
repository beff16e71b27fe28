//! channel-load: measures any server that speaks Phoenix Channels V2. See README.md.

#![recursion_limit = "256"]

mod procfs;
mod stats;
mod wire;
mod worker;

use std::net::{SocketAddr, ToSocketAddrs};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use hdrhistogram::Histogram;
use serde_json::{Value, json};

use stats::WorkerStats;
use worker::{Mode, Plan, Shared, Worker};

#[derive(Clone, Copy, ValueEnum, Debug)]
enum ModeArg {
    /// Fixed schedule; latency counts from the intended time (no coordinated omission)
    Open,
    /// A sender sends again when its own message comes back; for throughput only
    Closed,
    /// Joins and heartbeats only
    Idle,
}

/// Load generator for Phoenix Channels V2 endpoints.
#[derive(Parser, Debug)]
struct Args {
    /// ws://host:port/path; vsn=2.0.0 is added to the query
    #[arg(long)]
    url: String,
    #[arg(long, default_value_t = 1)]
    rooms: u32,
    #[arg(long, default_value_t = 10)]
    members: u32,
    /// Members of each room that send, in turn (0: all when open, 1 when closed)
    #[arg(long, default_value_t = 0)]
    senders: u32,
    /// {room} is replaced by 0, 1, 2, ...
    #[arg(long, default_value = "room:{room}")]
    topic: String,
    /// One topic a line, instead of --rooms and --topic
    #[arg(long)]
    topics_file: Option<std::path::PathBuf>,
    /// {n}, {room} and {member} are replaced by numbers
    #[arg(long, default_value = "{}")]
    join_payload: String,
    /// One JSON payload a line for each connection (room by room, member by member), instead of --join-payload
    #[arg(long)]
    joins_file: Option<std::path::PathBuf>,
    /// Event to push
    #[arg(long, default_value = "msg")]
    event: String,
    /// Event in which it comes back (the same unless given)
    #[arg(long)]
    broadcast_event: Option<String>,
    #[arg(long, value_enum, default_value = "open")]
    mode: ModeArg,
    /// Messages per second and room (open)
    #[arg(long, default_value_t = 10.0)]
    rate: f64,
    /// Messages in flight per sender (closed)
    #[arg(long, default_value_t = 1)]
    window: u32,
    /// Bytes of the JSON payload (or of the binary one)
    #[arg(long, default_value_t = 200)]
    payload: usize,
    /// Push binary frames
    #[arg(long)]
    binary: bool,
    /// The server does not send a message back to its sender
    #[arg(long)]
    no_echo: bool,
    /// Seconds of load before the measured window
    #[arg(long, default_value_t = 3.0)]
    warmup: f64,
    /// Seconds of the measured window
    #[arg(long, default_value_t = 10.0)]
    duration: f64,
    /// Longest wait for what is still under way after the window, seconds
    #[arg(long, default_value_t = 5.0)]
    drain: f64,
    /// Rest between the last join and the memory reading, seconds
    #[arg(long, default_value_t = 1.0)]
    settle: f64,
    /// New connections per second (0: no limit)
    #[arg(long, default_value_t = 0.0)]
    connect_rate: f64,
    /// Connections on their way to joined at once
    #[arg(long, default_value_t = 128)]
    connect_concurrency: u32,
    #[arg(long, default_value_t = 60.0)]
    connect_timeout: f64,
    /// Heartbeat interval, seconds (phoenix.js: 30)
    #[arg(long, default_value_t = 30.0)]
    heartbeat: f64,
    /// Epoll loops (0: one per core)
    #[arg(long, default_value_t = 0)]
    threads: u32,
    /// Source addresses 127.0.0.1.. to use, for more than 28,000 connections
    #[arg(long, default_value_t = 1)]
    source_ips: u32,
    /// Origin header of the upgrade
    #[arg(long)]
    origin: Option<String>,
    /// Process of the server (may be given several times)
    #[arg(long)]
    pid: Vec<u32>,
    /// Seconds to wait after closing before the last memory reading
    #[arg(long, default_value_t = 0.0)]
    after: f64,
    #[arg(long, default_value = "")]
    label: String,
    /// Append the result as one JSON line to this file
    #[arg(long)]
    json: Option<std::path::PathBuf>,
}

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(e) => {
            eprintln!("channel-load: {e}");
            ExitCode::from(2)
        }
    }
}

fn plan(args: &Args) -> Result<Plan, String> {
    let rest = args
        .url
        .strip_prefix("ws://")
        .ok_or("--url must start with ws://")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let addr = host
        .to_socket_addrs()
        .map_err(|e| format!("{host}: {e}"))?
        .find_map(|a| if let SocketAddr::V4(a) = a { Some(a) } else { None })
        .ok_or("no IPv4 address")?;
    let path = match path {
        p if p.contains("vsn=") => format!("/{p}"),
        p if p.contains('?') => format!("/{p}&vsn=2.0.0"),
        p => format!("/{p}?vsn=2.0.0"),
    };
    let topics: Vec<String> = match &args.topics_file {
        Some(file) => {
            let text = std::fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
            text.lines()
                .map(str::to_owned)
                .filter(|l| !l.is_empty())
                .collect()
        }
        None => (0..args.rooms)
            .map(|r| args.topic.replace("{room}", &r.to_string()))
            .collect(),
    };
    let joins: Vec<String> = match &args.joins_file {
        Some(file) => {
            let text = std::fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
            text.lines()
                .map(str::to_owned)
                .filter(|l| !l.is_empty())
                .collect()
        }
        None => Vec::new(),
    };
    if args.joins_file.is_some() && joins.len() < topics.len() * args.members as usize {
        return Err(format!(
            "--joins-file has {} lines for {} connections",
            joins.len(),
            topics.len() * args.members as usize
        ));
    }
    let mode = match args.mode {
        ModeArg::Open => Mode::Open,
        ModeArg::Closed => Mode::Closed,
        ModeArg::Idle => Mode::Idle,
    };
    if mode == Mode::Closed && args.no_echo {
        return Err("closed loop needs the sender's own message back".into());
    }
    if args.payload < 64 {
        return Err("--payload must be at least 64, for the stamp".into());
    }
    if topics.is_empty() || args.members == 0 {
        return Err("no connections asked for".into());
    }
    let senders = match (args.senders, mode) {
        (0, Mode::Closed) => 1,
        (0, _) => args.members,
        (n, _) => n.min(args.members),
    };
    let cores = thread::available_parallelism().map_or(1, |n| n.get() as u32);
    Ok(Plan {
        addr,
        request: wire::upgrade_request(host, &path, args.origin.as_deref()),
        topics,
        members: args.members,
        senders,
        join_payload: args.join_payload.clone(),
        joins,
        event: args.event.clone(),
        broadcast_event: args.broadcast_event.clone().unwrap_or(args.event.clone()),
        mode,
        room_interval_ns: 1e9 / args.rate,
        window: args.window,
        payload: args.payload,
        binary: args.binary,
        heartbeat_ns: (args.heartbeat * 1e9) as u64,
        connect_rate: if args.connect_rate > 0.0 {
            args.connect_rate
        } else {
            f64::INFINITY
        },
        connect_concurrency: args.connect_concurrency,
        source_ips: args.source_ips.clamp(1, 250),
        threads: if args.threads > 0 { args.threads } else { cores },
    })
}

fn run(args: Args) -> Result<bool, String> {
    let plan = plan(&args)?;
    let total = plan.topics.len() * plan.members as usize;
    raise_file_limit(total);
    let before = procfs::sample(&args.pid);
    let shared = Arc::new(Shared {
        plan,
        base: Instant::now(),
        phase: AtomicU8::new(worker::CONNECT),
        run_start_ns: AtomicU64::new(0),
        window_start_ns: AtomicU64::new(u64::MAX),
        window_end_ns: AtomicU64::new(u64::MAX),
        joined: AtomicUsize::new(0),
        failed: AtomicUsize::new(0),
        sent: AtomicU64::new(0),
        received: AtomicU64::new(0),
    });
    let workers: Vec<_> = (0..shared.plan.threads)
        .map(|id| {
            let shared = shared.clone();
            thread::spawn(move || {
                // the default slack of 50 us would be added to every latency
                let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
                Worker::new(shared, id).run()
            })
        })
        .collect();

    // connect and join
    let deadline = Instant::now() + Duration::from_secs_f64(args.connect_timeout);
    while shared.joined.load(Relaxed) + shared.failed.load(Relaxed) < total && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(2));
    }
    let joined = shared.joined.load(Relaxed);
    let at_joined = procfs::sample(&args.pid);
    sleep(args.settle);
    let settled = procfs::sample(&args.pid);

    // load
    let start = shared.now() + 50_000_000;
    let window_start = start + (args.warmup * 1e9) as u64;
    let window_end = window_start + (args.duration * 1e9) as u64;
    shared.run_start_ns.store(start, Relaxed);
    shared.window_start_ns.store(window_start, Relaxed);
    shared.window_end_ns.store(window_end, Relaxed);
    shared.phase.store(worker::RUN, Relaxed);
    sleep_until(&shared, window_start);
    let (busy_0, own_0, cpu_0) = (procfs::machine_busy_s(), own_cpu(), procfs::sample(&args.pid));
    sleep_until(&shared, window_end);
    let (busy_1, own_1, cpu_1) = (procfs::machine_busy_s(), own_cpu(), procfs::sample(&args.pid));

    // drain
    let receivers = (shared.plan.members - args.no_echo as u32) as u64;
    let deadline = Instant::now() + Duration::from_secs_f64(args.drain);
    thread::sleep(Duration::from_millis(60));
    while shared.received.load(Relaxed) < shared.sent.load(Relaxed) * receivers && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(10));
    }
    thread::sleep(Duration::from_millis(100)); // what arrives now is a duplicate
    shared.phase.store(worker::STOP, Relaxed);

    let mut stats = WorkerStats::new();
    let mut results = Vec::with_capacity(total);
    for w in workers {
        let (s, r) = w.join().map_err(|_| "a worker panicked")?;
        stats.merge(s);
        results.extend(r);
    }
    let tally = tally(&shared.plan, results, args.no_echo);
    sleep(args.after);
    let after = procfs::sample(&args.pid);

    let window_cpu = cpu_1.cpu.since(cpu_0.cpu);
    let server_cpu = window_cpu.total();
    let connect_cpu = at_joined.cpu.since(before.cpu).total();
    let own = own_1.since(own_0);
    let deliveries = stats.window_received as f64;
    let secs = args.duration;
    let clean = tally.clean()
        && stats.failed == 0
        && stats.misrouted == 0
        && stats.disconnects == 0
        && joined == total;
    let report = json!({
        "label": args.label,
        "url": args.url,
        "mode": format!("{:?}", args.mode).to_lowercase(),
        "rooms": shared.plan.topics.len(), "members": shared.plan.members, "senders": shared.plan.senders,
        "rate": args.rate, "window": args.window, "payload": args.payload, "binary": args.binary,
        "threads": shared.plan.threads, "duration_s": secs,
        "connections": total, "joined": joined, "failed": stats.failed, "failures": stats.failures,
        "all_joined_s": stats.last_joined_ns as f64 / 1e9,
        "joins_per_s": joined as f64 / (stats.last_joined_ns.max(1) as f64 / 1e9),
        "upgrade_us": quantiles(&stats.upgrade), "joined_us": quantiles(&stats.joined),
        "heartbeat_us": quantiles(&stats.heartbeat),
        "sent": stats.window_sent, "delivered": stats.window_received,
        "sent_per_s": stats.window_sent as f64 / secs, "deliveries_per_s": deliveries / secs,
        "latency_us": quantiles(&stats.latency), "send_lag_us": quantiles(&stats.send_lag),
        "lost": tally.lost, "duplicated": tally.duplicated, "reordered": tally.reordered, "stale": tally.stale,
        "misrouted": stats.misrouted, "disconnects": stats.disconnects,
        "phx_error": stats.phx_errors, "phx_close": stats.phx_closes,
        "error_replies": stats.error_replies, "other_events": stats.other_events,
        "max_out_backlog_bytes": stats.max_out_backlog,
        "generator_cpu_s": own.total(), "generator_user_s": own.user_s,
        "other_cores": (busy_1 - busy_0 - own.total() - server_cpu) / secs,
        "server": if args.pid.is_empty() { Value::Null } else { json!({
            "cpu_s": server_cpu,
            "cpu_s_per_million_deliveries": if deliveries > 0.0 { json!(server_cpu / deliveries * 1e6) } else { Value::Null },
            "user_s": window_cpu.user_s, "system_s": window_cpu.system_s,
            "connect_cpu_s": connect_cpu,
            "connect_cpu_us_per_join": connect_cpu * 1e6 / joined.max(1) as f64,
            "rss_before": before.rss, "rss_settled": settled.rss, "rss_end": cpu_1.rss,
            "rss_after_close": after.rss, "rss_peak": after.rss_peak,
            "rss_per_connection": (settled.rss as f64 - before.rss as f64) / joined.max(1) as f64,
            "rss_per_connection_end": (cpu_1.rss as f64 - before.rss as f64) / joined.max(1) as f64,
        }) },
        "clean": clean,
    });
    print_report(&report);
    if let Some(path) = &args.json {
        use std::io::Write;
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(|e| e.to_string())?;
        writeln!(file, "{report}").map_err(|e| e.to_string())?;
    }
    Ok(clean)
}

#[derive(Default)]
struct Tally {
    lost: u64,
    duplicated: u64,
    reordered: u64,
    stale: u64,
}

impl Tally {
    fn clean(&self) -> bool {
        self.lost == 0 && self.duplicated == 0 && self.reordered == 0 && self.stale == 0
    }
}

/// Compares what every sender sent with what every receiver of its room saw.
fn tally(plan: &Plan, results: Vec<worker::ConnResult>, no_echo: bool) -> Tally {
    let mut sent = vec![0u32; plan.topics.len() * plan.members as usize];
    for r in &results {
        sent[r.index as usize] = r.sent;
    }
    let mut t = Tally::default();
    for r in &results {
        let first = r.index / plan.members * plan.members;
        for member in 0..plan.senders {
            let sender = first + member;
            if no_echo && sender == r.index {
                continue;
            }
            let track = r.tracks.get(member as usize).cloned().unwrap_or_default();
            t.lost += (sent[sender as usize] as u64).saturating_sub(track.unique as u64);
            t.duplicated += track.duplicate as u64;
            t.reordered += track.reordered as u64;
            t.stale += track.stale as u64;
        }
    }
    t
}

fn quantiles(h: &Histogram<u64>) -> Value {
    if h.is_empty() {
        return Value::Null;
    }
    let us = |ns: u64| (ns as f64 / 100.0).round() / 10.0;
    json!({
        "n": h.len(), "mean": (h.mean() / 100.0).round() / 10.0,
        "p50": us(h.value_at_quantile(0.5)), "p90": us(h.value_at_quantile(0.9)),
        "p99": us(h.value_at_quantile(0.99)), "p999": us(h.value_at_quantile(0.999)), "max": us(h.max()),
    })
}

fn print_report(r: &Value) {
    let q = |name: &str| {
        let v = &r[name];
        if v.is_null() {
            return "-".to_owned();
        }
        format!(
            "p50 {} p90 {} p99 {} p99.9 {} max {} us (n {})",
            v["p50"], v["p90"], v["p99"], v["p999"], v["max"], v["n"]
        )
    };
    let f = |v: &Value, d: usize| v.as_f64().map_or("-".to_owned(), |x| format!("{x:.d$}"));
    println!(
        "== {} {} : {} rooms x {} members ({} senders), payload {} B",
        r["label"].as_str().unwrap_or_default(),
        r["mode"].as_str().unwrap_or_default(),
        r["rooms"],
        r["members"],
        r["senders"],
        r["payload"]
    );
    println!(
        "connect   {} of {} joined in {} s = {}/s; failed {}",
        r["joined"],
        r["connections"],
        f(&r["all_joined_s"], 3),
        f(&r["joins_per_s"], 0),
        r["failed"]
    );
    println!("upgrade   {}", q("upgrade_us"));
    println!("joined    {}", q("joined_us"));
    if !r["heartbeat_us"].is_null() {
        println!("heartbeat {}", q("heartbeat_us"));
    }
    if r["mode"] != "idle" {
        println!(
            "sent      {}/s   deliveries {}/s",
            f(&r["sent_per_s"], 0),
            f(&r["deliveries_per_s"], 0)
        );
        println!("latency   {}", q("latency_us"));
        println!("send lag  {}", q("send_lag_us"));
    }
    println!(
        "errors    lost {} duplicated {} reordered {} stale {} misrouted {} disconnects {} phx_error {} phx_close {} error replies {}; other events {}",
        r["lost"],
        r["duplicated"],
        r["reordered"],
        r["stale"],
        r["misrouted"],
        r["disconnects"],
        r["phx_error"],
        r["phx_close"],
        r["error_replies"],
        r["other_events"]
    );
    for why in r["failures"].as_array().into_iter().flatten() {
        println!("          {}", why.as_str().unwrap_or_default());
    }
    let s = &r["server"];
    if !s.is_null() {
        println!(
            "server    cpu {} s ({} user, {} system) in {} s; {} s per million deliveries; connect phase {} s = {} us/join",
            f(&s["cpu_s"], 2),
            f(&s["user_s"], 2),
            f(&s["system_s"], 2),
            f(&r["duration_s"], 1),
            f(&s["cpu_s_per_million_deliveries"], 2),
            f(&s["connect_cpu_s"], 2),
            f(&s["connect_cpu_us_per_join"], 0)
        );
        let mib = |v: &Value| format!("{:.1}", v.as_f64().unwrap_or_default() / 1048576.0);
        println!(
            "memory    RSS MiB before {} settled {} end {} after close {} peak {}; per connection {} B settled, {} B at the end",
            mib(&s["rss_before"]),
            mib(&s["rss_settled"]),
            mib(&s["rss_end"]),
            mib(&s["rss_after_close"]),
            mib(&s["rss_peak"]),
            f(&s["rss_per_connection"], 0),
            f(&s["rss_per_connection_end"], 0)
        );
    }
    println!(
        "machine   generator cpu {} s ({} user); everything else {} cores; largest unsent backlog {} B",
        f(&r["generator_cpu_s"], 2),
        f(&r["generator_user_s"], 2),
        f(&r["other_cores"], 2),
        r["max_out_backlog_bytes"]
    );
}

fn own_cpu() -> procfs::Cpu {
    procfs::cpu("self").unwrap_or_default()
}

fn sleep(secs: f64) {
    thread::sleep(Duration::from_secs_f64(secs.max(0.0)));
}

fn sleep_until(shared: &Shared, ns: u64) {
    thread::sleep(Duration::from_nanos(ns.saturating_sub(shared.now())));
}

fn raise_file_limit(connections: usize) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let want = connections as u64 + 64;
    let now = getrlimit(Resource::Nofile);
    if now.current.is_some_and(|c| c < want) {
        let maximum = now.maximum.map(|m| m.max(want));
        if setrlimit(
            Resource::Nofile,
            Rlimit {
                current: Some(want),
                maximum,
            },
        )
        .is_err()
        {
            eprintln!("channel-load: cannot raise the file limit to {want}");
        }
    }
}
