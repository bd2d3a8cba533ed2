//! The tables' own rules, and how broken tables are met.

use lupine_needs::{Tables, TablesError};

#[test]
fn every_entry_says_why() {
    let tables = Tables::builtin().unwrap();
    for (name, feature) in &tables.features {
        assert!(!feature.doc.is_empty(), "{name}");
        assert!(feature.options.iter().all(|s| !s.why.is_empty()), "{name}");
        assert!(
            !feature.options.is_empty() || !feature.needs.is_empty(),
            "{name}"
        );
    }
    for (name, application) in &tables.applications {
        assert!(
            application.needs.iter().all(|n| !n.why.is_empty()),
            "{name}"
        );
        assert!(!application.programs.is_empty(), "{name}");
        let mut features: Vec<&str> = application
            .needs
            .iter()
            .map(|n| n.feature.as_str())
            .collect();
        let count = features.len();
        features.sort_unstable();
        features.dedup();
        assert_eq!(features.len(), count, "{name} names a feature twice");
    }
}

#[test]
fn the_general_kernel_has_what_every_application_gets() {
    let tables = Tables::builtin().unwrap();
    for feature in &tables.common {
        assert!(tables.general.contains(feature), "{feature}");
    }
}

const APPLICATIONS: &str = "wrappers = []\n[application]\n";

#[test]
fn broken_tables_are_named() {
    let features = "general = []\ntop20 = []\ncommon = []\n[feature.a]\ndoc = \"d\"\n";
    assert!(Tables::parse(features, APPLICATIONS).is_ok());
    for (features, applications, message) in [
        (
            "general = 1\n",
            APPLICATIONS,
            "features.toml: TOML parse error at line 1, column 11",
        ),
        (
            "general = [\"b\"]\ntop20 = []\ncommon = []\n[feature]\n",
            APPLICATIONS,
            "features.toml: general: there is no feature \"b\" in features.toml",
        ),
        (
            "general = []\ntop20 = []\ncommon = []\n[feature.a]\ndoc = \"d\"\noptions = [{ option = \"X\", why = \"w\" }]\n",
            APPLICATIONS,
            "features.toml: feature \"a\": \"X\" is no kernel option",
        ),
        (
            features,
            "wrappers = []\n[application.x]\nprograms = [\"x\"]\nneeds = [{ feature = \"b\", why = \"w\" }]\n",
            "applications.toml: application \"x\": there is no feature \"b\" in features.toml",
        ),
        (
            features,
            "wrappers = []\n[application.x]\nprogram = [\"x\"]\n",
            "applications.toml: TOML parse error",
        ),
    ] {
        let error: TablesError = Tables::parse(features, applications).unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}");
    }
}
