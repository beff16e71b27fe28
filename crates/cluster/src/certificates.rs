//! Certificates of a cluster: an authority of its own, one certificate a node, and the list of those that are not valid any more.
//!
//! From PEM to PEM, with the time as an argument; where the files lie is for the command line. Keys are ECDSA on P-256, drawn from the operating
//! system. Invariant: a certificate of this authority names exactly one node, in the URI `videorooms:node:<id>`; the DNS name
//! `<id>.node.videorooms.internal` says the same in the form that TLS checks by itself.

use std::fmt;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType,
    SerialNumber,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};
use time::{Duration, OffsetDateTime};
use videorooms_domain::{NodeId, Timestamp};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;
use x509_parser::revocation_list::CertificateRevocationList;

const URI: &str = "videorooms:node:";
/// A domain that no public name server knows.
const DOMAIN: &str = "node.videorooms.internal";
/// Certificates are valid from a little before they were made: clocks of nodes differ.
const SKEW: Duration = Duration::hours(1);
/// A list of revocations is no reason to refuse once it is old; this only has to be said in it.
const NEXT_LIST: Duration = Duration::days(3650);

/// A certificate and its private key, both in PEM.
#[derive(Clone)]
pub struct Certified {
    /// One certificate.
    pub certificate: String,
    /// Its key, PKCS #8.
    pub key: String,
}

