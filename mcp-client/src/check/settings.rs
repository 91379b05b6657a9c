//! JSON files of other programs, edited so that everything else in them stays: order, comments, spaces.

use crate::error::{Error, Result};
use jsonc_parser::{
    ParseOptions,
    cst::{CstArray, CstInputValue, CstObject, CstRootNode},
};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The text with everything of `wanted` in it: objects are merged, arrays gain what they lack, other values are
/// set, and `null` takes out. What `outdated` says of an array's element is taken out.
///
/// # Errors
/// When the file is no JSON object.
pub fn ensure(path: &Path, text: &str, wanted: &Value, outdated: &dyn Fn(&Value) -> bool) -> Result<String> {
    let wrong =
        || Error::local(format!("{} is not a JSON object", path.display()), "mend it; it is left as it is");
    let text = if text.trim().is_empty() { "{}\n" } else { text };
    let root = CstRootNode::parse(text, &ParseOptions::default()).map_err(|_| wrong())?;
    let object = root.object_value().ok_or_else(wrong)?;
    merge(&object, wanted, outdated);
    let mut merged = root.to_string();
    // What has everything is left as it is, to the last byte.
    if merged != text && !merged.ends_with('\n') {
        merged.push('\n');
    }
    Ok(merged)
}

/// Where the agent keeps this person's settings; nothing where there is no home.
pub fn folder() -> Option<PathBuf> {
    std::env::var_os("CLAUDE_CONFIG_DIR")
        .map(PathBuf::from)
        .or_else(|| Some(std::env::home_dir()?.join(".claude")))
}

/// A file's content as a value; an empty object where it is none.
pub fn read(text: &str) -> Value {
    let parsed = CstRootNode::parse(text, &ParseOptions::default()).ok();
    parsed.and_then(|root| root.to_serde_value()).unwrap_or_else(|| Value::Object(serde_json::Map::new()))
}

fn merge(object: &CstObject, wanted: &Value, outdated: &dyn Fn(&Value) -> bool) {
    for (name, wanted) in wanted.as_object().into_iter().flatten() {
        match wanted {
            // Nothing is made where something is only to be taken out.
            Value::Object(fields) if fields.values().all(Value::is_null) && object.get(name).is_none() => {}
            Value::Object(_) => merge(&object.object_value_or_set(name), wanted, outdated),
            Value::Array(items) => extend(&object.array_value_or_set(name), items, outdated),
            Value::Null => {
                if let Some(property) = object.get(name) {
                    property.remove();
                }
            }
            wanted => match object.get(name) {
                Some(property) => {
                    if property.value().and_then(|value| value.to_serde_value()).as_ref() != Some(wanted) {
                        property.set_value(input(wanted));
                    }
                }
                None => drop(object.append(name, input(wanted))),
            },
        }
    }
}

fn extend(array: &CstArray, wanted: &[Value], outdated: &dyn Fn(&Value) -> bool) {
    for element in array.elements() {
        let value = element.to_serde_value().unwrap_or(Value::Null);
        if outdated(&value) && !wanted.contains(&value) {
            element.remove();
        }
    }
    for item in wanted {
        let there = array.elements().iter().any(|element| element.to_serde_value().as_ref() == Some(item));
        if !there {
            array.ensure_multiline();
            array.append(input(item));
        }
    }
}

fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(value) => CstInputValue::Bool(*value),
        Value::Number(value) => CstInputValue::Number(value.to_string()),
        Value::String(value) => CstInputValue::String(value.clone()),
        Value::Array(items) => CstInputValue::Array(items.iter().map(input).collect()),
        Value::Object(fields) => {
            CstInputValue::Object(fields.iter().map(|(name, value)| (name.clone(), input(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_there_stays() {
        let text = "{\n  // mine\n  \"model\": \"x\",\n  \"permissions\": { \"deny\": [\"Read(a)\"], \"allow\": [] }\n}\n";
        let wanted = json!({ "permissions": { "deny": ["Read(a)", "Read(.env)"] }, "env": { "A": "1" } });
        let once = ensure(Path::new("f"), text, &wanted, &|_| false).unwrap();
        assert!(
            once.contains("// mine") && once.contains("\"model\": \"x\"") && once.contains("\"allow\": []"),
            "{once}"
        );
        assert_eq!(read(&once)["permissions"]["deny"], json!(["Read(a)", "Read(.env)"]));
        assert_eq!(
            ensure(Path::new("f"), &once, &wanted, &|_| false).unwrap(),
            once,
            "a second time changes nothing"
        );
        assert!(ensure(Path::new("f"), "[1]", &wanted, &|_| false).is_err());
        assert!(ensure(Path::new("f"), "{ broken", &wanted, &|_| false).is_err());
    }
}
