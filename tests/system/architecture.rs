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
    ("ractor", &["debug", "gateway", "rooms", "videorooms"]),
    ("redb", &["store"]),
    ("redis", &["store"]),
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
