//! What `cargo xtask install` puts in place is enough for a program that knows of nothing else.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::ca::Ca;
use crate::tools::{C11, example, installed, library, package, succeed};

#[test]
fn a_program_is_compiled_linked_and_run_with_what_is_installed() {
    if !installed("pkg-config", "pkg-config") {
        return;
    }
    let stage = tempfile::tempdir().unwrap();
    let library = library();
    let mut install = Command::new(testkit::process::bin("xtask").unwrap());
    // Into the directory where this test was built, and built as it was.
    install.env("CARGO_TARGET_DIR", library.parent().unwrap().parent().unwrap());
    install.args(["install", "--debug", "--programs", "--prefix", "/usr/local", "--destdir"]).arg(stage.path());
    succeed(&mut install);
    let installed = stage.path().join("usr/local");
    let lib = installed.join("lib");
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(fs::read_link(lib.join("libcertadm.so")).unwrap(), Path::new("libcertadm.so.0"));
    assert_eq!(
        fs::read_link(lib.join("libcertadm.so.0")).unwrap().to_str(),
        Some(&*format!("libcertadm.so.{version}"))
    );
    assert_eq!(fs::read(lib.join("libcertadm.so")).unwrap(), fs::read(&library).unwrap());
    for (program, folder) in [("cabak", "bin"), ("certsrvd", "sbin")] {
        succeed(Command::new(installed.join(folder).join(program)).arg("--version"));
    }

    let pkg_config = |options: &[&str]| {
        let mut command = Command::new("pkg-config");
        command.env("PKG_CONFIG_LIBDIR", lib.join("pkgconfig")).env("PKG_CONFIG_SYSROOT_DIR", stage.path());
        succeed(command.args(options).arg("certadm")).trim().to_owned()
    };
    assert_eq!(pkg_config(&["--modversion"]), version);
    let flags = pkg_config(&["--cflags", "--libs"]);
    let stage_path = stage.path().display();
    assert_eq!(flags, format!("-I{stage_path}/usr/local/include -L{stage_path}/usr/local/lib -lcertadm"));

    let program = stage.path().join("online");
    let mut compiler = Command::new("gcc");
    compiler.args(["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]).arg(example("c/online.c"));
    succeed(compiler.args(flags.split(' ')).arg("-o").arg(&program));
    let mut ca = Ca::start();

    let source = stage.path().join("page.c");
    let page = examples_of_the_page()[0].replace("ca01.corp.example", &ca.target);
    fs::write(&source, page).unwrap();
    let backup = stage.path().join("page");
    succeed(Command::new("gcc").arg(&source).args(flags.split(' ')).arg("-o").arg(&backup));
    let read = ca.read_by_another_client();
    assert_eq!(succeed(ca.program(&backup).env("LD_LIBRARY_PATH", &lib)), "0x00000000\n");
    assert_eq!(fs::read(ca.path("edb00001.log")).unwrap(), read["edb00001.log"].0);
    assert!(ca.path("Test CA.db").exists() && ca.path("certbkxp.dat").exists());

    let online = |ca: &Ca| {
        let mut command = ca.program(&program);
        command.env("LD_LIBRARY_PATH", &lib).arg(&ca.target);
        command
    };
    assert_eq!(succeed(&mut online(&ca)), "0x00000000 online\n");
    let target = ca.target.clone();
    ca.stop();
    ca.target = target;
    let output = online(&ca).output().unwrap();
    assert_eq!((output.status.code(), &*String::from_utf8_lossy(&output.stdout)), (Some(2), "0x800706BA offline\n"));
}

#[test]
fn the_manual_page_has_no_faults_and_its_examples_compile() {
    let page = package().join("man/certadm.3");
    if installed("groff", "groff") {
        let output = Command::new("groff").args(["-man", "-ww", "-b", "-z", "-Tutf8"]).arg(&page).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("example.c");
    let sources = examples_of_the_page();
    assert_eq!(sources.len(), 2);
    for source in sources {
        fs::write(&file, source).unwrap();
        succeed(C11.command().arg("-c").arg(&file).arg("-o").arg(directory.path().join("example.o")));
    }
}

/// The programs in the manual page.
fn examples_of_the_page() -> Vec<String> {
    let text = fs::read_to_string(package().join("man/certadm.3")).unwrap();
    let examples = text.split("\n.EX\n").skip(1).map(|rest| rest.split("\n.EE\n").next().unwrap());
    examples.map(|example| example.replace(r"\e", r"\").replace(r"\-", "-").replace(r"\(aq", "'")).collect()
}
