//! The developer commands of this project.
fn main() {}
