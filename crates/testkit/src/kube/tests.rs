//! Tests of how the Kubernetes programs are found and built.

use super::{KUBERNETES_VERSION, is_package, key, linker_flags, source_directory};

#[test]
fn the_version_is_the_one_that_go_mod_pins() {
    let go_mod = std::fs::read_to_string(source_directory().join("go.mod")).unwrap();
    assert!(go_mod.contains(&format!("k8s.io/kubernetes {KUBERNETES_VERSION}\n")));
}

#[test]
fn the_binary_is_stamped_with_its_version() {
    assert!(linker_flags().ends_with(
        "version.gitVersion=v1.37.2 -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=37"
    ));
}

#[test]
fn only_import_paths_count_as_compiled_packages() {
    assert!(is_package("k8s.io/api/core/v1"));
    assert!(is_package("net"));
    assert!(!is_package("go: downloading k8s.io/api v0.37.2"));
    assert!(!is_package("# k8s.io/api/core/v1"));
    assert!(!is_package(""));
}

#[test]
fn the_cache_key_is_stable() {
    assert_eq!(key().unwrap(), key().unwrap());
    assert_eq!(key().unwrap().len(), 24);
}
