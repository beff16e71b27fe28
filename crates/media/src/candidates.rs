//! Which of our addresses a client is told as ICE candidates.
//!
//! It reached this machine at some address, and media takes the same way: so that address and what is advertised, nothing else. An address
//! that only exists among containers is never told.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use crate::config::{Advertise, EngineConfig};

/// Files that Docker, Podman and Kubernetes put into a container.
const CONTAINER_MARKS: [&str; 3] = ["/.dockerenv", "/run/.containerenv", "/run/secrets/kubernetes.io"];
/// Docker names the bridge of a network of its own after the first digits of the network's id.
const NETWORK_ID_DIGITS: usize = 12;

/// What there is to choose from.
#[derive(Debug, Clone)]
pub(crate) struct Candidates {
    socket: SocketAddr,
    advertised: Vec<SocketAddr>,
    /// Addresses by which others reach this machine, of the socket's family.
    outward: Vec<IpAddr>,
    /// Addresses by which only containers do.
    container: Vec<IpAddr>,
}

impl Candidates {
    /// Looks at the machine's interfaces, once.
    pub(crate) fn new(config: &EngineConfig, socket: SocketAddr) -> io::Result<Self> {
        let mut candidates = Self::of(socket, &config.advertise);
        if socket.ip().is_unspecified() {
            let in_container = CONTAINER_MARKS.iter().any(|mark| Path::new(mark).exists());
            for interface in if_addrs::get_if_addrs()? {
                candidates.add(&interface.name, interface.ip(), in_container);
            }
        }
        Ok(candidates)
    }

    /// Nothing but the socket's own address and what is advertised.
    pub(crate) fn of(socket: SocketAddr, advertise: &[Advertise]) -> Self {
        let advertised = advertise.iter().map(|to| to.with_port(socket.port()));
        Self {
            socket,
            advertised: advertised.collect(),
            outward: Vec::new(),
            container: Vec::new(),
        }
    }

    fn add(&mut self, interface: &str, ip: IpAddr, in_container: bool) {
        if ip.is_loopback() || is_link_local(&ip) {
            return;
        }
        if is_bridge_of_containers(interface) || in_container && is_virtual_cable(interface) {
            self.container.push(ip);
        } else if self.has_family_of(&ip) {
            self.outward.push(ip);
        }
    }

    /// The candidates of a client whose request came in on that address of ours; `None` for one that came through a proxy.
    pub(crate) fn for_client(&self, reached: Option<IpAddr>) -> Vec<SocketAddr> {
        let mut ips = match reached {
            _ if !self.socket.ip().is_unspecified() => vec![self.socket.ip()],
            // Firefox takes no candidate on loopback; whoever sits at this machine reaches its other addresses, too.
            Some(ip) if ip.is_loopback() => self.at_this_machine(),
            Some(ip) if self.has_family_of(&ip) && !self.container.contains(&ip) => vec![ip],
            Some(_) | None => Vec::new(),
        };
        if ips.is_empty() && self.advertised.is_empty() {
            // Nobody said how clients get here: perhaps the way that others do.
            ips = self.at_this_machine();
        }
        let own = ips.into_iter().map(|ip| SocketAddr::new(ip, self.socket.port()));
        let mut all: Vec<SocketAddr> = own.collect();
        for address in &self.advertised {
            if !all.contains(address) {
                all.push(*address);
            }
        }
        all
    }

    fn at_this_machine(&self) -> Vec<IpAddr> {
        let loopback: IpAddr = match self.socket {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        };
        let mut ips = self.outward.clone();
        ips.push(loopback);
        ips
    }

    fn has_family_of(&self, ip: &IpAddr) -> bool {
        self.socket.is_ipv4() == ip.is_ipv4()
    }
}

/// The one of a client's candidates that stands for our address `local`. str0m drops what came to no candidate; behind a NAT or with a
/// mapped port any one of the same family will do, since an ICE-lite agent only answers.
pub(crate) fn standing_for(candidates: &[SocketAddr], local: SocketAddr) -> SocketAddr {
    let same_ip = candidates.iter().find(|address| address.ip() == local.ip());
    let family = || {
        candidates
            .iter()
            .filter(|address| address.is_ipv4() == local.is_ipv4())
    };
    same_ip
        .or_else(|| family().find(|address| !address.ip().is_loopback()))
        .or_else(|| family().next())
        .copied()
        .unwrap_or(local)
}

fn is_bridge_of_containers(interface: &str) -> bool {
    let of_network =
        |id: &str| id.len() == NETWORK_ID_DIGITS && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    ["docker", "podman", "cni"]
        .iter()
        .any(|name| interface.starts_with(name))
        || interface.strip_prefix("br-").is_some_and(of_network)
}

/// Is it one end of a pair whose other end is outside the container (veth). A machine's own interfaces, and those that share one of them
/// (macvlan, VLAN), are not.
fn is_virtual_cable(interface: &str) -> bool {
    let read = |file: &str| {
        std::fs::read_to_string(format!("/sys/class/net/{interface}/{file}")).unwrap_or_default()
    };
    read("ifindex") != read("iflink") && !read("uevent").contains("DEVTYPE=")
}

