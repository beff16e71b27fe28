//! Licences of everything that is linked into the binary, from `cargo metadata`.
//!
//! Only what may be shipped in a product under MIT or Apache-2.0 passes. A licence that is not listed is a decision for people:
//! look at it, then add it here with the crate that brought it.

use cargo_metadata::MetadataCommand;

const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "OpenSSL",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Unlicense",
    "Zlib",
];

/// Whether an SPDX expression leaves a choice that consists of allowed licences only.
fn is_allowed(expression: &str) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let mut words = Words {
        words: spaced.split_whitespace().collect(),
        at: 0,
    };
    words.any() && words.at == words.words.len()
}

struct Words<'a> {
    words: Vec<&'a str>,
    at: usize,
}

impl Words<'_> {
    fn takes(&mut self, word: &str) -> bool {
        let found = self.words.get(self.at) == Some(&word);
        self.at += usize::from(found);
        found
    }

    /// `all OR all OR …`
    fn any(&mut self) -> bool {
        let mut allowed = self.all();
        while self.takes("OR") {
            allowed |= self.all();
        }
        allowed
    }

    /// `one AND one AND …`
    fn all(&mut self) -> bool {
        let mut allowed = self.one();
        while self.takes("AND") {
            allowed &= self.one();
        }
        allowed
    }

    /// A licence, perhaps with an exception, or an expression in brackets.
    fn one(&mut self) -> bool {
        if self.takes("(") {
            let allowed = self.any();
            return self.takes(")") && allowed;
        }
        let Some(mut licence) = self.words.get(self.at).map(|word| (*word).to_owned()) else {
            return false;
        };
        self.at += 1;
        if self.takes("WITH") {
            let exception = self.words.get(self.at).copied().unwrap_or_default();
            licence = format!("{licence} WITH {exception}");
            self.at += 1;
        }
        ALLOWED.contains(&licence.as_str())
    }
}

#[test]
fn every_dependency_of_the_binary_has_a_licence_that_we_may_ship() {
    let metadata = MetadataCommand::new()
        .other_options(["--locked", "--filter-platform", "x86_64-unknown-linux-gnu"].map(str::to_owned))
        .exec()
        .expect("cargo metadata answers in a workspace");
    let refused: Vec<String> = metadata
        .packages
        .iter()
        .filter(|package| !package.license.as_deref().is_some_and(is_allowed))
        .map(|package| {
            format!(
                "{} {}: {}",
                package.name,
                package.version,
                package.license.as_deref().unwrap_or("none")
            )
        })
        .collect();
    assert!(
        metadata.packages.len() > 100,
        "only {} packages were looked at",
        metadata.packages.len()
    );
    assert!(
        refused.is_empty(),
        "licences that nobody has looked at:\n{}",
        refused.join("\n")
    );
}

#[test]
fn a_choice_passes_with_one_good_side_and_a_conjunction_needs_both() {
    for good in [
        "MIT",
        "GPL-3.0 OR MIT",
        "MIT/Apache-2.0",
        "(MIT OR GPL-3.0) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert!(is_allowed(good), "{good}");
    }
    for bad in [
        "",
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "(MIT OR Apache-2.0) AND SSPL-1.0",
        "MIT )",
        "Apache-2.0 WITH other",
    ] {
        assert!(!is_allowed(bad), "{bad}");
    }
}