/// Why a certificate or a list cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// Node names that begin or end with a hyphen cannot stand in a certificate.
    #[error("the node name {0} begins or ends with a hyphen and cannot stand in a certificate")]
    NodeName(NodeId),
    /// Neither an authority's nor a node's, or not PEM at all.
    #[error("not a certificate of a node of a cluster")]
    NotOfANode,
    /// Not what its name says.
    #[error("{0} cannot be read")]
    Unreadable(&'static str),
    /// The library refuses.
    #[error("a certificate cannot be made: {0}")]
    Making(#[from] rcgen::Error),
    /// The operating system gives no random numbers.
    #[error("no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}

/// A new authority for a cluster, valid for so many days.
///
/// # Errors
/// [`CertificateError::Making`], [`CertificateError::Random`].
pub fn authority(cluster: &str, days: u32, now: Timestamp) -> Result<Certified, CertificateError> {
    let key = KeyPair::generate()?;
    let mut params = dated(days, now)?;
    params.distinguished_name = named(&format!("VideoRooms cluster {cluster}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = params.self_signed(&key)?.pem();
    Ok(Certified {
        certificate,
        key: key.serialize_pem(),
    })
}

/// A certificate and a new key for a node, valid for so many days, for both ends of a link.
///
/// # Errors
/// All but [`CertificateError::NotOfANode`].
pub fn issue(
    authority: &Certified,
    node: &NodeId,
    days: u32,
    now: Timestamp,
) -> Result<Certified, CertificateError> {
    let key = KeyPair::generate()?;
    let certificate = sign(authority, node, &key, days, now)?;
    Ok(Certified {
        certificate,
        key: key.serialize_pem(),
    })
}

/// The same node and the same key, valid for so many days from now on, under another serial number. The former certificate stays valid until its
/// end or until it is revoked.
///
/// # Errors
/// [`CertificateError`].
pub fn renew(
    authority: &Certified,
    former: &Certified,
    days: u32,
    now: Timestamp,
) -> Result<Certified, CertificateError> {
    let key = KeyPair::from_pem(&former.key)?;
    let certificate = sign(authority, &node(&former.certificate)?, &key, days, now)?;
    Ok(Certified {
        certificate,
        key: former.key.clone(),
    })
}

/// The list of an authority that has revoked nothing yet. Every node needs one.
///
/// # Errors
/// [`CertificateError::Unreadable`] for the authority, [`CertificateError::Making`].
pub fn no_revocations(authority: &Certified, now: Timestamp) -> Result<String, CertificateError> {
    list(authority, 1, Vec::new(), now)
}

/// The list with one certificate more; the same list if it stands there already. It counts for connections that are opened once a node was given
/// it.
///
/// # Errors
/// [`CertificateError`].
pub fn revoke(
    authority: &Certified,
    former: &str,
    certificate: &str,
    now: Timestamp,
) -> Result<String, CertificateError> {
    let unreadable = || CertificateError::Unreadable("the list of revocations");
    let der = CertificateRevocationListDer::from_pem_slice(former.as_bytes()).map_err(|_| unreadable())?;
    let (_, read) = CertificateRevocationList::from_der(&der).map_err(|_| unreadable())?;
    let number = read
        .crl_number()
        .and_then(|number| u64::try_from(number).ok())
        .ok_or_else(unreadable)?;
    let mut revoked: Vec<_> = read
        .iter_revoked_certificates()
        .map(|entry| entered(entry.raw_serial(), entry.revocation_date.to_datetime()))
        .collect();
    let serial = parsed(certificate, |certificate| {
        SerialNumber::from_slice(certificate.raw_serial())
    })?;
    if revoked.iter().any(|entry| entry.serial_number == serial) {
        return Ok(former.to_owned());
    }
    revoked.push(entered(serial.as_ref(), at(now)?));
    list(authority, number + 1, revoked, now)
}

/// Which node a certificate names. Whether it is valid is for TLS to say.
///
/// # Errors
/// [`CertificateError::NotOfANode`].
pub fn node(certificate: &str) -> Result<NodeId, CertificateError> {
    parsed(certificate, named_node)?.ok_or(CertificateError::NotOfANode)
}

/// Until when a certificate is valid.
///
/// # Errors
/// [`CertificateError::NotOfANode`] for what is no certificate.
pub fn valid_until(certificate: &str) -> Result<Timestamp, CertificateError> {
    let seconds = parsed(certificate, |certificate| {
        certificate.validity().not_after.timestamp()
    })?;
    Ok(Timestamp(
        u64::try_from(seconds).unwrap_or(0).saturating_mul(1000),
    ))
}

/// Which node a certificate on the wire names.
pub(crate) fn node_of(certificate: &CertificateDer<'_>) -> Option<NodeId> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    named_node(&certificate)
}

/// The DNS name in the certificate of a node.
///
/// # Errors
/// [`CertificateError::NodeName`].
pub(crate) fn server_name(node: &NodeId) -> Result<String, CertificateError> {
    let name = node.as_str();
    if name.starts_with('-') || name.ends_with('-') {
        return Err(CertificateError::NodeName(node.clone()));
    }
    Ok(format!("{name}.{DOMAIN}"))
}

fn sign(
    authority: &Certified,
    node: &NodeId,
    key: &KeyPair,
    days: u32,
    now: Timestamp,
) -> Result<String, CertificateError> {
    let mut params = dated(days, now)?;
    params.distinguished_name = named(node.as_str());
    params.subject_alt_names = vec![
        SanType::URI(format!("{URI}{node}").as_str().try_into()?),
        SanType::DnsName(server_name(node)?.as_str().try_into()?),
    ];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    params.use_authority_key_identifier_extension = true;
    Ok(params.signed_by(key, &issuer(authority)?)?.pem())
}

fn list(
    authority: &Certified,
    number: u64,
    revoked_certs: Vec<RevokedCertParams>,
    now: Timestamp,
) -> Result<String, CertificateError> {
    let this_update = at(now)?;
    let params = CertificateRevocationListParams {
        this_update,
        next_update: this_update + NEXT_LIST,
        crl_number: SerialNumber::from(number),
        issuing_distribution_point: None,
        revoked_certs,
        key_identifier_method: KeyIdMethod::Sha256,
    };
    Ok(params.signed_by(&issuer(authority)?)?.pem()?)
}

fn issuer(authority: &Certified) -> Result<Issuer<'static, KeyPair>, CertificateError> {
    let key =
        KeyPair::from_pem(&authority.key).map_err(|_| CertificateError::Unreadable("the authority's key"))?;
    Issuer::from_ca_cert_pem(&authority.certificate, key)
        .map_err(|_| CertificateError::Unreadable("the authority's certificate"))
}

fn dated(days: u32, now: Timestamp) -> Result<CertificateParams, CertificateError> {
    let mut serial = [0; 16];
    getrandom::fill(&mut serial)?;
    // A serial number is positive and does not begin with a zero byte.
    serial[0] = serial[0] & 0x7f | 0x40;
    let mut params = CertificateParams::default();
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.not_before = at(now)? - SKEW;
    params.not_after = at(now)? + Duration::days(days.into());
    Ok(params)
}

fn at(now: Timestamp) -> Result<OffsetDateTime, CertificateError> {
    let seconds = i64::try_from(now.0 / 1000).unwrap_or(i64::MAX);
    OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| CertificateError::Unreadable("the clock"))
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn entered(serial: &[u8], revocation_time: OffsetDateTime) -> RevokedCertParams {
    RevokedCertParams {
        serial_number: SerialNumber::from_slice(serial),
        revocation_time,
        reason_code: None,
        invalidity_date: None,
    }
}

fn parsed<T>(certificate: &str, read: impl FnOnce(&X509Certificate<'_>) -> T) -> Result<T, CertificateError> {
    let der =
        CertificateDer::from_pem_slice(certificate.as_bytes()).map_err(|_| CertificateError::NotOfANode)?;
    let (_, certificate) = X509Certificate::from_der(&der).map_err(|_| CertificateError::NotOfANode)?;
    Ok(read(&certificate))
}

fn named_node(certificate: &X509Certificate<'_>) -> Option<NodeId> {
    let names = certificate.subject_alternative_name().ok()??;
    let mut nodes = names.value.general_names.iter().filter_map(|name| {
        let GeneralName::URI(uri) = name else {
            return None;
        };
        uri.strip_prefix(URI)
    });
    // A certificate with two would be two nodes.
    let first = nodes.next()?;
    nodes.next().is_none().then(|| first.parse().ok())?
}

impl fmt::Debug for Certified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certified")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
