use std::{env, fmt::Write, fs, path::Path};

use crate::{
    event::Event,
    schema::{Schema, TypeInfo},
};

/// The environment variable under which a snapshot is written rather than compared: set it to `1`.
pub const BLESS: &str = "FACTOS_BLESS";

/// Checks that the schema of an event type is the one that was written down in a file.
///
/// So reviewers of the file see every change of what is stored. A relative path starts at the folder of the
/// package, as tests do.
///
/// # Panics
/// If they differ, with what that would mean for stored events; if the file cannot be read or written.
#[track_caller]
pub fn assert_schema_snapshot<E: Event>(path: impl AsRef<Path>) {
    let path = path.as_ref();
    let is_blessed = env::var_os(BLESS).is_some_and(|value| value == "1");
    if let Err(problem) = check(E::SCHEMA, path, is_blessed) {
        panic!("schema snapshot {}: {problem}", path.display());
    }
}

fn check(schema: &Schema, path: &Path, is_blessed: bool) -> Result<(), String> {
    let actual = text(schema);
    if is_blessed {
        return fs::write(path, actual).map_err(|error| error.to_string());
    }
    let bless = format!("run the test with {BLESS}=1 to write it");
    let expected = fs::read_to_string(path).map_err(|error| format!("{error}; {bless}"))?;
    let expected = expected.replace("\r\n", "\n");
    if expected == actual {
        return Ok(());
    }
    let mut problem = String::from("the schema has changed");
    for change in changes(&expected, schema) {
        problem.push_str("\n  ");
        problem.push_str(&change);
    }
    Err(format!("{problem}\n  if this is meant, {bless}"))
}

fn text(schema: &Schema) -> String {
    schema.types.iter().map(entry).collect()
}

fn entry(info: &TypeInfo) -> String {
    let TypeInfo { name, version, since, .. } = info;
    let mut text = format!("{name}\n  version {version} since {since}\n");
    let lists = [("aliases", info.aliases.join(", ")), ("tags", info.tag_keys.join(", "))];
    for (title, list) in lists.iter().filter(|(_, list)| !list.is_empty()) {
        let written = writeln!(text, "  {title} {list}");
        debug_assert!(written.is_ok(), "a string takes any text");
    }
    text + "  fields " + info.fields.trim_end() + "\n"
}

/// The changes, one line each, the dangerous ones first.
fn changes(expected: &str, schema: &Schema) -> Vec<String> {
    let mut changes = Vec::new();
    for old in entries(expected) {
        let name = old[0];
        let line = |start: &str| old.iter().find_map(|line| line.trim_start().strip_prefix(start));
        match schema.find(name) {
            None => changes.push(format!(
                "{name} is gone: stored events of it can no longer be read; if it was renamed, add \
                 `alias = \"{name}\"`"
            )),
            Some(info) => {
                let stored = line("version ").unwrap_or_default();
                let fields = line("fields ").or(line("fields")).unwrap_or_default();
                let is_same_version = stored.split(' ').next() == Some(&*info.version.to_string());
                if is_same_version && fields != info.fields.trim_end() {
                    changes.push(format!(
                        "{name} has other fields under the same version {}: was `{fields}`, is `{}`; \
                         raise the version, unless serde's defaults read what is stored",
                        info.version, info.fields
                    ));
                }
            }
        }
    }
    let known = entries(expected);
    let new = schema.types.iter().filter(|info| known.iter().all(|old| old[0] != info.name));
    changes.extend(new.map(|info| format!("{} is new", info.name)));
    changes
}

/// The lines of each entry, its name first.
fn entries(text: &str) -> Vec<Vec<&str>> {
    let mut entries: Vec<Vec<&str>> = Vec::new();
    for line in text.lines() {
        match entries.last_mut() {
            Some(entry) if line.starts_with("  ") => entry.push(line),
            _ => entries.push(vec![line]),
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &[TypeInfo] = &[
        TypeInfo::new("a.Sold", 2, "")
            .with_since(1)
            .with_tag_keys(&["show"])
            .with_fields("show: String"),
        TypeInfo::new("a.Closed", 1, ""),
    ];

    fn problem(schema: &Schema) -> String {
        let folder = env::temp_dir().join(format!("factos-snapshot-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("{:p}", schema.types));
        let missing = check(schema, &path, false).unwrap_err();
        assert!(missing.contains("FACTOS_BLESS=1"), "{missing}");
        check(&Schema::new(OLD), &path, true).unwrap();
        assert_eq!(check(&Schema::new(OLD), &path, false), Ok(()));
        let problem = check(schema, &path, false);
        fs::remove_dir_all(&folder).unwrap();
        problem.err().unwrap_or_default()
    }

    #[test]
    fn a_snapshot_is_a_text_that_can_be_reviewed() {
        let expected = "a.Sold\n  version 2 since 1\n  tags show\n  fields show: String\n\
                        a.Closed\n  version 1 since 1\n  fields \n";
        assert_eq!(text(&Schema::new(OLD)), expected);
    }

    #[test]
    fn each_change_says_what_it_would_mean() {
        const RENAMED: &[TypeInfo] = &[OLD[0], TypeInfo::new("a.Ended", 1, "")];
        let text = problem(&Schema::new(RENAMED));
        assert!(
            text.contains("a.Closed is gone") && text.contains("`alias = \"a.Closed\"`"),
            "{text}"
        );
        assert!(text.contains("a.Ended is new"), "{text}");

        const ALIASED: &[TypeInfo] =
            &[OLD[0], TypeInfo::new("a.Ended", 1, "").with_aliases(&["a.Closed"])];
        let text = problem(&Schema::new(ALIASED));
        assert!(!text.contains("gone") && text.contains("a.Ended is new"), "{text}");

        const OTHER_FIELDS: &[TypeInfo] = &[OLD[0].with_fields("show: u64"), OLD[1]];
        let text = problem(&Schema::new(OTHER_FIELDS));
        assert!(text.contains("was `show: String`, is `show: u64`; raise the version"), "{text}");

        const NEXT_VERSION: &[TypeInfo] =
            &[TypeInfo::new("a.Sold", 3, "").with_since(1).with_fields("show: u64"), OLD[1]];
        let text = problem(&Schema::new(NEXT_VERSION));
        assert!(text.contains("has changed") && !text.contains("raise the version"), "{text}");
    }
}
