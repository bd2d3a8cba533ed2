//! From facts to needs.

use std::collections::{BTreeMap, BTreeSet};

use crate::subject::{Machine, Profile, Subject};
use crate::tables::{Application, Tables};
use crate::{Evidence, Need, Needs, Source, State};

/// What `subject` needs on `machine`.
///
/// An application that the tables do not know gets the general kernel's features, and the
/// evidence says so. The result depends on nothing but the arguments, and neither does its order.
pub fn derive(tables: &Tables, subject: &Subject, machine: &Machine, profile: Profile) -> Needs {
    let mut found = Found {
        tables,
        needs: BTreeMap::new(),
    };
    let mut mem_mib = None;
    found.machine(machine);
    if profile != Profile::Base {
        let known = matched(tables, subject);
        mem_mib = known.iter().filter_map(|(_, a, _)| a.mem_mib).max();
        found.image(subject, machine);
        match profile {
            Profile::General => found.general("the general profile has it"),
            Profile::Top20 => {
                found.assumed(&tables.top20, "one of the twenty applications keeps it")
            }
            _ if subject.learned.is_some() => {}
            _ if known.is_empty() => found.general(&unknown(subject)),
            _ => known.iter().for_each(|(name, application, program)| {
                found.application(name, application, program);
            }),
        }
    }
    let learned = subject.learned.as_ref().filter(|_| profile == Profile::App);
    if learned.is_some_and(|learned| !learned.minimized) {
        found.common();
    }
    let mut needs = found.finish();
    if let Some(learned) = learned {
        for need in &learned.needs {
            merge(&mut needs, need);
        }
        needs.sort_by(|a, b| a.feature.cmp(&b.feature));
    }
    Needs { needs, mem_mib }
}

/// Adds a need, or makes the one of this feature as sure as the surer of both. What the
/// application was seen to work without is no more than optional, whoever uses it.
fn merge(needs: &mut Vec<Need>, need: &Need) {
    let Some(known) = needs.iter_mut().find(|n| n.feature == need.feature) else {
        needs.push(need.clone());
        return;
    };
    known.state = match (known.state, need.state) {
        (State::Used, State::Optional) => State::Optional,
        (one, other) => one.min(other),
    };
    let new = need.evidence.iter();
    let new: Vec<Evidence> = new
        .filter(|e| !known.evidence.contains(e))
        .cloned()
        .collect();
    known.evidence.extend(new);
    known.evidence.sort();
    for setting in &need.options {
        if !known.options.iter().any(|s| s.option == setting.option) {
            known.options.push(setting.clone());
        }
    }
}

fn unknown(subject: &Subject) -> String {
    let program = subject
        .argv
        .first()
        .map_or("the image's program", |p| base_name(p));
    format!("no entry for {program} in applications.toml: the general kernel")
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether the subject uses a network, where the tables can tell: a known application that
/// needs no sockets in an image that exposes no port does not. `None`: nobody knows.
pub fn uses_network(tables: &Tables, subject: &Subject) -> Option<bool> {
    if !subject.ports.is_empty() {
        return Some(true);
    }
    if let Some(learned) = &subject.learned {
        let inet = |need: &Need| need.options.iter().any(|s| s.option == "CONFIG_INET");
        return Some(
            learned
                .needs
                .iter()
                .any(|need| need.state.is_built() && inet(need)),
        );
    }
    let known = matched(tables, subject);
    let sockets = |a: &Application| a.needs.iter().any(|n| n.feature == "inet");
    (!known.is_empty()).then(|| known.iter().any(|(_, application, _)| sockets(application)))
}

/// The applications that are called by the subject, each with the program that gave it away.
fn matched<'t>(tables: &'t Tables, subject: &Subject) -> Vec<(&'t str, &'t Application, String)> {
    let own = own_names(subject);
    let started = started_names(tables, subject, &own);
    let application = |(name, application): (&'t String, &'t Application)| {
        // A word such as `hello` among the arguments is too weak a sign for a kernel with nothing.
        let weak = application.needs.is_empty();
        let started = started.iter().filter(|_| !weak);
        let program = own
            .iter()
            .chain(started)
            .find(|n| application.is_called(n))?;
        Some((name.as_str(), application, (*program).to_owned()))
    };
    tables.applications.iter().filter_map(application).collect()
}

/// Base names of what was asked for and of everything in the exec chain.
fn own_names(subject: &Subject) -> Vec<&str> {
    let chain = subject.chain.iter().map(String::as_str);
    let asked = subject.argv.first().map(String::as_str);
    let names = asked.into_iter().chain(chain).map(base_name);
    names.filter(|name| !name.is_empty()).collect()
}

