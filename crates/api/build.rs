//! Has the crate built anew when the page was.

fn main() {
    println!("cargo::rerun-if-changed=../../web/dist");
}
