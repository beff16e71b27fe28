//! Listening sockets of the doors, bound before anything else starts, so that a taken port is the first and only thing that is said.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};

use anyhow::Context as _;
use socket2::SockRef;

/// Connections that may wait to be accepted, as far as the system allows: everyone comes back at once after a restart, and whoever finds no
/// place waits for a second before it is tried again.
const BACKLOG: i32 = 4096;

/// Binds; `flag` is how to choose another address.
///
/// # Errors
/// When the address cannot be had; the message says why and what to do.
pub(crate) fn bind(address: SocketAddr, flag: &str) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).map_err(|error| {
        if error.kind() == ErrorKind::AddrInUse {
            anyhow::anyhow!("port {address} is taken: stop what listens there, or choose another with {flag}")
        } else {
            anyhow::anyhow!("cannot listen on {address}: {error}")
        }
    })?;
    // The standard library lets 128 wait; listening again changes the number.
    SockRef::from(&listener)
        .listen(BACKLOG)
        .and_then(|()| listener.set_nonblocking(true))
        .with_context(|| format!("cannot listen on {address}"))?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named_with_the_way_out() {
        let taken = bind(([127, 0, 0, 1], 0).into(), "--listen").unwrap();
        let address = taken.local_addr().unwrap();
        let message = bind(address, "--listen").unwrap_err().to_string();
        assert!(
            message.contains(&address.to_string()) && message.contains("--listen"),
            "{message}"
        );
    }
}
