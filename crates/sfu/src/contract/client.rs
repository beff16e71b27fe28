//! The clients that a provider brings to the suite: they make connections and send media as a browser does.

use async_trait::async_trait;
use videorooms_domain::Source;

use crate::{Answer, Offer, PeerId};

/// Makes clients of one provider.
pub trait Clients: Sync {
    /// A client that has no connection yet.
    fn client(&self) -> Box<dyn Client + '_>;
}

/// One client, with one connection at most.
#[async_trait]
pub trait Client: Send {
    /// Its next offer: `sources` to send and so many pairs of m-lines, one of audio and one of video, to receive on, besides what it
    /// offered before.
    fn offer(&mut self, sources: &[Source], pairs: usize) -> Offer;

    /// Takes the answer to its last offer. The connection stands by and by, while [`Self::received`] is called.
    fn answered(&mut self, peer: PeerId, answer: Answer);

    /// Sends a packet, a keyframe where that is video; nothing while the connection does not stand.
    async fn send(&mut self, source: Source);

    /// Packets received on that m-line so far. Looks at the network for a few milliseconds before it answers.
    async fn received(&mut self, mid: &str) -> usize;
}
