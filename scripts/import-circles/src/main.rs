//! Finds files of a crate that import one another, and rooms that do.
//!
//! `import-circles ROOT...` reads each root, such as `factos/src/lib.rs`, and the files of its modules. A
//! file imports another if a path in it leads there: in a `use` or `pub use`, or in line, from `crate`,
//! `self`, `super`, the crate's name or a module of the file's. A `mod` line alone is no import, tests within
//! a file do not count, and the inside of macros is not read. A room is a top-level module with its children.

mod graph;
mod imports;
mod modules;

use std::{env, path::Path, process::ExitCode};

use anyhow::{Context, Result, bail};

use crate::{graph::Graph, modules::Modules};

fn main() -> ExitCode {
    let roots: Vec<String> = env::args().skip(1).collect();
    match check(&roots) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("import-circles: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether there is no circle.
fn check(roots: &[String]) -> Result<bool> {
    if roots.is_empty() {
        bail!("usage: import-circles ROOT...");
    }
    let (mut files, mut imports_read, mut is_clean) = (0, 0, true);
    for root in roots {
        let modules = Modules::read(Path::new(root)).with_context(|| format!("reading {root}"))?;
        let imports = imports::of(&modules);
        let graphs =
            [("files", Graph::of_files(&imports)), ("rooms", Graph::of_rooms(&modules, &imports))];
        for (what, graph) in graphs {
            for circle in graph.circles() {
                is_clean = false;
                println!("{root}: these {what} import one another:");
                circle.iter().for_each(|import| println!("  {import}"));
            }
        }
        (files, imports_read) = (files + modules.len(), imports_read + imports.len());
    }
    let found = if is_clean { "no circle" } else { "circles" };
    println!("{found} among {} crates with {files} files and {imports_read} imports", roots.len());
    Ok(is_clean)
}
