//! `cbReadHintSize` of `CertSrvBackupOpenFileW`.

use certadm::ReadHint;

#[test]
fn the_buffer_is_the_nearest_power_of_two_within_bounds() {
    let cases = [
        (0, 1 << 20),
        (1, 64 << 10),
        (64 << 10, 64 << 10),
        ((64 << 10) + 1, 64 << 10),
        (96 << 10, 128 << 10),
        (100_000, 128 << 10),
        (500_000, 512 << 10),
        (524_288, 512 << 10),
        (524_289, 512 << 10),
        (3 << 20, 4 << 20),
        ((3 << 20) - 1, 2 << 20),
        (4 << 20, 4 << 20),
        (5 << 20, 4 << 20),
        (u32::MAX, 4 << 20),
    ];
    for (hint, buffer) in cases {
        assert_eq!(ReadHint::new(hint).buffer_size(), buffer, "{hint}");
    }
}
