//! The committed TypeScript is the one that these types give.

use std::path::Path;

#[test]
fn the_frontends_types_are_those_of_this_crate() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../frontend/src/services/protocol.ts");
    let wanted = videorooms_protocol::typescript::file();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "{} differs: run UPDATE=1 cargo test -p videorooms-protocol",
        path.display()
    );
}
