//! The UDP socket: where datagrams came to, many per system call in both directions.
//!
//! quinn-udp gives the destination address of what comes in (a wildcard socket must answer from the address it was asked at) and
//! segmentation offload for what goes out. Offload wants runs of one size to one destination; see [`Socket::send_all`].

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
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
        if datagrams.is_empty() {
            return;
        }
        // A stable sort brings runs together and keeps each destination's order.
        datagrams.sort_by_key(|datagram| datagram.destination);
        let mut spent = Spent::default();
        let mut rest = datagrams.as_slice();
        while !rest.is_empty() {
            // Asked for each run: quinn-udp offers fewer segments once a driver has refused offload.
            let (run, tail) = rest.split_at(run_length(rest, self.state.max_gso_segments()));
            rest = tail;
            spent += send_run(run, |run| self.send(run));
        }
        metrics::sent(datagrams.len() as u64, spent.calls, spent.drops);
    }

    fn send(&mut self, run: &[Datagram]) -> io::Result<()> {
        let Some(first) = run.first() else { return Ok(()) };
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

/// What sending took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Spent {
    calls: u64,
    drops: u64,
}

impl std::ops::AddAssign for Spent {
    fn add_assign(&mut self, other: Self) {
        self.calls += other.calls;
        self.drops += other.drops;
    }
}

/// Sends a run as one, or one by one where the driver refuses offload. A full buffer takes none of the rest either.
fn send_run(run: &[Datagram], mut send: impl FnMut(&[Datagram]) -> io::Result<()>) -> Spent {
    let drops = run.len() as u64;
    match send(run) {
        Ok(()) => return Spent { calls: 1, drops: 0 },
        Err(error) if run.len() == 1 || error.kind() == io::ErrorKind::WouldBlock => {
            return Spent { calls: 1, drops };
        }
        Err(_) => {}
    }
    let mut spent = Spent { calls: 1, drops };
    for single in run.chunks(1) {
        spent.calls += 1;
        match send(single) {
            Ok(()) => spent.drops -= 1,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(_) => {}
        }
    }
    spent
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

    /// Sends a run of four to a kernel that answers so; gives what got through, and what it took.
    fn sent(mut kernel: impl FnMut(usize) -> io::Result<()>) -> (usize, Spent) {
        let run: Vec<_> = (0..4).map(|_| datagram(1, 100)).collect();
        let mut through = 0;
        let spent = send_run(&run, |part| {
            kernel(part.len())?;
            through += part.len();
            Ok(())
        });
        (through, spent)
    }

    #[test]
    fn a_driver_without_offload_is_sent_each_datagram() {
        for refusal in [rustix::io::Errno::IO, rustix::io::Errno::INVAL] {
            let outcome = sent(|segments| if segments > 1 { Err(refusal.into()) } else { Ok(()) });
            assert_eq!(outcome, (4, Spent { calls: 5, drops: 0 }));
        }
    }

    #[test]
    fn a_full_buffer_is_not_asked_again_for_the_rest_of_the_run() {
        let full = || Err(io::ErrorKind::WouldBlock.into());
        assert_eq!(sent(|_| full()), (0, Spent { calls: 1, drops: 4 }));
        let mut calls = 0;
        let outcome = sent(|_| {
            calls += 1;
            match calls {
                1 => Err(rustix::io::Errno::IO.into()),
                2 | 3 => Ok(()),
                _ => full(),
            }
        });
        assert_eq!(outcome, (2, Spent { calls: 4, drops: 2 }));
    }
}