fn is_link_local(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAN: &str = "192.168.1.5";
    const OTHER_LAN: &str = "10.1.1.5";
    const DOCKER: &str = "172.17.0.1";
    const PUBLIC: &str = "203.0.113.7:50010";

    fn machine(socket: &str, advertise: &[&str]) -> Candidates {
        let advertise: Vec<_> = advertise.iter().map(|text| text.parse().unwrap()).collect();
        let mut candidates = Candidates::of(socket.parse().unwrap(), &advertise);
        for (interface, ip) in [
            ("lo", "127.0.0.1"),
            ("eth0", LAN),
            ("eth1", OTHER_LAN),
            ("eth0", "fd00::5"),
            ("eth0", "169.254.0.1"),
            ("docker0", DOCKER),
            ("br-0123456789ab", "172.18.0.1"),
        ] {
            candidates.add(interface, ip.parse().unwrap(), false);
        }
        candidates
    }

    fn told(candidates: &Candidates, reached: Option<&str>) -> Vec<String> {
        let addresses = candidates.for_client(reached.map(|ip| ip.parse().unwrap()));
        addresses.iter().map(SocketAddr::to_string).collect()
    }

    #[test]
    fn a_client_is_told_the_address_that_its_request_came_in_on_and_what_is_advertised() {
        let plain = machine("0.0.0.0:50000", &[]);
        assert_eq!(told(&plain, Some(LAN)), ["192.168.1.5:50000"]);
        let public = machine("0.0.0.0:50000", &[PUBLIC, "198.51.100.1", LAN]);
        let expected = ["192.168.1.5:50000", PUBLIC, "198.51.100.1:50000"];
        assert_eq!(told(&public, Some(LAN)), expected);
    }

    #[test]
    fn a_client_that_came_through_a_proxy_is_told_what_is_advertised() {
        assert_eq!(told(&machine("0.0.0.0:50000", &[PUBLIC]), None), [PUBLIC]);
    }

    #[test]
    fn a_client_at_this_machine_is_told_its_other_addresses_too() {
        let expected = ["192.168.1.5:50000", "10.1.1.5:50000", "127.0.0.1:50000"];
        for reached in ["127.0.0.1", "::1"] {
            assert_eq!(told(&machine("0.0.0.0:50000", &[]), Some(reached)), expected);
        }
    }

    #[test]
    fn an_address_of_containers_is_never_told() {
        let plain = machine("0.0.0.0:50000", &[]);
        for reached in [None, Some("127.0.0.1"), Some(DOCKER), Some("172.18.0.1")] {
            let told = told(&plain, reached);
            assert!(
                told.iter().all(|address| !address.starts_with("172.")),
                "{told:?}"
            );
            assert!(told.contains(&"192.168.1.5:50000".to_owned()), "{told:?}");
        }
        assert_eq!(told(&machine("0.0.0.0:50000", &[PUBLIC]), Some(DOCKER)), [PUBLIC]);
    }

    #[test]
    fn only_bridges_of_containers_are_taken_for_such() {
        for lan in ["br-lan", "br0", "eth0", "br-0123456789abc", "br-0123456789xy"] {
            assert!(!is_bridge_of_containers(lan), "{lan}");
        }
    }

    #[test]
    fn a_socket_on_one_address_is_told_by_that_address() {
        let bound = machine("10.1.1.5:50000", &[PUBLIC]);
        for reached in [None, Some(LAN), Some("127.0.0.1")] {
            assert_eq!(told(&bound, reached), ["10.1.1.5:50000", PUBLIC]);
        }
    }

    #[test]
    fn an_address_of_the_other_family_has_no_candidate() {
        assert_eq!(
            told(&machine("[::]:50000", &[]), Some("fd00::5")),
            ["[fd00::5]:50000"]
        );
        assert_eq!(told(&machine("[::]:50000", &[PUBLIC]), Some(LAN)), [PUBLIC]);
    }

    #[test]
    fn what_comes_to_an_address_that_is_no_candidate_counts_as_come_to_one_of_its_family() {
        let candidates: Vec<SocketAddr> = ["127.0.0.1:1", "10.0.0.1:2", "[fd00::1]:3"]
            .map(|text| text.parse().unwrap())
            .into();
        let stands = |local: &str| standing_for(&candidates, local.parse().unwrap()).to_string();
        assert_eq!(stands("127.0.0.1:9"), "127.0.0.1:1");
        assert_eq!(stands("172.17.0.2:9"), "10.0.0.1:2");
        assert_eq!(stands("[fd00::9]:9"), "[fd00::1]:3");
        let mapped = standing_for(&candidates[..1], "172.17.0.2:9".parse().unwrap());
        assert_eq!(mapped.to_string(), "127.0.0.1:1");
    }
}
