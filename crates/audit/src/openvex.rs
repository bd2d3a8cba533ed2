//! Findings as an OpenVEX 0.2.0 document.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{Finding, Verdict};

/// The kernel that statements are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Its version, for example `6.12.117`.
    pub version: String,
    /// sha256 of its `vmlinux`, 64 hexadecimal digits.
    pub sha256: String,
}

impl Product {
    /// Its package URL.
    fn purl(&self) -> String {
        format!(
            "pkg:generic/linux@{}?checksum=sha256:{}",
            self.version, self.sha256
        )
    }

    fn to_json(&self) -> Value {
        let purl = self.purl();
        json!({
            "@id": purl,
            "identifiers": { "purl": purl },
            "hashes": { "sha-256": self.sha256 },
        })
    }
}

/// The document: a statement for each finding, in their order. `author` is who vouches for it,
/// `tool` the program that made it, `timestamp` in RFC 3339.
pub fn openvex(
    findings: &[Finding],
    product: &Product,
    author: &str,
    tool: &str,
    timestamp: &str,
) -> Value {
    let statements: Vec<Value> = findings.iter().map(|f| statement(f, product)).collect();
    let mut document = json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "author": author,
        "timestamp": timestamp,
        "version": 1,
        "tooling": tool,
        "statements": statements,
    });
    // Documents in OpenVEX' public name space are named after their content.
    let digest = Sha256::digest(document.to_string());
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    document["@id"] = json!(format!("https://openvex.dev/docs/public/vex-{digest}"));
    document
}

fn statement(finding: &Finding, product: &Product) -> Value {
    let (status, field) = match finding.verdict {
        Verdict::Affected => ("affected", "status_notes"),
        Verdict::Unknown => ("under_investigation", "status_notes"),
        Verdict::NotCompiled | Verdict::NotInVersion => ("not_affected", "impact_statement"),
    };
    let mut statement = json!({
        "vulnerability": { "name": finding.id },
        "products": [product.to_json()],
        "status": status,
    });
    statement[field] = json!(finding.why);
    match finding.verdict {
        Verdict::Affected => {
            statement["action_statement"] = json!(
                "build from a version with the fix, or without the option behind these files"
            );
        }
        Verdict::NotCompiled | Verdict::NotInVersion => {
            statement["justification"] = json!("vulnerable_code_not_present");
        }
        Verdict::Unknown => {}
    }
    statement
}

#[cfg(test)]
mod tests;
