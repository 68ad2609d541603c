//! Tests of the checks on the machine.

use super::{Package, effective_capabilities, missing_packages};

#[test]
fn a_package_counts_as_missing_when_its_file_is_not_there() {
    let packages = [
        Package {
            name: "there",
            probe: "/proc/self/status",
        },
        Package {
            name: "absent",
            probe: "/proc/self/no-such-file",
        },
    ];
    assert_eq!(missing_packages(&packages), ["absent"]);
}

#[test]
fn effective_capabilities_are_read_from_the_status_file() {
    let status =
        "CapPrm:\t0000000000000000\nCapEff:\t0000000000200000\nCapBnd:\t000001ffffffffff\n";
    assert_eq!(effective_capabilities(status), Some(1 << 21));
}
