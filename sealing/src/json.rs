//! Reading the JSON that tools for secrets write. A number is kept as it is written, and each name has the line it
//! stands in.
//!
//! - an object of names and values (`doppler secrets download`, AWS Secrets Manager, this project's own `export`);
//! - the same with objects that have their value under `computed` (`doppler secrets --json`);
//! - a list of objects with `key` and `value` (`infisical export --format json`, `bws secret list`);
//! - an object with such a list under `secrets` (what Bitwarden Secrets Manager's web vault exports).

use crate::{
    SecretValue,
    assignments::{Assignments, BadLineCause},
    dotenv::line_at,
};
use protocol::SecretName;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use std::fmt;
use zeroize::Zeroizing;

/// One of a list.
#[derive(Deserialize)]
struct Named<'a> {
    #[serde(alias = "name", alias = "secretKey")]
    key: String,
    #[serde(borrow, alias = "secretValue")]
    value: &'a RawValue,
}

/// What Doppler writes of one.
#[derive(Deserialize)]
struct Computed<'a> {
    #[serde(borrow)]
    computed: &'a RawValue,
}

/// An object's members, in their order.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// Reads a file that is an object or a list.
pub(crate) fn parse(bytes: &[u8]) -> Assignments {
    let mut read = Assignments::default();
    // The position alone: serde's own words may quote what it read.
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(bytes) {
        read.add(error.line(), Err(BadLineCause::NotJson));
        return read;
    }
    let line = |part: &RawValue| {
        // What is borrowed lies in what it was borrowed from.
        let before = part.get().as_ptr().addr().saturating_sub(bytes.as_ptr().addr());
        line_at(bytes.get(..before).unwrap_or_default())
    };
    let listed = |read: &mut Assignments, list: Vec<&RawValue>| {
        for one in list {
            let named = serde_json::from_str::<Named<'_>>(one.get());
            let assigned = named.map_err(|_| BadLineCause::NotNamed);
            read.add(line(one), assigned.and_then(|one| assignment(&one.key, one.value)));
        }
    };
    if let Ok(list) = serde_json::from_slice::<Vec<&RawValue>>(bytes) {
        listed(&mut read, list);
        return read;
    }
    let Ok(Members(members)) = serde_json::from_slice::<Members<'_>>(bytes) else { return read };
    let list = members.iter().find(|(name, _)| name == "secrets");
    if let Some(list) = list.and_then(|(_, list)| serde_json::from_str(list.get()).ok()) {
        listed(&mut read, list);
        return read;
    }
    for (name, value) in members {
        read.add(line(value), assignment(&name, value));
    }
    read
}

fn assignment(name: &str, value: &RawValue) -> Result<(SecretName, SecretValue), BadLineCause> {
    let name: SecretName = name.parse()?;
    let text = value.get();
    let text = match text.bytes().next() {
        Some(b'"') => serde_json::from_str::<String>(text).map_err(|_| BadLineCause::NotJson)?,
        Some(b'{') => {
            return match serde_json::from_str::<Computed<'_>>(text) {
                Ok(one) if !one.computed.get().starts_with('{') => assignment(name.as_str(), one.computed),
                _ => Err(BadLineCause::NotText(name)),
            };
        }
        Some(b'[' | b'n') | None => return Err(BadLineCause::NotText(name)),
        Some(_) => text.to_owned(),
    };
    let value = SecretValue::new(Zeroizing::new(text.into_bytes()))?;
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let read = parse(text.as_bytes());
        let good = read
            .assignments
            .iter()
            .map(|one| format!("{}: {}={}", one.line, one.name, String::from_utf8_lossy(one.value.expose())));
        good.chain(read.bad_lines.iter().map(ToString::to_string)).collect()
    }

    #[test]
    fn an_object_is_read_as_it_is_written_and_in_its_order() {
        assert_eq!(
            told(
                "{\"B\": 1.50, \"A\": \"x\\ny\",\n\"C\": true,\n\"my-key\": \"1\", \"D\": null, \"E\": [1],\n\"B\": 2}"
            ),
            [
                "1: A=x\ny",
                "2: C=true",
                "4: B=2",
                "line 3: a secret's name is a letter or `_`, then letters, digits or `_`, at most 128 in all",
                "line 3: D is neither a text, a number nor a boolean",
                "line 3: E is neither a text, a number nor a boolean",
            ]
        );
    }

    #[test]
    fn what_doppler_writes_is_read() {
        assert_eq!(told(r#"{"A":"1","DOPPLER_CONFIG":"dev"}"#), ["1: A=1", "1: DOPPLER_CONFIG=dev"]);
        assert_eq!(
            told(r#"{"A":{"computed":"a b","note":"","raw":"${B} b"},"B":{"computed":{"computed":"x"}}}"#),
            ["1: A=a b", "line 1: B is neither a text, a number nor a boolean"]
        );
    }

    #[test]
    fn what_infisical_writes_is_read() {
        let text = r#"[
            {"key": "A", "workspace": "w", "value": "1", "type": "shared", "_id": "i", "tags": [], "comment": "no"},
            {"secretKey": "B", "secretValue": "2"},
            {"workspace": "w"},
            3
        ]"#;
        assert_eq!(
            told(text),
            [
                "2: A=1",
                "3: B=2",
                "line 4: it has no `key` with a `value`",
                "line 5: it has no `key` with a `value`"
            ]
        );
    }

    #[test]
    fn what_bitwarden_secrets_manager_writes_is_read() {
        let one = r#"{"object":"secret","id":"i","organizationId":"o","projectId":"p","key":"A","value":"1","note":"n"}"#;
        assert_eq!(told(&format!("[{one}]")), ["1: A=1"]);
        assert_eq!(
            told(&format!(r#"{{"projects":[{{"id":"p","name":"shop"}}],"secrets":[{one}]}}"#)),
            ["1: A=1"]
        );
        // A variable may have that name, too.
        assert_eq!(told(r#"{"secrets": "1"}"#), ["1: secrets=1"]);
    }

    #[test]
    fn broken_json_is_named_by_its_line_and_not_quoted() {
        for text in ["{\"A\": \"s3cret\",\n\"B\": s3cret}", "[\n", "{}\n{}"] {
            assert_eq!(told(text), ["line 2: from here on it is no JSON"], "{text}");
        }
    }
}
