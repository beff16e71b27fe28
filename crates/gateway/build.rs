//! The page is built into this crate: build again when it changes.

fn main() {
    println!("cargo:rerun-if-changed=../../frontend/dist");
}
