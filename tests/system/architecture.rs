//! The arrows between the crates, as a table, held against what Cargo says.
//!
//! An edge that is not in the table is the one mistake that is dear to undo: a new one changes `ARCHITECTURE.md` and this
//! file in a commit of its own. Heavy dependencies have a home crate as well, so that nobody who works on signalling compiles
//! a media stack, and no rule of a room can reach a clock or a socket. Dev-dependencies are free: tests may look everywhere.

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

const PREFIX: &str = "videorooms-";

/// Crate and what it may use, of ours.
const ARROWS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("protocol", &[]),
    ("media", &[]),
    ("debug", &[]),
    ("store", &["domain"]),
    ("cluster", &["domain", "store"]),
    ("sfu", &["domain", "media"]),
    ("rooms", &["cluster", "domain", "sfu", "store"]),
    ("gateway", &["debug", "domain", "protocol", "rooms", "sfu"]),
    ("admin", &["debug", "domain", "rooms"]),
];

/// The binary and the tests assemble the whole house and may use every crate.
const ASSEMBLIES: &[&str] = &["videorooms", "videorooms-tests"];

/// Heavy dependency and the crates that may name it.
const HOMES: &[(&str, &[&str])] = &[
    ("axum", &["admin", "debug", "gateway"]),
    ("figment", &["videorooms"]),
    ("jsonwebtoken", &["gateway", "sfu"]),
    ("ractor", &["cluster", "debug", "gateway", "rooms", "videorooms"]),
    ("ractor_cluster", &["cluster"]),
    ("rcgen", &["cluster"]),
    ("redb", &["store"]),
    ("redis", &["store"]),
    ("rustls", &["cluster", "store"]),
    ("str0m", &["media"]),
];

/// What would let time, chance or the outside into a pure crate.
const IMPURE: &[&str] = &[
    "async-trait",
    "getrandom",
    "metrics",
    "rand",
    "rustix",
    "tokio",
    "tracing",
];
const PURE: &[&str] = &["domain", "protocol"];

/// The modules of `cluster` that do: its shell. All others are pure.
const SHELL: &[&str] = &[
    "certificates",
    "clock",
    "cluster",
    "links",
    "metrics",
    "mind",
    "view",
];
/// What a pure module of `cluster` would have to name to reach the outside.
const OUTSIDE: &[&str] = &[
    "async_trait",
    "bytes::",
    "getrandom",
    "metrics::",
    "parking_lot",
    "ractor",
    "redis::",
    "rustix",
    "rustls",
    "socket2",
    "std::fs",
    "std::net",
    "std::thread",
    "tokio",
    "tracing",
];

fn workspace() -> Metadata {
    MetadataCommand::new()
        .no_deps()
        .exec()
        .expect("cargo metadata answers in a workspace")
}

fn short(package: &str) -> &str {
    package.strip_prefix(PREFIX).unwrap_or(package)
}

/// What a package needs to be built, tests aside.
fn needs(package: &Package) -> BTreeSet<&str> {
    let wanted = package
        .dependencies
        .iter()
        .filter(|needed| needed.kind != DependencyKind::Development);
    wanted.map(|needed| needed.name.as_str()).collect()
}

#[test]
fn every_arrow_between_crates_is_in_the_table() {
    let metadata = workspace();
    for package in metadata.workspace_packages() {
        let name = package.name.as_str();
        if ASSEMBLIES.contains(&name) {
            continue;
        }
        let crate_name = short(name);
        let (_, allowed) = ARROWS
            .iter()
            .find(|(from, _)| *from == crate_name)
            .unwrap_or_else(|| panic!("{name} is not in the table of arrows"));
        for needed in needs(package)
            .into_iter()
            .filter(|needed| needed.starts_with("videorooms"))
        {
            assert!(
                allowed.contains(&short(needed)),
                "{crate_name} → {} is not in the table",
                short(needed)
            );
        }
    }
}

#[test]
fn the_table_of_arrows_names_only_crates_that_exist_and_never_points_upwards() {
    let metadata = workspace();
    let packages = metadata.workspace_packages();
    let known: BTreeSet<&str> = packages
        .iter()
        .map(|package| short(package.name.as_str()))
        .collect();
    for (row, (from, allowed)) in ARROWS.iter().enumerate() {
        assert!(
            known.contains(from),
            "{from} is in the table but not in the workspace"
        );
        for to in *allowed {
            let below = ARROWS[..row].iter().any(|(earlier, _)| earlier == to);
            assert!(
                below,
                "{from} → {to} points to a crate that does not stand above it in the table"
            );
        }
    }
}

#[test]
fn heavy_dependencies_stay_in_their_home_crates() {
    for package in workspace().workspace_packages() {
        let name = package.name.as_str();
        if name == "videorooms-tests" {
            continue;
        }
        for (heavy, homes) in HOMES {
            let allowed = homes.contains(&short(name)) || !needs(package).contains(heavy);
            assert!(allowed, "{name} may not depend on {heavy}; its home is {homes:?}");
        }
    }
}

#[test]
fn pure_crates_know_no_time_no_chance_and_no_outside() {
    for package in workspace().workspace_packages() {
        if !PURE.contains(&short(package.name.as_str())) {
            continue;
        }
        let found: Vec<&str> = needs(package)
            .into_iter()
            .filter(|needed| IMPURE.contains(needed))
            .collect();
        assert!(found.is_empty(), "{} depends on {found:?}", package.name);
    }
}

#[test]
fn the_core_of_the_cluster_knows_no_time_no_chance_and_no_outside() {
    let metadata = workspace();
    let root = metadata.workspace_root.join("crates/cluster/src");
    let (mut folders, mut seen) = (vec![root.clone().into_std_path_buf()], 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the crate's sources can be listed") {
            let path = entry.expect("an entry can be read").path();
            let module = path
                .strip_prefix(&root)
                .expect("it lies below")
                .with_extension("");
            let top = module
                .iter()
                .next()
                .and_then(std::ffi::OsStr::to_str)
                .expect("a name");
            if SHELL.contains(&top) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            seen += 1;
            let text = std::fs::read_to_string(&path).expect("a source can be read");
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            for line in code {
                let named = OUTSIDE.iter().find(|outside| line.contains(**outside));
                assert!(named.is_none(), "{}: {line}", path.display());
            }
        }
    }
    assert!(seen > 10, "only {seen} files were looked at");
}

/// A message that can be serialized makes its actor visible to every other node, which may then speak to it. `()`, numbers and strings can.
#[test]
fn no_actor_but_the_four_of_the_links_can_be_reached_from_other_nodes() {
    let metadata = workspace();
    let mut folders = vec![metadata.workspace_root.join("crates").into_std_path_buf()];
    let mut remotable = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("sources can be listed") {
            let path = entry.expect("an entry can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source can be read");
                let plain = ["()", "String", "Vec<", "u8", "u32", "u64", "bool"]
                    .iter()
                    .any(|plain| text.contains(&format!("type Msg = {plain}")));
                assert!(!plain, "{} has a plain message", path.display());
                if text.contains("fn serializable() -> bool") {
                    remotable.push(path);
                }
            }
        }
    }
    let [only] = &remotable[..] else {
        panic!("several messages can be serialized: {remotable:?}");
    };
    assert!(only.ends_with("cluster/src/links/actor.rs"), "{}", only.display());
}

#[test]
fn every_crate_takes_its_lints_from_the_workspace() {
    for package in workspace().workspace_packages() {
        let manifest = std::fs::read_to_string(&package.manifest_path).expect("a manifest can be read");
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{} has no [lints] workspace = true",
            package.name
        );
    }
}
