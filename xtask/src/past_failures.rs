//! That `specs/past-failures.md` names tests that there are, and all of those that are named after a CVE.

use regex::Regex;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn the_table_names_tests_that_there_are_and_every_cve_that_a_test_is_named_after() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let table = std::fs::read_to_string(root.join("specs/past-failures.md")).unwrap();
    let mut files = Vec::new();
    sources(&root.join("crates"), &mut files);
    let is_test = Regex::new(r"#\[test\]\s+fn (\w+)\(").unwrap();
    let texts = files.iter().map(|path| std::fs::read_to_string(path).unwrap());
    let tests: BTreeSet<String> = texts
        .flat_map(|text| is_test.captures_iter(&text).map(|found| found[1].to_owned()).collect::<Vec<_>>())
        .collect();
    let named = Regex::new(r"`([a-z0-9_]+)`").unwrap();
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(rows.len() > 30, "{} rows", rows.len());
    let mut in_table = BTreeSet::new();
    for row in &rows {
        let names: Vec<String> = named.captures_iter(row).map(|found| found[1].to_owned()).collect();
        let missing: Vec<_> = names.iter().filter(|name| !tests.contains(*name)).collect();
        assert!(missing.is_empty(), "no such tests: {missing:?} in {row}");
        assert!(!names.is_empty() || row.contains("cannot happen: "), "neither test nor reason: {row}");
        in_table.extend(names);
    }
    let cves = tests.iter().filter(|name| name.starts_with("cve_"));
    let forgotten: Vec<_> = cves.filter(|name| !in_table.contains(*name)).collect();
    assert!(forgotten.is_empty(), "not in the table: {forgotten:?}");
}
