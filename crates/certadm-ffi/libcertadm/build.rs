//! Names the shared object as the dynamic linker will look for it.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        // The number changes when a program that was linked against the library would no longer run with it.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libcertadm.so.0");
    }
}
