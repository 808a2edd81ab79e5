use std::fmt;

use syn::{
    Item, ItemMod, ItemUse, Path, UseTree, Visibility,
    spanned::Spanned,
    visit::{self, Visit},
};

use crate::modules::{ModulePath, Modules, is_test};

/// A path in one file that leads to another one.
#[derive(Debug, Clone)]
pub(crate) struct Import {
    pub(crate) from: ModulePath,
    pub(crate) to: ModulePath,
    place: String,
    target: String,
}

impl fmt::Display for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} imports {}", self.place, self.target)
    }
}

/// Every import of the crate's files from one another.
pub(crate) fn of(modules: &Modules) -> Vec<Import> {
    let mut imports = Vec::new();
    for (module, file) in modules.files() {
        let mut reader =
            Reader { modules, file: module, module: module.clone(), imports: Vec::new() };
        reader.visit_file(&file.syntax);
        imports.append(&mut reader.imports);
    }
    imports
}

struct Reader<'a> {
    modules: &'a Modules,
    /// The module that the file is.
    file: &'a ModulePath,
    /// The module that is being read: that of the file, or one within it.
    module: ModulePath,
    imports: Vec<Import>,
}

impl Reader<'_> {
    fn path(&mut self, segments: &[String], line: usize) {
        let Some(path) = self.absolute(segments) else { return };
        let Some(to) = self.modules.file_of(&path) else { return };
        if to == self.file {
            return;
        }
        let name = |module| self.modules.file(module).map(|file| file.path.display().to_string());
        let place = format!("{}:{line}", name(self.file).unwrap_or_default());
        let target = name(to).unwrap_or_default();
        self.imports.push(Import { from: self.file.clone(), to: to.clone(), place, target });
    }

    /// The path from the crate's root on; none for one that leads out of the crate, or to an item that is in
    /// scope already.
    fn absolute(&self, segments: &[String]) -> Option<Vec<String>> {
        let (first, mut rest) = segments.split_first()?;
        let mut base = match first.as_str() {
            "crate" => Vec::new(),
            "self" => self.module.clone(),
            "super" => self.module.split_last()?.1.to_vec(),
            name => {
                let child = [&self.module[..], &[name.to_owned()]].concat();
                if !self.modules.contains(&child) {
                    return None;
                }
                child
            }
        };
        while let [word, more @ ..] = rest
            && word == "super"
        {
            base.pop()?;
            rest = more;
        }
        base.extend_from_slice(rest);
        Some(base)
    }

    fn use_tree(&mut self, tree: &UseTree, before: &mut Vec<String>) {
        let line = tree.span().start().line;
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.use_tree(&path.tree, before);
                before.pop();
            }
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.use_tree(tree, before));
            }
            UseTree::Name(name) if name.ident == "self" => self.path(before, line),
            UseTree::Name(name) => {
                self.path(&[before, &[name.ident.to_string()][..]].concat(), line)
            }
            UseTree::Rename(name) => {
                self.path(&[before, &[name.ident.to_string()][..]].concat(), line);
            }
            UseTree::Glob(_) => self.path(before, line),
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Mod(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Const(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !is_test(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        self.module.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if item.leading_colon.is_none() {
            self.use_tree(&item.tree, &mut Vec::new());
        }
    }

    fn visit_path(&mut self, path: &'ast Path) {
        let segments: Vec<_> = path.segments.iter().map(|part| part.ident.to_string()).collect();
        if path.leading_colon.is_none() && segments.len() > 1 {
            self.path(&segments, path.span().start().line);
        }
        visit::visit_path(self, path);
    }

    /// `pub(in path)` and `pub(super)` are no imports.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}