/// Base names of the arguments that a script or a wrapper may start; what is given to a shell
/// by `-c` is split into words.
fn started_names<'s>(tables: &Tables, subject: &'s Subject, own: &[&str]) -> Vec<&'s str> {
    let wraps = |name: &&str| tables.wrappers.iter().any(|w| w == name);
    if !subject.script && !own.iter().any(wraps) {
        return Vec::new();
    }
    let mut names: Vec<&str> = Vec::new();
    let mut command = false;
    for argument in subject.argv.iter().skip(1) {
        if argument.starts_with('-') {
            command = argument.ends_with('c') && !argument.starts_with("--");
        } else if command {
            let words = argument.split([' ', '\t', '\n', ';', '&', '|', '(', ')', '"', '\'']);
            names.extend(words.map(base_name));
            command = false;
        } else {
            names.push(base_name(argument));
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

struct Found<'t> {
    tables: &'t Tables,
    needs: BTreeMap<String, (State, BTreeSet<Evidence>)>,
}

impl Found<'_> {
    fn add(&mut self, feature: &str, state: State, source: Source, text: impl Into<String>) {
        let text = text.into();
        let entry = self.needs.entry(feature.to_owned());
        let is_new = matches!(entry, std::collections::btree_map::Entry::Vacant(_));
        let need = entry.or_insert_with(|| (state, BTreeSet::new()));
        let surer = state < need.0;
        need.0 = need.0.min(state);
        need.1.insert(Evidence { source, text });
        // What a feature needs is as sure as the feature: tell it when that changes.
        if is_new || surer {
            let tables = self.tables;
            let needs = tables.features.get(feature).map(|f| f.needs.as_slice());
            for needed in needs.unwrap_or_default() {
                self.add(
                    needed,
                    state,
                    Source::Table,
                    format!("the feature {feature} needs it"),
                );
            }
        }
    }

    fn machine(&mut self, machine: &Machine) {
        let (declared, source) = (State::Declared, Source::Machine);
        let fs = &machine.fs;
        let root = if fs == "cpio" { "initrd" } else { fs };
        self.add(
            root,
            declared,
            source,
            format!("the root file system is {fs}"),
        );
        if matches!(root, "erofs" | "squashfs") {
            let text = format!("{fs} cannot be written: a tmpfs lies over it");
            self.add("overlay", declared, source, text);
        }
        if machine.network {
            self.add("net", declared, source, "the machine has a network card");
        }
        if machine.volumes {
            self.add(
                "9p",
                declared,
                source,
                "directories of the host are mounted",
            );
        }
        if machine.cpus > 1 {
            let text = format!("the machine has {} processors", machine.cpus);
            self.add("smp", declared, source, text);
        }
        if machine.terminal {
            self.add(
                "terminal",
                declared,
                source,
                "the application gets a terminal",
            );
        }
    }

    fn image(&mut self, subject: &Subject, machine: &Machine) {
        let (declared, source) = (State::Declared, Source::Image);
        for port in &subject.ports {
            let kind = if port.udp { "udp" } else { "tcp" };
            let text = format!("the image exposes port {}/{kind}", port.number);
            // Without a card the ports can still be reached over loopback in the guest.
            self.add(
                if machine.network { "net" } else { "inet" },
                declared,
                source,
                text,
            );
        }
        let user = subject.user.split(':').next().unwrap_or_default();
        if !matches!(user, "" | "root" | "0") {
            let text = format!("the image runs as user {:?}", subject.user);
            self.add("multiuser", declared, source, text);
        }
        if subject.script {
            let script = subject.chain.first().map_or("its program", String::as_str);
            let text = format!("{script} is a script, or a shell that starts scripts");
            self.add("binfmt-script", declared, source, text);
        }
        if let Some(linker) = &subject.linker {
            let text = format!("linked with {linker}, whose C library locks with futexes");
            self.add("futex", State::Required, source, text);
            let text = format!("linked with {linker}, whose C library registers it at start");
            self.add("rseq", State::Used, source, text);
        }
    }

    fn general(&mut self, text: &str) {
        self.assumed(&self.tables.general, text);
    }

    fn assumed(&mut self, features: &[String], text: &str) {
        for feature in features {
            self.add(feature, State::Assumed, Source::Table, text);
        }
    }

    fn application(&mut self, name: &str, application: &Application, program: &str) {
        for need in &application.needs {
            let state = if need.optional {
                State::Used
            } else {
                State::Required
            };
            let text = format!("{program} is {name}: {}", need.why);
            self.add(&need.feature, state, Source::Table, text);
        }
        if !application.needs.is_empty() {
            self.common();
        }
    }

    /// What is not known to be needed, but makes kernels of different applications share objects.
    fn common(&mut self) {
        let text = "most applications use it: kernels that agree on it share their objects";
        for feature in &self.tables.common {
            if !self.needs.contains_key(feature) {
                self.add(feature, State::Shared, Source::Table, text);
            }
        }
    }

    fn finish(self) -> Vec<Need> {
        let tables = self.tables;
        let need = |(feature, (state, evidence)): (String, (State, BTreeSet<Evidence>))| Need {
            options: tables
                .features
                .get(&feature)
                .map(|f| f.options.clone())
                .unwrap_or_default(),
            feature,
            state,
            evidence: evidence.into_iter().collect(),
        };
        self.needs.into_iter().map(need).collect()
    }
}

#[cfg(test)]
mod tests;
