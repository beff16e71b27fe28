//! TLS between nodes: version 1.3, certificates on both sides, the list of revocations looked up, the cryptography named.
//!
//! Sessions are not resumed: a resumed session is not asked for a certificate, so a revoked one would do.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, CertificateError, ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, UnixTime};
use videorooms_domain::{NodeId, Timestamp};

use super::hello::Purpose;
use super::{Identity, LinksError, Refusal};
use crate::certificates;

/// Both ends of TLS for one identity.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) server: Arc<ServerConfig>,
    watch: Arc<ClientConfig>,
    traffic: Arc<ClientConfig>,
}

impl Tls {
    /// # Errors
    /// [`LinksError::Identity`], [`LinksError::OfAnotherNode`].
    pub(crate) fn new(identity: &Identity, me: &NodeId) -> Result<Self, LinksError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(identity.certificate.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|error| wrong("certificate", error))?;
        let first = chain
            .first()
            .ok_or_else(|| wrong("certificate", "there is none"))?;
        let certificate =
            certificates::node_of(first).ok_or_else(|| wrong("certificate", "it names no node"))?;
        if certificate != *me {
            let me = me.clone();
            return Err(LinksError::OfAnotherNode { certificate, me });
        }
        certificates::server_name(me).map_err(|error| wrong("certificate", error))?;
        let key =
            PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).map_err(|error| wrong("key", error))?;
        let mut roots = RootCertStore::empty();
        for authority in CertificateDer::pem_slice_iter(identity.authority.as_bytes()) {
            let authority = authority.map_err(|error| wrong("authority", error))?;
            roots.add(authority).map_err(|error| wrong("authority", error))?;
        }
        let (roots, provider) = (Arc::new(roots), provider());
        let lists: Vec<_> = CertificateRevocationListDer::pem_slice_iter(identity.revocations.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|error| wrong("revocations", error))?;
        if lists.is_empty() {
            return Err(wrong("revocations", "there is no list"));
        }

        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider))
            .with_crls(lists.clone())
            .build()
            .map_err(|error| wrong("authority", error))?;
        let mut server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| wrong("TLS", error))?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain.clone(), key.clone_key())
            .map_err(|error| wrong("key", error))?;
        server.send_tls13_tickets = 0;
        server.alpn_protocols = Purpose::ALL.map(|purpose| purpose.alpn().to_vec()).to_vec();

        let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
            .with_crls(lists)
            .build()
            .map_err(|error| wrong("authority", error))?;
        let mut client = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| wrong("TLS", error))?
            .with_webpki_verifier(verifier)
            .with_client_auth_cert(chain, key)
            .map_err(|error| wrong("key", error))?;
        client.resumption = Resumption::disabled();
        let for_purpose = |purpose: Purpose| {
            let mut client = client.clone();
            client.alpn_protocols = vec![purpose.alpn().to_vec()];
            Arc::new(client)
        };
        Ok(Self {
            server: Arc::new(server),
            watch: for_purpose(Purpose::Watch),
            traffic: for_purpose(Purpose::Traffic),
        })
    }

    pub(crate) fn client(&self, purpose: Purpose) -> Arc<ClientConfig> {
        Arc::clone(match purpose {
            Purpose::Watch => &self.watch,
            Purpose::Traffic => &self.traffic,
        })
    }
}

/// Would others of the same authority, with the same list, take this identity's certificate at this time.
///
/// # Errors
/// [`LinksError::Identity`], [`LinksError::OfAnotherNode`], [`LinksError::Unfit`].
pub(crate) fn check(identity: &Identity, me: &NodeId, now: Timestamp) -> Result<(), LinksError> {
    drop(Tls::new(identity, me)?);
    let chain: Vec<_> = CertificateDer::pem_slice_iter(identity.certificate.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| wrong("certificate", error))?;
    let (first, others) = chain
        .split_first()
        .ok_or_else(|| wrong("certificate", "there is none"))?;
    let now = UnixTime::since_unix_epoch(Duration::from_millis(now.0));
    let verified = verifier(identity)?.verify_client_cert(first, others, now);
    verified.map(drop).map_err(|error| {
        let refused = refusal(&io::Error::other(error));
        LinksError::Unfit(refused.unwrap_or(Refusal::Malformed))
    })
}

fn verifier(identity: &Identity) -> Result<Arc<dyn ClientCertVerifier>, LinksError> {
    let mut roots = RootCertStore::empty();
    for authority in CertificateDer::pem_slice_iter(identity.authority.as_bytes()) {
        let authority = authority.map_err(|error| wrong("authority", error))?;
        roots.add(authority).map_err(|error| wrong("authority", error))?;
    }
    let lists: Vec<_> = CertificateRevocationListDer::pem_slice_iter(identity.revocations.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| wrong("revocations", error))?;
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
        .with_crls(lists)
        .build()
        .map_err(|error| wrong("authority", error))
}

/// What a failed handshake says of the other side, or the other side of this one. None: it only broke off.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's enums are open, and its certificate errors are all about trust but for those that are named"
)]
pub(crate) fn refusal(error: &io::Error) -> Option<Refusal> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(match error {
        rustls::Error::InvalidCertificate(why) => match why {
            CertificateError::Revoked => Refusal::Revoked,
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => Refusal::Expired,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Refusal::WrongNode
            }
            _ => Refusal::ForeignAuthority,
        },
        rustls::Error::NoCertificatesPresented => Refusal::ForeignAuthority,
        rustls::Error::AlertReceived(alert) => match alert {
            AlertDescription::CertificateRevoked => Refusal::Revoked,
            AlertDescription::CertificateExpired => Refusal::Expired,
            AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateRequired
            | AlertDescription::DecryptError => Refusal::ForeignAuthority,
            _ => Refusal::Malformed,
        },
        _ => Refusal::Malformed,
    })
}

/// A server that has no certificate: no handshake with it succeeds.
pub(crate) fn closed() -> Result<Arc<ServerConfig>, LinksError> {
    let config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| wrong("TLS", error))?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(NoCertificate));
    Ok(Arc::new(config))
}

#[derive(Debug)]
struct NoCertificate;

impl ResolvesServerCert for NoCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        None
    }
}

/// Named, because another part of the program may bring another one, and then there is no default.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn wrong(what: &'static str, why: impl ToString) -> LinksError {
    let why = why.to_string();
    LinksError::Identity { what, why }
}
