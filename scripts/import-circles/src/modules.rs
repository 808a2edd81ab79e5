use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use syn::{Attribute, Expr, ExprLit, File, Item, ItemMod, Lit, Meta};

/// The path of a module within its crate.
pub(crate) type ModulePath = Vec<String>;

/// A module, in a file of its own or within one.
#[derive(Debug)]
pub(crate) struct Module {
    /// The module whose file it stands in.
    pub(crate) file_module: ModulePath,
}

/// A file of a crate.
pub(crate) struct SourceFile {
    pub(crate) path: PathBuf,
    pub(crate) syntax: File,
}

/// The modules of a crate and their files.
#[derive(Default)]
pub(crate) struct Modules {
    modules: BTreeMap<ModulePath, Module>,
    files: BTreeMap<ModulePath, SourceFile>,
}

impl Modules {
    /// The modules from the crate's root file on.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let mut modules = Self::default();
        let folder = root.parent().unwrap_or(Path::new(""));
        modules.read_file(root, folder, Vec::new())?;
        Ok(modules)
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = (&ModulePath, &SourceFile)> {
        self.files.iter()
    }

    pub(crate) fn file(&self, module: &ModulePath) -> Option<&SourceFile> {
        self.files.get(module)
    }

    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }

    pub(crate) fn contains(&self, module: &[String]) -> bool {
        self.modules.contains_key(module)
    }

    /// The module of the file that a path leads to: the deepest module that the path names.
    pub(crate) fn file_of(&self, path: &[String]) -> Option<&ModulePath> {
        let module = (0..=path.len()).rev().find_map(|length| self.modules.get(&path[..length]));
        module.map(|module| &module.file_module)
    }

    fn read_file(&mut self, path: &Path, folder: &Path, module: ModulePath) -> Result<()> {
        let place = || path.display().to_string();
        let text = fs::read_to_string(path).with_context(place)?;
        let syntax = syn::parse_file(&text).with_context(place)?;
        self.modules.insert(module.clone(), Module { file_module: module.clone() });
        self.read_items(&syntax.items, folder, &module, &module)?;
        self.files.insert(module, SourceFile { path: path.to_owned(), syntax });
        Ok(())
    }

    fn read_items(
        &mut self,
        items: &[Item],
        folder: &Path,
        module: &ModulePath,
        file_module: &ModulePath,
    ) -> Result<()> {
        for item in items {
            let Item::Mod(child) = item else { continue };
            if is_test(&child.attrs) {
                continue;
            }
            let name = child.ident.to_string();
            let path = [&module[..], std::slice::from_ref(&name)].concat();
            let folder_within = folder.join(&name);
            match &child.content {
                Some((_, items)) => {
                    let inline = Module { file_module: file_module.clone() };
                    self.modules.insert(path.clone(), inline);
                    self.read_items(items, &folder_within, &path, file_module)?;
                }
                None => {
                    let file = file_of(child, folder)?;
                    let own = if file.ends_with("mod.rs") { file.parent() } else { None };
                    let folder_within = own.map_or(folder_within, Path::to_owned);
                    self.read_file(&file, &folder_within, path)?;
                }
            }
        }
        Ok(())
    }
}

fn file_of(module: &ItemMod, folder: &Path) -> Result<PathBuf> {
    let name = module.ident.to_string();
    let mut places = vec![folder.join(format!("{name}.rs")), folder.join(&name).join("mod.rs")];
    if let Some(given) = module.attrs.iter().find_map(given_path) {
        places = vec![folder.join(given)];
    }
    match places.iter().find(|place| place.exists()) {
        Some(place) => Ok(place.clone()),
        None => bail!("the module {name} has no file in {}", folder.display()),
    }
}

/// The text of `#[path = "..."]`.
fn given_path(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attribute.meta else { return None };
    match &pair.value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if pair.path.is_ident("path") => {
            Some(text.value())
        }
        _ => None,
    }
}

/// Whether an item is there in tests only.
pub(crate) fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => {
            let words = list.tokens.to_string();
            words == "test" || words.starts_with("all (test") || words.starts_with("all(test")
        }
        _ => false,
    })
}
