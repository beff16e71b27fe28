//! What both sides of a stream say first, and how it is checked.
//!
//! TLS has proved that each side has a certificate of the authority. The hello adds what a certificate cannot say: which boot, of which cluster, for what, and
//! that the sender knows the cluster's secret. The proof covers the hello, the direction and this very TLS connection, so it is worth nothing
//! anywhere else. The dialler speaks first; the answer is a hello, or why there is none.

use std::sync::Arc;

use hkdf::Hkdf;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;
use videorooms_domain::NodeIncarnation;

use super::{Refusal, Secret};
use crate::certificates;

const MAGIC: &[u8; 4] = b"VRLK";
const VERSION: u8 = 1;
/// More than the longest names take.
const BODY_BYTES: usize = 512;
const PROOF_BYTES: usize = 32;
const HELLO: u8 = 0;
const REFUSED: u8 = 1;

/// A stream came to nothing: for this reason, or because it broke off.
pub(crate) type Broken = Option<Refusal>;

/// Which of the two streams of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Watch,
    Traffic,
}

impl Purpose {
    pub(crate) const ALL: [Self; 2] = [Self::Watch, Self::Traffic];

    /// The same in TLS's own first message, so that the accepting side knows which thread to take a connection to.
    pub(crate) fn alpn(self) -> &'static [u8] {
        match self {
            Self::Watch => b"videorooms-watch/1",
            Self::Traffic => b"videorooms-traffic/1",
        }
    }
}

/// Says that messages belong to this traffic stream. Only its two ends can know it.
pub(crate) type Token = [u8; 16];

/// How this node introduces itself.
pub(crate) struct Introduction {
    pub(crate) me: NodeIncarnation,
    pub(crate) cluster: Arc<str>,
    pub(crate) secret: Secret,
}

impl Introduction {
    /// As the side that dialled: who is there.
    ///
    /// # Errors
    /// Why not, by either side's word. The stream is of no use then.
    pub(crate) async fn dialled(
        &self,
        stream: &mut TlsStream<TcpStream>,
        purpose: Purpose,
    ) -> Result<NodeIncarnation, Broken> {
        let binding = binding(stream)?;
        let hello = self.message(purpose, &binding, Side::Dialler);
        let written = write(stream, HELLO, &hello).await;
        // If that failed, what was there to be read may say why.
        let (kind, body) = read(stream).await?;
        written?;
        match kind {
            HELLO => self.check(&body, purpose, &binding, Side::Acceptor, stream),
            REFUSED => {
                let reason = body.first().and_then(|code| Refusal::from_code(*code));
                Err(Some(reason.unwrap_or(Refusal::Malformed)))
            }
            _ => Err(Some(Refusal::Malformed)),
        }
    }

    /// As the side that was dialled: who is there. `admit` says whether that boot is wanted.
    ///
    /// # Errors
    /// Why not; the other side was told.
    pub(crate) async fn accepted(
        &self,
        stream: &mut TlsStream<TcpStream>,
        purpose: Purpose,
        admit: impl FnOnce(&NodeIncarnation) -> Result<(), Refusal>,
    ) -> Result<NodeIncarnation, Broken> {
        let binding = binding(stream)?;
        let checked = match read(stream).await {
            Ok((HELLO, body)) => self.check(&body, purpose, &binding, Side::Dialler, stream),
            Ok(_) => Err(Some(Refusal::Malformed)),
            Err(broken) => Err(broken),
        };
        let admitted = checked.and_then(|other| match admit(&other) {
            Ok(()) => Ok(other),
            Err(refusal) => Err(Some(refusal)),
        });
        match admitted {
            Ok(other) => {
                let hello = self.message(purpose, &binding, Side::Acceptor);
                write(stream, HELLO, &hello).await?;
                Ok(other)
            }
            Err(refusal) => {
                if let Some(refusal) = refusal {
                    // Whether that is heard is the other side's affair.
                    let _ = write(stream, REFUSED, &[refusal.code()]).await;
                }
                Err(refusal)
            }
        }
    }

    fn message(&self, purpose: Purpose, binding: &[u8; 32], side: Side) -> Vec<u8> {
        let mut body = vec![purpose as u8];
        text(&mut body, self.me.node.as_str());
        body.extend_from_slice(&self.me.incarnation.to_be_bytes());
        text(&mut body, &self.cluster);
        let proof = self.proof(&body, binding, side);
        body.extend_from_slice(&proof);
        body
    }

    fn check(
        &self,
        body: &[u8],
        purpose: Purpose,
        binding: &[u8; 32],
        side: Side,
        stream: &TlsStream<TcpStream>,
    ) -> Result<NodeIncarnation, Broken> {
        let (said, proof) = body
            .split_last_chunk::<PROOF_BYTES>()
            .ok_or(Some(Refusal::Malformed))?;
        let (said_purpose, other, cluster) = parse(said).ok_or(Some(Refusal::Malformed))?;
        if cluster != self.cluster.as_bytes() {
            return Err(Some(Refusal::WrongCluster));
        }
        if !bool::from(self.proof(said, binding, side).ct_eq(proof)) {
            return Err(Some(Refusal::WrongSecret));
        }
        let certificate = stream
            .get_ref()
            .1
            .peer_certificates()
            .and_then(|chain| chain.first());
        if certificate.and_then(certificates::node_of).as_ref() != Some(&other.node) {
            return Err(Some(Refusal::WrongNode));
        }
        if said_purpose != purpose as u8 {
            return Err(Some(Refusal::Malformed));
        }
        Ok(other)
    }

