//! One Rust file, parsed with `syn`: what it names, defines and implements. Items with `#[cfg(test)]` are ignored.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, Meta, UseTree};

/// A path from the root of the crate starts with `crate`; any other path names another crate or something local.
pub type Path = Vec<String>;

#[derive(Debug, Default)]
pub struct Source {
    /// Its path below `src`.
    pub name: String,
    pub lines: usize,
    /// The modules that it is in: `storage/frame.rs` is `[storage, frame]`, `lib.rs` is `[]`.
    pub modules: Vec<String>,
    /// Every path of two or more parts, and every import, including those in macros.
    pub paths: BTreeSet<Path>,
    /// The names that its top-level imports bind, and their paths.
    pub bindings: BTreeMap<String, Path>,
    /// Structs, enums, unions and type aliases at the top level of the file.
    pub types: BTreeSet<String>,
    /// The types of its `impl T` blocks, one entry per block.
    pub impls: Vec<Path>,
    /// Whether the file has a top-level function.
    pub has_function: bool,
    /// Modules with `#[cfg(test)]` in files of their own, as file names below `src` without the extension.
    pub test_modules: Vec<String>,
}

impl Source {
    pub fn read(name: &str, text: &str) -> Source {
        let file = syn::parse_file(text).unwrap_or_else(|error| panic!("src/{name}: {error}"));
        let modules = modules_of(name);
        let mut source = Source {
            name: name.to_owned(),
            lines: text.lines().count(),
            modules: modules.clone(),
            ..Source::default()
        };
        for item in &file.items {
            source.note_item(item);
        }
        let mut reader = Reader { source: &mut source, modules };
        reader.visit_file(&file);
        source
    }

    /// Its folder below `src`.
    pub fn folder(&self) -> &str {
        self.name.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    pub fn is_table_of_contents(&self) -> bool {
        self.name == "lib.rs" || self.name.ends_with("mod.rs")
    }

    fn note_item(&mut self, item: &Item) {
        if let Item::Mod(module) = item
            && module.content.is_none()
            && is_test(&module.attrs)
        {
            let inside = match (self.is_table_of_contents(), written_path(&module.attrs)) {
                (_, Some(path)) => join(self.folder(), path.trim_end_matches(".rs")),
                (true, None) => join(self.folder(), &module.ident.to_string()),
                (false, None) => join(self.name.trim_end_matches(".rs"), &module.ident.to_string()),
            };
            self.test_modules.push(inside);
        }
        if is_test(attributes(item)) {
            return;
        }
        match item {
            Item::Use(import) => {
                let mut paths = Vec::new();
                spread(&import.tree, &mut Vec::new(), &mut paths);
                let modules = self.modules.clone();
                for (bound, path) in paths {
                    self.bindings.insert(bound, absolute(path, &modules));
                }
            }
            Item::Fn(_) => self.has_function = true,
            Item::Struct(item) => _ = self.types.insert(item.ident.to_string()),
            Item::Enum(item) => _ = self.types.insert(item.ident.to_string()),
            Item::Union(item) => _ = self.types.insert(item.ident.to_string()),
            Item::Type(item) => _ = self.types.insert(item.ident.to_string()),
            _ => {}
        }
    }

    /// The path with an imported name replaced by its full path.
    fn in_full(&self, path: Path, modules: &[String]) -> Path {
        match path.first().and_then(|first| self.bindings.get(first)) {
            Some(bound) => bound.iter().cloned().chain(path.into_iter().skip(1)).collect(),
            None => absolute(path, modules),
        }
    }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

pub fn modules_of(name: &str) -> Vec<String> {
    let mut parts: Vec<String> = name.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|last| last == "mod" || last == "lib") {
        parts.pop();
    }
    parts
}

/// `super::x` and `self::x` as `crate::...::x`; other paths are unchanged.
fn absolute(path: Path, modules: &[String]) -> Path {
    let own = usize::from(path.first().is_some_and(|part| part == "self"));
    let supers = path.iter().skip(own).take_while(|part| *part == "super").count();
    if own + supers == 0 {
        return path;
    }
    let kept = modules.len().saturating_sub(supers);
    let rest = path.into_iter().skip(own + supers);
    ["crate".to_owned()].into_iter().chain(modules.iter().take(kept).cloned()).chain(rest).collect()
}

/// All paths of an import, with the names that they bind: `use std::{fs, io::Read as R}` is `fs: std::fs`, `R:
/// std::io::Read`.
fn spread(tree: &UseTree, prefix: &mut Path, paths: &mut Vec<(String, Path)>) {
    match tree {
        UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            spread(&path.tree, prefix, paths);
            prefix.pop();
        }
        UseTree::Name(name) if name.ident == "self" => {
            paths.push((prefix.last().cloned().unwrap_or_default(), prefix.clone()));
        }
        UseTree::Name(name) => {
            let name = name.ident.to_string();
            paths.push((name.clone(), prefix.iter().cloned().chain([name]).collect()));
        }
        UseTree::Rename(rename) => {
            let own = (rename.ident != "self").then(|| rename.ident.to_string());
            paths.push((rename.rename.to_string(), prefix.iter().cloned().chain(own).collect()));
        }
        UseTree::Glob(_) => paths.push((format!("{}::*", prefix.join("::")), prefix.clone())),
        UseTree::Group(group) => {
            for tree in &group.items {
                spread(tree, prefix, paths);
            }
        }
    }
}

