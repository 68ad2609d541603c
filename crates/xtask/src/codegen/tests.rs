//! The committed files are what the code makes, and staleness is noticed.

use super::*;

#[test]
fn generated_files_are_fresh() {
    run(true).unwrap();
}

#[test]
fn a_stale_file_is_named_with_the_command_that_repairs_it() {
    let directory = tempfile::tempdir().unwrap();
    let said = write(directory.path(), generated().unwrap(), true)
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("config/crd/bases/locust.io_locusttests.yaml") && said.contains(REPAIR),
        "{said}"
    );
    assert!(fs::read_dir(directory.path()).unwrap().next().is_none());

    write(directory.path(), generated().unwrap(), false).unwrap();
    write(directory.path(), generated().unwrap(), true).unwrap();
}

#[test]
fn writing_twice_gives_the_same_bytes() {
    let content =
        |files: Vec<Generated>| -> Vec<_> { files.into_iter().map(|file| file.content).collect() };
    assert_eq!(content(generated().unwrap()), content(generated().unwrap()));
}