    fn proof(&self, body: &[u8], binding: &[u8; 32], side: Side) -> [u8; PROOF_BYTES] {
        let mut proof = [0; PROOF_BYTES];
        Hkdf::<Sha256>::new(Some(binding), &self.secret.0)
            .expand_multi_info(&[b"hello", &[side as u8], body], &mut proof)
            .expect("32 bytes are not too many for SHA-256");
        proof
    }
}

/// What a traffic stream's messages bear.
///
/// # Errors
/// [`Refusal::Malformed`] when TLS has not ended its handshake.
pub(crate) fn token(stream: &TlsStream<TcpStream>) -> Result<Token, Broken> {
    exported(stream, b"EXPORTER-videorooms-token")
}

fn binding(stream: &TlsStream<TcpStream>) -> Result<[u8; 32], Broken> {
    exported(stream, b"EXPORTER-videorooms-hello")
}

fn exported<const N: usize>(stream: &TlsStream<TcpStream>, label: &[u8]) -> Result<[u8; N], Broken> {
    let exported = match stream {
        TlsStream::Client(stream) => stream.get_ref().1.export_keying_material([0; N], label, None),
        TlsStream::Server(stream) => stream.get_ref().1.export_keying_material([0; N], label, None),
    };
    exported.map_err(|_| Some(Refusal::Malformed))
}

#[derive(Clone, Copy)]
enum Side {
    Dialler,
    Acceptor,
}

fn text(body: &mut Vec<u8>, text: &str) {
    let bytes = &text.as_bytes()[..text.len().min(u8::MAX.into())];
    body.push(bytes.len() as u8);
    body.extend_from_slice(bytes);
}

fn parse(body: &[u8]) -> Option<(u8, NodeIncarnation, &[u8])> {
    let (purpose, rest) = body.split_first()?;
    let (node, rest) = part(rest)?;
    let (incarnation, rest) = rest.split_first_chunk::<8>()?;
    let (cluster, rest) = part(rest)?;
    let other = NodeIncarnation {
        node: std::str::from_utf8(node).ok()?.parse().ok()?,
        incarnation: u64::from_be_bytes(*incarnation),
    };
    rest.is_empty().then_some((*purpose, other, cluster))
}

fn part(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = body.split_first()?;
    rest.split_at_checked((*length).into())
}

async fn write(stream: &mut TlsStream<TcpStream>, kind: u8, body: &[u8]) -> Result<(), Broken> {
    let mut message = MAGIC.to_vec();
    message.extend_from_slice(&[VERSION, kind]);
    message.extend_from_slice(&(body.len() as u16).to_be_bytes());
    message.extend_from_slice(body);
    stream.write_all(&message).await.map_err(broken)?;
    stream.flush().await.map_err(broken)
}

async fn read(stream: &mut TlsStream<TcpStream>) -> Result<(u8, Vec<u8>), Broken> {
    let mut head = [0; 8];
    stream.read_exact(&mut head).await.map_err(broken)?;
    let [magic @ .., version, kind, high, low] = head;
    if magic != *MAGIC {
        return Err(Some(Refusal::Malformed));
    }
    if version != VERSION {
        return Err(Some(Refusal::Version));
    }
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > BODY_BYTES {
        return Err(Some(Refusal::Malformed));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.map_err(broken)?;
    Ok((kind, body))
}

fn broken(error: std::io::Error) -> Broken {
    super::tls::refusal(&error)
}

impl Refusal {
    /// The number that stands for it in the hello; never changed.
    fn code(self) -> u8 {
        match self {
            Self::ForeignAuthority => 1,
            Self::Revoked => 2,
            Self::Expired => 3,
            Self::WrongNode => 4,
            Self::WrongCluster => 5,
            Self::WrongSecret => 6,
            Self::Version => 7,
            Self::NotAPeer => 8,
            Self::EarlierBoot => 9,
            Self::WrongSide => 10,
            Self::TimedOut => 11,
            Self::TooMany => 12,
            Self::Malformed => 13,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::ForeignAuthority,
            2 => Self::Revoked,
            3 => Self::Expired,
            4 => Self::WrongNode,
            5 => Self::WrongCluster,
            6 => Self::WrongSecret,
            7 => Self::Version,
            8 => Self::NotAPeer,
            9 => Self::EarlierBoot,
            10 => Self::WrongSide,
            11 => Self::TimedOut,
            12 => Self::TooMany,
            13 => Self::Malformed,
            _ => return None,
        })
    }

    /// Name for metrics and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ForeignAuthority => "foreign_authority",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::WrongNode => "wrong_node",
            Self::WrongCluster => "wrong_cluster",
            Self::WrongSecret => "wrong_secret",
            Self::Version => "version",
            Self::NotAPeer => "not_a_peer",
            Self::EarlierBoot => "earlier_boot",
            Self::WrongSide => "wrong_side",
            Self::TimedOut => "timed_out",
            Self::TooMany => "too_many",
            Self::Malformed => "malformed",
        }
    }
}
