//! Ports, the addresses that are told to others, and how much may be open at once.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};

use rustix::process::{Resource, getrlimit};
use tokio::net::lookup_host;

use super::{Finding, Level, Running};
use crate::config::Config;

/// Files beside sockets: the store, links, media, logs.
const FILES_BESIDE: u64 = 256;

pub(super) async fn examine(config: &Config, running: &Running) -> Vec<Finding> {
    let is_ours = matches!(running, Running::Us(_));
    let tcp = |address: SocketAddr| TcpListener::bind(address).map(drop);
    let udp = |address: SocketAddr| UdpSocket::bind(address).map(drop);
    let mut findings = vec![
        port(
            "http.listen",
            config.http.listen,
            tcp(config.http.listen),
            is_ours,
        ),
        port(
            "admin.listen",
            config.admin.listen,
            tcp(config.admin.listen),
            is_ours,
        ),
        port("sfu.listen", config.sfu.listen, udp(config.sfu.listen), is_ours),
    ];
    if let Some(listen) = config.cluster.listen {
        findings.push(port("cluster.listen", listen, tcp(listen), is_ours));
        let others = others(config, running).await;
        let told = config
            .cluster
            .advertise
            .clone()
            .unwrap_or_else(|| listen.to_string());
        findings.push(told_to("cluster.advertise", &told, resolve(&told).await, others));
        for told in &config.sfu.advertise {
            findings.push(told_to("sfu.advertise", told, resolve_media(told).await, others));
        }
    }
    findings.push(open_files(
        getrlimit(Resource::Nofile).current,
        config.limits.max_sockets as u64,
    ));
    findings
}

/// Where the other nodes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Others {
    /// Some on other machines.
    Elsewhere,
    /// All on this one.
    Here,
    /// There are none, or the node does not run and cannot say.
    Unknown,
}

async fn others(config: &Config, running: &Running) -> Others {
    let Running::Us(list) = running else {
        return Others::Unknown;
    };
    let mut others = Others::Unknown;
    for node in list.nodes.iter().filter(|node| node.id.as_str() != config.node) {
        match resolve(&node.address).await {
            Ok(ips) if ips.iter().any(|ip| !ip.is_loopback()) => return Others::Elsewhere,
            Ok(_) => others = Others::Here,
            Err(_) => {}
        }
    }
    others
}

fn port(what: &'static str, address: SocketAddr, bound: std::io::Result<()>, is_ours: bool) -> Finding {
    match bound {
        Ok(()) => Finding::ok(what, format!("{address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse && is_ours => {
            Finding::ok(what, format!("{address} is this node's, which runs"))
        }
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            let remedy = "stop what listens there, or choose another port";
            Finding::fail(what, format!("{address} is taken"), remedy)
        }
        Err(error) => {
            let remedy = "choose an address of this machine, and a port that the node's user may listen on";
            Finding::fail(what, format!("{address}: {error}"), remedy)
        }
    }
}

async fn resolve(address: &str) -> std::io::Result<Vec<IpAddr>> {
    Ok(lookup_host(address).await?.map(|found| found.ip()).collect())
}

/// One without a port has that of `sfu.listen`.
async fn resolve_media(address: &str) -> std::io::Result<Vec<IpAddr>> {
    match address.parse::<IpAddr>() {
        Ok(ip) => Ok(vec![ip]),
        Err(_) => resolve(address).await,
    }
}

fn told_to(
    what: &'static str,
    told: &str,
    resolved: std::io::Result<Vec<IpAddr>>,
    others: Others,
) -> Finding {
    let ips = match resolved {
        Ok(ips) if !ips.is_empty() => ips,
        Ok(_) => {
            return Finding::fail(
                what,
                format!("{told} has no address"),
                "choose a name that has one",
            );
        }
        Err(error) => {
            let remedy = "choose a name or address that others can reach";
            return Finding::fail(what, format!("{told} cannot be resolved: {error}"), remedy);
        }
    };
    let remedy = "set it to an address at which other machines reach this one";
    let is_loopback = ips.iter().any(IpAddr::is_loopback);
    let finding = Finding::fail(what, format!("{told} is reached from this machine only"), remedy);
    match others {
        _ if !is_loopback => Finding::ok(what, format!("{told} is {}", ips[0])),
        Others::Elsewhere => finding,
        Others::Here => Finding::ok(what, format!("{told}, and all nodes are on this machine")),
        Others::Unknown => Finding {
            level: Level::Warn,
            ..finding
        },
    }
}

fn open_files(limit: Option<u64>, sockets: u64) -> Finding {
    const WHAT: &str = "open files";
    let needed = sockets.saturating_add(FILES_BESIDE);
    match limit {
        None => Finding::ok(WHAT, "no limit"),
        Some(limit) if limit >= needed => Finding::ok(WHAT, format!("{limit} at once")),
        Some(limit) => {
            let text = format!("{limit} at once, and limits.max_sockets = {sockets} needs {needed}");
            let remedy = "ulimit -n or LimitNOFILE= for the node, or a lower limits.max_sockets";
            Finding::warn(WHAT, text, remedy)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_free_ours_or_taken() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let found = |is_ours| {
            port(
                "http.listen",
                address,
                TcpListener::bind(address).map(drop),
                is_ours,
            )
        };
        assert_eq!(found(true).level, Level::Ok);
        assert_eq!(found(false).level, Level::Fail);
        drop(taken);
        assert_eq!(found(false).level, Level::Ok);
        let foreign = Err(ErrorKind::AddrNotAvailable.into());
        assert_eq!(port("http.listen", address, foreign, true).level, Level::Fail);
    }

    #[test]
    fn loopback_is_told_to_nodes_of_the_same_machine_only() {
        let level = |ip: &str, others| {
            told_to("cluster.advertise", "x:1", Ok(vec![ip.parse().unwrap()]), others).level
        };
        assert_eq!(level("127.0.0.1", Others::Elsewhere), Level::Fail);
        assert_eq!(level("127.0.0.1", Others::Here), Level::Ok);
        assert_eq!(level("::1", Others::Unknown), Level::Warn);
        assert_eq!(level("10.0.0.1", Others::Elsewhere), Level::Ok);
        let unknown = Err(ErrorKind::NotFound.into());
        assert_eq!(
            told_to("cluster.advertise", "x:1", unknown, Others::Here).level,
            Level::Fail
        );
    }

    #[test]
    fn files_must_do_for_all_sockets() {
        assert_eq!(open_files(None, 50_000).level, Level::Ok);
        assert_eq!(open_files(Some(65_536), 50_000).level, Level::Ok);
        assert_eq!(open_files(Some(1024), 50_000).level, Level::Warn);
    }
}
