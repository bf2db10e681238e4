//! How the shared object is linked.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        // The number changes when a program that was linked against the library would no longer run with it.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libcertadm.so.0");
        // dlclose leaves the code where it is: a thread that still waits for a connection that nobody wants any more, or the
        // destructor of a thread-local value, may run after it.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