/// Whether `#[cfg(test)]` or `#[cfg(all(test, ..))]` is on an item.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => needs_test(list.tokens.clone()),
        _ => false,
    })
}

fn needs_test(condition: TokenStream) -> bool {
    let tokens: Vec<TokenTree> = condition.into_iter().collect();
    match tokens.as_slice() {
        [TokenTree::Ident(only)] => only == "test",
        [TokenTree::Ident(all), TokenTree::Group(group)] if all == "all" => group
            .stream()
            .into_iter()
            .any(|token| matches!(&token, TokenTree::Ident(ident) if ident == "test")),
        _ => false,
    }
}

/// The file that `#[path = ".."]` names.
fn written_path(attributes: &[Attribute]) -> Option<String> {
    attributes.iter().find_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Visits a file; `modules` grows within inline modules.
struct Reader<'a> {
    source: &'a mut Source,
    modules: Vec<String>,
}

impl Reader<'_> {
    fn note(&mut self, path: Path) {
        let path = self.source.in_full(path, &self.modules);
        if path.len() > 1 {
            self.source.paths.insert(path);
        }
    }

    /// The paths in the tokens of a macro or an attribute: words joined by `::`.
    fn note_tokens(&mut self, tokens: TokenStream) {
        let mut path: Path = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(word) => {
                    if colons < 2 {
                        self.note(std::mem::take(&mut path));
                    }
                    path.push(word.to_string());
                    colons = 0;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.note_group(&mut path, colons, group.stream());
                    colons = 0;
                }
                _ => {
                    self.note(std::mem::take(&mut path));
                    colons = 0;
                }
            }
        }
        self.note(path);
    }

    /// `{a, b}` after `::` continues the path; any other group is separate.
    fn note_group(&mut self, path: &mut Path, colons: usize, tokens: TokenStream) {
        if colons == 2 {
            for token in tokens.clone() {
                if let TokenTree::Ident(word) = token {
                    self.note(path.iter().cloned().chain([word.to_string()]).collect());
                }
            }
            path.clear();
        }
        self.note_tokens(tokens);
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_test(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        self.modules.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.modules.pop();
    }

    fn visit_item_impl(&mut self, block: &'ast syn::ItemImpl) {
        if block.trait_.is_none()
            && let syn::Type::Path(path) = &*block.self_ty
        {
            let path = words(&path.path);
            let path = self.source.in_full(path, &self.modules);
            self.source.impls.push(path);
        }
        visit::visit_item_impl(self, block);
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        let skipped = match item {
            syn::ImplItem::Fn(function) => is_test(&function.attrs),
            syn::ImplItem::Const(constant) => is_test(&constant.attrs),
            _ => false,
        };
        if !skipped {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if !is_test(&field.attrs) {
            visit::visit_field(self, field);
        }
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        if !is_test(&variant.attrs) {
            visit::visit_variant(self, variant);
        }
    }

    fn visit_item_use(&mut self, import: &'ast syn::ItemUse) {
        let mut paths = Vec::new();
        spread(&import.tree, &mut Vec::new(), &mut paths);
        for (_, path) in paths {
            let path = absolute(path, &self.modules);
            self.source.paths.insert(path);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.note(words(path));
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, invocation: &'ast syn::Macro) {
        self.visit_path(&invocation.path);
        self.note_tokens(invocation.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        self.visit_path(attribute.path());
        if let Meta::List(list) = &attribute.meta {
            self.note_tokens(list.tokens.clone());
        }
    }
}

fn words(path: &syn::Path) -> Path {
    path.segments.iter().map(|segment| segment.ident.to_string()).collect()
}
