use super::*;

const NOW: Timestamp = Timestamp(1_790_000_000_000);

fn id(name: &str) -> NodeId {
    name.parse().unwrap()
}

#[test]
fn a_certificate_names_its_node_and_ends_in_time() {
    let authority = authority("test", 3650, NOW).unwrap();
    let issued = issue(&authority, &id("node-1"), 30, NOW).unwrap();
    assert_eq!(node(&issued.certificate).unwrap(), id("node-1"));
    let until = valid_until(&issued.certificate).unwrap();
    assert_eq!(until.0, NOW.0 + 30 * 24 * 3600 * 1000);
    assert!(node(&authority.certificate).is_err());
    assert!(node("no certificate").is_err());
}

#[test]
fn a_renewed_certificate_has_the_same_key_and_another_serial_number() {
    let authority = authority("test", 3650, NOW).unwrap();
    let first = issue(&authority, &id("a"), 1, NOW).unwrap();
    let second = renew(&authority, &first, 2, NOW).unwrap();
    assert_eq!(first.key, second.key);
    assert_eq!(node(&second.certificate).unwrap(), id("a"));
    let serial = |pem: &str| parsed(pem, |certificate| certificate.raw_serial().to_vec()).unwrap();
    assert_ne!(serial(&first.certificate), serial(&second.certificate));
}

#[test]
fn a_list_keeps_what_was_revoked_before() {
    let authority = authority("test", 3650, NOW).unwrap();
    let [a, b] = ["a", "b"].map(|name| issue(&authority, &id(name), 1, NOW).unwrap());
    let none = no_revocations(&authority, NOW).unwrap();
    let one = revoke(&authority, &none, &a.certificate, NOW).unwrap();
    let two = revoke(&authority, &one, &b.certificate, NOW).unwrap();
    assert_eq!(revoke(&authority, &two, &a.certificate, NOW).unwrap(), two);
    let count = |list: &str| {
        let der = CertificateRevocationListDer::from_pem_slice(list.as_bytes()).unwrap();
        let (_, list) = CertificateRevocationList::from_der(&der).unwrap();
        (
            list.iter_revoked_certificates().count(),
            list.crl_number().cloned().unwrap(),
        )
    };
    assert_eq!(count(&none), (0, 1_u32.into()));
    assert_eq!(count(&two), (2, 3_u32.into()));
}

#[test]
fn a_node_whose_name_cannot_be_a_dns_label_has_no_certificate() {
    let authority = authority("test", 1, NOW).unwrap();
    let refused = issue(&authority, &id("a-"), 1, NOW);
    assert!(matches!(refused, Err(CertificateError::NodeName(_))));
}

#[test]
fn a_key_is_never_printed() {
    let authority = authority("test", 1, NOW).unwrap();
    assert!(!format!("{authority:?}").contains("PRIVATE"));
}
