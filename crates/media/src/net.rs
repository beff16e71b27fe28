//! The UDP socket: where datagrams came to, many per system call in both directions.
//!
//! quinn-udp gives the destination address of what comes in (a wildcard socket must answer from the address it was asked at) and
//! segmentation offload for what goes out. Offload wants runs of one size to one destination; see [`Socket::send_all`].

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};

use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSocketState};
use socket2::{Domain, Protocol, Socket as RawSocket, Type};

use crate::config::EngineConfig;
use crate::metrics;
use crate::peer::Datagram;

/// Room for the largest run that the kernel merges or splits.
const BUFFER_BYTES: usize = 1 << 16;
/// A merged message stays below the largest IP packet with its headers.
const MAX_RUN_BYTES: usize = 60_000;
const SEND_BUFFER_BYTES: usize = 2 << 20;

/// A bound socket with its buffers.
pub(crate) struct Socket {
    io: std::net::UdpSocket,
    state: UdpSocketState,
    local: SocketAddr,
    buffers: Vec<Vec<u8>>,
    run: Vec<u8>,
}

impl Socket {
    pub(crate) fn bind(config: &EngineConfig) -> io::Result<Self> {
        let raw = RawSocket::new(
            Domain::for_address(config.listen),
            Type::DGRAM,
            Some(Protocol::UDP),
        )?;
        if config.listen.is_ipv6() {
            raw.set_only_v6(true)?;
        }
        raw.set_recv_buffer_size(config.receive_buffer_bytes)?;
        raw.set_send_buffer_size(SEND_BUFFER_BYTES)?;
        raw.bind(&config.listen.into())?;
        let io: std::net::UdpSocket = raw.into();
        let state = UdpSocketState::new((&io).into())?;
        let local = io.local_addr()?;
        let buffers = vec![vec![0; BUFFER_BYTES]; BATCH_SIZE];
        Ok(Self {
            io,
            state,
            local,
            buffers,
            run: Vec::with_capacity(BUFFER_BYTES),
        })
    }

    pub(crate) fn local(&self) -> SocketAddr {
        self.local
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.io.as_fd()
    }

    /// Reads one batch and hands out each datagram with its source and the address it came to; false when there was none.
    pub(crate) fn receive(
        &mut self,
        mut each: impl FnMut(SocketAddr, SocketAddr, &[u8]),
    ) -> io::Result<bool> {
        let mut metas = [RecvMeta::default(); BATCH_SIZE];
        let mut slices: Vec<IoSliceMut<'_>> = self
            .buffers
            .iter_mut()
            .map(|buffer| IoSliceMut::new(buffer))
            .collect();
        let count = match self.state.recv((&self.io).into(), &mut slices, &mut metas) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        };
        let mut datagrams = 0;
        for (meta, slice) in metas.iter().zip(&slices).take(count) {
            let to = SocketAddr::new(meta.dst_ip.unwrap_or(self.local.ip()), self.local.port());
            for datagram in slice[..meta.len].chunks(meta.stride.max(1)) {
                each(meta.addr, to, datagram);
                datagrams += 1;
            }
        }
        metrics::received(datagrams);
        Ok(count > 0)
    }

    /// Sends everything, merged into as few calls as the kernel allows. What it does not take is dropped and counted: media that
    /// waits is of no use.
    pub(crate) fn send_all(&mut self, mut datagrams: Vec<Datagram>) {
        // A stable sort brings runs together and keeps each destination's order.
        datagrams.sort_by_key(|datagram| datagram.destination);
        let (mut calls, mut drops, total) = (0, 0, datagrams.len() as u64);
        let mut rest = datagrams.as_slice();
        while let Some(first) = rest.first() {
            let segments = run_length(rest, self.state.max_gso_segments());
            let (run, tail) = rest.split_at(segments);
            rest = tail;
            calls += 1;
            if self.send_run(first, run).is_err() {
                // A driver that refuses offload: quinn-udp lowers the segments it offers; this run goes one by one.
                for datagram in run {
                    calls += 1;
                    drops += u64::from(self.send_run(datagram, std::slice::from_ref(datagram)).is_err());
                }
            }
        }
        if total > 0 {
            metrics::sent(total, calls, drops);
        }
    }

    fn send_run(&mut self, first: &Datagram, run: &[Datagram]) -> io::Result<()> {
        let contents = if let [single] = run {
            single.contents.as_slice()
        } else {
            self.run.clear();
            run.iter()
                .for_each(|datagram| self.run.extend_from_slice(&datagram.contents));
            self.run.as_slice()
        };
        let transmit = Transmit {
            destination: first.destination,
            ecn: None,
            contents,
            segment_size: (run.len() > 1).then_some(first.contents.len()),
            src_ip: first.local,
        };
        self.state.try_send((&self.io).into(), &transmit)
    }
}

