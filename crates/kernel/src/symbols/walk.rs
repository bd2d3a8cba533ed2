//! From the parser's tree to a flat table: every enclosing condition becomes a dependency.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use lupine_kconfig::{Default as DefaultValue, Definition, Kind, Selector, Symbols};
use nom_kconfig::attribute::depends_on::DependsOn;
use nom_kconfig::attribute::r#type::{ConfigType, Type};
use nom_kconfig::{Attribute, Entry, Kconfig};

/// What encloses an entry.
#[derive(Clone, Default)]
struct Scope {
    file: String,
    /// Conditions of `if`, menu and choice, outermost first.
    depends: Vec<String>,
    /// Conditions of `visible if`.
    visible: Vec<String>,
    /// Members of the enclosing choice.
    choice: Vec<String>,
}

struct Walk<'a> {
    root: &'a Path,
    symbols: Symbols,
    /// Lines of `config NAME` by file.
    lines: BTreeMap<String, HashMap<String, u32>>,
}

/// All symbols of a parsed tree of files below `root`.
pub(super) fn collect(root: &Path, kconfig: &Kconfig) -> Symbols {
    let mut walk = Walk {
        root,
        symbols: Symbols::default(),
        lines: BTreeMap::new(),
    };
    let scope = Scope {
        file: walk.name_of(&kconfig.file),
        ..Scope::default()
    };
    walk.entries(&kconfig.entries, &scope);
    walk.symbols
}

