//! Which fragments make up the request for one kernel.

use lupine_kconfig::{Fragment, Layer, Value};
use lupine_needs::{Need, Needs};

use crate::{Data, KernelError};

/// The only architecture so far.
const ARCH: &str = "x86_64";

/// All fragments in the order of merging: base, architecture, VMM, one for each need,
/// features of the whole kernel (`tiny`, `smp`, `debug`), what a person asked for.
///
/// # Errors
/// An unknown VMM or feature; a fragment that cannot be read; a need whose option or
/// value is none.
pub fn fragments(
    data: &Data,
    needs: &Needs,
    vmm: &str,
    features: &[String],
    user: &[(String, Value)],
) -> Result<Vec<Fragment>, KernelError> {
    let mut all = vec![
        required(data, "base", Layer::Base)?,
        required(data, &format!("arch/{ARCH}"), Layer::Arch)?,
    ];
    let vmm_fragment = data.fragment(&format!("vmm/{vmm}"), Layer::Vmm)?;
    all.push(vmm_fragment.ok_or_else(|| KernelError::UnknownVmm {
        name: vmm.into(),
        known: data.fragment_names("vmm"),
    })?);
    for need in needs.built() {
        all.push(of_need(need)?);
    }
    for feature in features {
        let fragment = data.fragment(&format!("feature/{feature}"), Layer::Feature)?;
        all.push(fragment.ok_or_else(|| KernelError::UnknownFeature {
            name: feature.clone(),
            known: data.fragment_names("feature"),
        })?);
    }
    if !user.is_empty() {
        all.push(Fragment::from_user(user));
    }
    Ok(all)
}

fn required(data: &Data, path: &str, layer: Layer) -> Result<Fragment, KernelError> {
    data.fragment(path, layer)?
        .ok_or_else(|| KernelError::Data {
            file: format!("config/{path}.config"),
            why: "missing".into(),
        })
}

/// A need's options; each line's reason is the table's, then the evidence for the need.
fn of_need(need: &Need) -> Result<Fragment, KernelError> {
    let evidence: Vec<&str> = need.evidence.iter().map(|e| e.text.as_str()).collect();
    let evidence = evidence.join("; ");
    let mut settings = Vec::new();
    for setting in &need.options {
        let value = setting
            .value
            .parse::<Value>()
            .map_err(|error| KernelError::Data {
                file: "features.toml".into(),
                why: format!("{} of feature {}: {error}", setting.option, need.feature),
            })?;
        settings.push((
            setting.option.as_str(),
            value,
            format!("{}; {evidence}", setting.why),
        ));
    }
    let lines = settings
        .iter()
        .map(|(option, value, why)| (*option, value.clone(), why.as_str()));
    Ok(Fragment::from_settings(
        &format!("need {}", need.feature),
        Layer::Need,
        lines,
    ))
}

#[cfg(test)]
mod tests {
    use lupine_needs::{Evidence, Setting, Source, State};

    use super::*;

    fn epoll() -> Needs {
        let setting = Setting {
            option: "CONFIG_EPOLL".into(),
            value: "y".into(),
            why: "epoll_create1".into(),
        };
        let evidence = Evidence {
            source: Source::Table,
            text: "redis-server uses it".into(),
        };
        let need = Need {
            feature: "epoll".into(),
            options: vec![setting],
            state: State::Required,
            evidence: vec![evidence],
        };
        Needs {
            needs: vec![need],
            ..Needs::default()
        }
    }

    #[test]
    fn a_needs_evidence_becomes_the_reason() {
        let data = Data::builtin().unwrap();
        let user = [("CONFIG_X".to_owned(), Value::Yes)];
        let all = fragments(&data, &epoll(), "qemu", &["tiny".into()], &user).unwrap();
        let layers: Vec<Layer> = all.iter().map(|f| f.layer).collect();
        assert!(layers.is_sorted());
        let need = all.iter().find(|f| f.layer == Layer::Need).unwrap();
        assert_eq!(need.lines[0].why, "epoll_create1; redis-server uses it");
    }

    #[test]
    fn unknown_names_list_the_known_ones() {
        let data = Data::builtin().unwrap();
        let error = fragments(&data, &Needs::default(), "vmware", &[], &[]).unwrap_err();
        let help = miette::Diagnostic::help(&error).unwrap().to_string();
        assert!(help.contains("qemu"), "{help}");
        let error = fragments(&data, &Needs::default(), "qemu", &["huge".into()], &[]).unwrap_err();
        assert!(error.to_string().contains("huge"), "{error}");
    }

    #[test]
    fn every_combination_of_the_embedded_data_merges() {
        let data = Data::builtin().unwrap();
        for vmm in data.fragment_names("vmm") {
            for feature in data.fragment_names("feature") {
                let all = fragments(&data, &epoll(), &vmm, &[feature], &[]).unwrap();
                lupine_kconfig::merge(&all).unwrap();
            }
        }
    }
}