/// How many datagrams from the start go out as one: same destination and size, only the last may be shorter.
fn run_length(datagrams: &[Datagram], max_segments: usize) -> usize {
    let Some(first) = datagrams.first() else { return 0 };
    let size = first.contents.len();
    let most = max_segments.min(MAX_RUN_BYTES / size.max(1)).max(1);
    let mut length = 1;
    for datagram in datagrams.iter().take(most).skip(1) {
        let same_way = datagram.destination == first.destination && datagram.local == first.local;
        if !same_way || datagram.contents.len() > size {
            break;
        }
        length += 1;
        if datagram.contents.len() < size {
            break;
        }
    }
    length
}

/// The candidates to advertise, once the port is known.
pub(crate) fn advertised(config: &EngineConfig, local: SocketAddr) -> io::Result<Vec<SocketAddr>> {
    if !config.advertise.is_empty() {
        return Ok(config
            .advertise
            .iter()
            .map(|address| address.with_port(local.port()))
            .collect());
    }
    if !local.ip().is_unspecified() {
        return Ok(vec![local]);
    }
    let interfaces = if_addrs::get_if_addrs()?;
    let same_family = |ip: &IpAddr| ip.is_ipv4() == local.is_ipv4();
    let outward = |ip: &IpAddr| !ip.is_loopback() && !is_link_local(ip);
    let mut ips: Vec<IpAddr> = interfaces
        .iter()
        .map(if_addrs::Interface::ip)
        .filter(same_family)
        .filter(outward)
        .collect();
    if local.is_ipv4() {
        ips.push(Ipv4Addr::LOCALHOST.into());
    }
    ips.sort_unstable();
    ips.dedup();
    Ok(ips
        .into_iter()
        .map(|ip| SocketAddr::new(ip, local.port()))
        .collect())
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

    fn datagram(port: u16, bytes: usize) -> Datagram {
        Datagram {
            local: None,
            destination: SocketAddr::from(([127, 0, 0, 1], port)),
            contents: vec![0; bytes],
        }
    }

    #[test]
    fn a_run_is_of_one_size_and_may_end_with_a_shorter_one() {
        let queue = [
            datagram(1, 100),
            datagram(1, 100),
            datagram(1, 50),
            datagram(1, 50),
        ];
        assert_eq!(run_length(&queue, 64), 3);
    }

    #[test]
    fn a_run_ends_at_another_destination_a_larger_one_or_the_limit() {
        assert_eq!(run_length(&[datagram(1, 100), datagram(2, 100)], 64), 1);
        assert_eq!(run_length(&[datagram(1, 50), datagram(1, 100)], 64), 1);
        assert_eq!(
            run_length(&[datagram(1, 50), datagram(1, 50), datagram(1, 50)], 2),
            2
        );
    }

    #[test]
    fn a_wildcard_socket_advertises_loopback_too() {
        let config = EngineConfig::new("0.0.0.0:0".parse().unwrap());
        let addresses = advertised(&config, "0.0.0.0:50000".parse().unwrap()).unwrap();
        assert!(addresses.contains(&"127.0.0.1:50000".parse().unwrap()));
        assert!(addresses.iter().all(|address| !address.ip().is_unspecified()));
    }
}