impl Walk<'_> {
    fn name_of(&self, file: &str) -> String {
        let path = PathBuf::from(file);
        path.strip_prefix(self.root)
            .unwrap_or(&path)
            .to_string_lossy()
            .into_owned()
    }

    fn entries(&mut self, entries: &[Entry], scope: &Scope) {
        for entry in entries {
            self.entry(entry, scope);
        }
    }

    fn entry(&mut self, entry: &Entry, scope: &Scope) {
        match entry {
            Entry::Config(config) => self.config(&config.symbol, &config.attributes, scope),
            Entry::MenuConfig(config) => self.config(&config.symbol, &config.attributes, scope),
            Entry::Menu(menu) => {
                let mut inner = scope.clone();
                inner.depends.extend(menu.depends_on.iter().map(depends));
                let visible = menu.visible.iter().flatten();
                inner.visible.extend(visible.map(|e| e.to_string()));
                self.entries(&menu.entries, &inner);
            }
            Entry::If(block) => {
                let mut inner = scope.clone();
                inner.depends.push(block.condition.to_string());
                self.entries(&block.entries, &inner);
            }
            Entry::Choice(choice) => {
                let mut inner = scope.clone();
                inner
                    .depends
                    .extend(choice.options.iter().filter_map(|a| match a {
                        Attribute::DependsOn(on) => Some(depends(on)),
                        _ => None,
                    }));
                inner.choice = choice.entries.iter().filter_map(member).collect();
                self.entries(&choice.entries, &inner);
            }
            Entry::Source(source) => {
                for kconfig in &source.kconfigs {
                    let inner = Scope {
                        file: self.name_of(&kconfig.file),
                        ..scope.clone()
                    };
                    self.entries(&kconfig.entries, &inner);
                }
            }
            _ => {}
        }
    }

    fn config(&mut self, name: &str, attributes: &[Attribute], scope: &Scope) {
        let name = name.trim();
        let mut definition = Definition {
            file: scope.file.clone(),
            line: self.line(&scope.file, name),
            depends: scope.depends.clone(),
            ..Definition::default()
        };
        let mut prompt_if = scope.visible.clone();
        let mut kind = None;
        for attribute in attributes {
            match attribute {
                Attribute::DependsOn(on) => definition.depends.push(depends(on)),
                Attribute::Prompt(prompt) => {
                    definition.prompt = Some(prompt.prompt.clone());
                    prompt_if.extend(prompt.r#if.iter().map(|e| e.to_string()));
                }
                Attribute::Default(default) => definition.defaults.push(DefaultValue {
                    value: default.expression.to_string(),
                    condition: default.r#if.as_ref().map(|e| e.to_string()),
                }),
                Attribute::Type(of) => kind = Some(typed(of, &mut definition, &mut prompt_if)),
                Attribute::Select(_) | Attribute::Imply(_) => self.forces(name, attribute),
                _ => {}
            }
        }
        definition.prompt_if = all_of(&prompt_if).filter(|_| definition.prompt.is_some());
        let choice = scope.choice.clone();
        let symbol = self.symbol(name);
        symbol.kind = kind.unwrap_or(symbol.kind);
        if !choice.is_empty() {
            symbol.choice = choice;
        }
        symbol.definitions.push(definition);
    }

    /// Records `select` and `imply` with the symbol that they turn on.
    fn forces(&mut self, by: &str, attribute: &Attribute) {
        match attribute {
            Attribute::Select(select) => {
                let selector = selector(by, select.r#if.as_ref().map(|e| e.to_string()));
                let symbol = self.symbol(select.symbol.trim());
                symbol.selected_by.push(selector);
            }
            Attribute::Imply(imply) => {
                let selector = selector(by, imply.r#if.as_ref().map(|e| e.to_string()));
                let symbol = self.symbol(&imply.symbol.to_string());
                symbol.implied_by.push(selector);
            }
            _ => {}
        }
    }

    fn symbol(&mut self, name: &str) -> &mut lupine_kconfig::Symbol {
        self.symbols.symbols.entry(name.to_owned()).or_default()
    }

    /// The parser keeps no positions: the line is looked up in the file.
    fn line(&mut self, file: &str, name: &str) -> Option<u32> {
        let path = self.root.join(file);
        let lines = self
            .lines
            .entry(file.to_owned())
            .or_insert_with(|| lines_of(&path));
        lines.get(name).copied()
    }
}

fn lines_of(path: &Path) -> HashMap<String, u32> {
    let text = fs::read(path).unwrap_or_default();
    let mut lines = HashMap::new();
    for (number, line) in (1..).zip(String::from_utf8_lossy(&text).lines()) {
        let mut words = line.split_whitespace();
        if let (Some("config" | "menuconfig"), Some(name)) = (words.next(), words.next()) {
            lines.entry(name.to_owned()).or_insert(number);
        }
    }
    lines
}

fn member(entry: &Entry) -> Option<String> {
    match entry {
        Entry::Config(config) => Some(config.symbol.trim().to_owned()),
        Entry::MenuConfig(config) => Some(config.symbol.trim().to_owned()),
        _ => None,
    }
}

fn depends(on: &DependsOn) -> String {
    match &on.r#if {
        // `depends on A if B` holds where B does not.
        Some(condition) => format!("{} || !({condition})", on.expression),
        None => on.expression.to_string(),
    }
}

fn selector(by: &str, condition: Option<String>) -> Selector {
    Selector {
        by: by.to_owned(),
        condition,
    }
}

/// A type line may carry a prompt (`bool "..." if X`) or a default (`def_bool y if X`).
fn typed(of: &ConfigType, definition: &mut Definition, prompt_if: &mut Vec<String>) -> Kind {
    let condition = of.r#if.as_ref().map(|e| e.to_string());
    let (kind, prompt, default) = match &of.r#type {
        Type::Bool(prompt) => (Kind::Bool, prompt.clone(), None),
        Type::Tristate(prompt) => (Kind::Tristate, prompt.clone(), None),
        Type::String(prompt) => (Kind::String, prompt.clone(), None),
        Type::Hex(prompt) => (Kind::Hex, prompt.clone(), None),
        Type::Int(prompt) => (Kind::Int, prompt.clone(), None),
        Type::DefBool(value) => (Kind::Bool, None, Some(value.to_string())),
        Type::DefTristate(value) => (Kind::Tristate, None, Some(value.to_string())),
        // Not in the kernel's own dialect.
        _ => (Kind::String, None, None),
    };
    if let Some(prompt) = prompt {
        definition.prompt = Some(prompt);
        prompt_if.extend(condition.clone());
    }
    if let Some(value) = default {
        definition.defaults.push(DefaultValue { value, condition });
    }
    kind
}

/// One expression that holds when all of these hold.
fn all_of(conditions: &[String]) -> Option<String> {
    match conditions {
        [] => None,
        [one] => Some(one.clone()),
        many => Some(
            many.iter()
                .map(|c| format!("({c})"))
                .collect::<Vec<_>>()
                .join(" && "),
        ),
    }
}
