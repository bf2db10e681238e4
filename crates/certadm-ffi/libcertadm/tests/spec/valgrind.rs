//! No invalid access and no leak, neither in the examples nor in the library below them.

use std::ffi::OsStr;
use std::process::Command;

use crate::ca::Ca;
use crate::examples::{Programs, cycle};
use crate::tools::{C11, data, example, installed, succeed, wrapped};

#[test]
fn the_examples_and_the_library_neither_leak_nor_touch_what_is_not_theirs() {
    if !installed("valgrind", "valgrind") {
        return;
    }
    let suppressions = format!("--suppressions={}", data("valgrind.supp").display());
    let wrapper = [
        "valgrind",
        "--quiet",
        "--leak-check=full",
        "--show-leak-kinds=definite,indirect,possible",
        "--errors-for-leak-kinds=definite,indirect,possible",
        "--error-exitcode=99",
        &suppressions,
    ]
    .map(OsStr::new);
    let backup = C11.program(&example("c/backup.c"));
    let restore = C11.program(&example("c/restore.c"));
    let strings = C11.program(&data("strings.c"));
    succeed(&mut wrapped(&wrapper, &Command::new(strings)));
    let under = |ca: &Ca, program| wrapped(&wrapper, &ca.program(program));
    cycle(&Programs { backup: &|ca| under(ca, &backup), restore: &|ca| under(ca, &restore) });
}
