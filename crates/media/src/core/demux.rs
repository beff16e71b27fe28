//! Which peer a datagram belongs to: by the ufrag in a STUN message, otherwise by the sender's address.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use str0m::ice::StunMessage;

use crate::PeerKey;
use crate::guard::guarded;
use crate::peer::{Peer, is_stun};

/// Addresses of one peer: a host has few interfaces, and a NAT rebinding now and then makes old ones useless.
const MAX_ADDRESSES: usize = 8;

#[derive(Debug, Clone, Copy)]
struct Route {
    peer: PeerKey,
    local: IpAddr,
}

/// The tables.
#[derive(Debug, Default)]
pub(super) struct Demux {
    by_address: HashMap<SocketAddr, Route>,
    by_ufrag: HashMap<String, PeerKey>,
}

impl Demux {
    /// A STUN check and the peer that it names. The name is not to be trusted before the peer checked the message's integrity.
    pub(super) fn check<'a>(&self, bytes: &'a [u8]) -> Option<(PeerKey, StunMessage<'a>)> {
        if !is_stun(bytes) {
            return None;
        }
        guarded(|| {
            let message = StunMessage::parse(bytes).ok()?;
            let (ours, _) = message.split_username()?;
            Some((self.by_ufrag.get(ours).copied()?, message))
        })
        .flatten()
    }

    #[cfg(test)]
    pub(super) fn named(&self, ufrag: &str) -> Option<PeerKey> {
        self.by_ufrag.get(ufrag).copied()
    }

    pub(super) fn by_address(&self, source: &SocketAddr) -> Option<PeerKey> {
        self.by_address.get(source).map(|route| route.peer)
    }

    /// Our address that this client talks to.
    pub(super) fn local_of(&self, source: &SocketAddr) -> Option<IpAddr> {
        self.by_address.get(source).map(|route| route.local)
    }

    /// Lets an address belong to a peer that proved itself.
    pub(super) fn bind(&mut self, source: SocketAddr, local: IpAddr, peer: &mut Peer) {
        self.by_address.insert(
            source,
            Route {
                peer: peer.key,
                local,
            },
        );
        // In order of their last proof.
        peer.addresses.retain(|address| *address != source);
        if peer.addresses.len() >= MAX_ADDRESSES {
            let oldest = peer.addresses.remove(0);
            self.unbind(&oldest, peer.key);
        }
        peer.addresses.push(source);
    }

    /// Indexes the peer's present ufrag instead of `former`: an ICE restart changes it.
    pub(super) fn index(&mut self, former: &str, peer: &Peer) {
        self.by_ufrag.remove(former);
        self.by_ufrag.insert(peer.credentials.ufrag.clone(), peer.key);
    }

    pub(super) fn forget(&mut self, peer: &Peer) {
        self.by_ufrag.remove(&peer.credentials.ufrag);
        for address in &peer.addresses {
            self.unbind(address, peer.key);
        }
    }

    fn unbind(&mut self, address: &SocketAddr, key: PeerKey) {
        if self
            .by_address
            .get(address)
            .is_some_and(|route| route.peer == key)
        {
            self.by_address.remove(address);
        }
    }
}
