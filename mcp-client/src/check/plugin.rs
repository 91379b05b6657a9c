//! Our plugin in Claude Code: whether this person has it switched on, and what its hooks run.

#![allow(clippy::indexing_slicing, reason = "a JSON value that lacks a field gives null, and never panics")]

use super::{
    machine::{AFTER, ANSWERS, BEFORE, GUARDED},
    settings,
};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The plugin's name; its id in the agent's files is this, `@`, and the marketplace that it came from.
const NAME: &str = "securecode";

/// The plugin, installed and switched on for every project, with the guard's hooks in it.
pub(super) struct Plugin {
    id: String,
    /// The command of the hook that is asked before a tool is used.
    pub(super) hook: String,
}

impl Plugin {
    /// The plugin of this machine's person, if it guards: one that is switched on for some projects only, or that
    /// lacks a hook, guards nothing that `check` could count on.
    pub(super) fn of_the_person() -> Option<Self> {
        let folder = settings::folder()?;
        let enabled = &file(&folder.join("settings.json"))["enabledPlugins"];
        let enabled = enabled.as_object()?.iter().filter(|(_, on)| **on == json!(true));
        enabled.map(|(id, _)| id).filter(|id| id.split('@').next() == Some(NAME)).find_map(|id| {
            let root = root(&folder.join("plugins"), id)?;
            let hooks = &file(&root.join("hooks").join("hooks.json"))["hooks"];
            guard(hooks, AFTER, ANSWERS)?;
            let hook = guard(hooks, BEFORE, GUARDED)?;
            let hook = hook.replace("${CLAUDE_PLUGIN_ROOT}", &root.to_string_lossy());
            Some(Self { id: id.clone(), hook })
        })
    }

    /// Whether settings that outrank the person's own switch it off.
    pub(super) fn is_switched_off(&self, settings: &Value) -> bool {
        settings["enabledPlugins"][&self.id] == json!(false)
    }
}

/// The folder that the agent reads a plugin from: the marketplace's own where that is a folder of this machine (seen
/// in 2.1.330), else its copy.
fn root(plugins: &Path, id: &str) -> Option<PathBuf> {
    let installed = file(&plugins.join("installed_plugins.json"));
    let copies = installed["plugins"][id].as_array()?;
    let copy = copies.iter().find(|copy| copy["scope"] == json!("user"))?["installPath"].as_str()?;
    let market = &file(&plugins.join("known_marketplaces.json"))[id.split('@').nth(1)?];
    if market["source"]["source"] != json!("directory") {
        return Some(copy.into());
    }
    let market = Path::new(market["installLocation"].as_str()?);
    let listed = file(&market.join(".claude-plugin").join("marketplace.json"));
    let listed = listed["plugins"].as_array()?.iter().find(|plugin| plugin["name"] == json!(NAME))?;
    Some(market.join(listed["source"].as_str()?))
}

/// The guard's command in the hooks of an event, if they have it for these tools.
fn guard<'a>(hooks: &'a Value, event: &str, tools: &str) -> Option<&'a str> {
    let entries = hooks[event].as_array()?.iter().filter(|entry| entry["matcher"] == json!(tools));
    let hooks = entries.flat_map(|entry| entry["hooks"].as_array().into_iter().flatten());
    hooks.filter_map(|hook| hook["command"].as_str()).find(|command| command.ends_with(" guard"))
}

fn file(path: &Path) -> Value {
    settings::read(&fs::read_to_string(path).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plugin_of_this_repository_has_the_guards_hooks_and_this_version() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugin");
        let hooks = file(&root.join("hooks/hooks.json"));
        assert!(guard(&hooks["hooks"], BEFORE, GUARDED).is_some(), "{hooks}");
        assert!(guard(&hooks["hooks"], AFTER, ANSWERS).is_some(), "{hooks}");
        let plugin = file(&root.join(".claude-plugin/plugin.json"));
        assert_eq!((&plugin["name"], &plugin["version"]), (&json!(NAME), &json!(env!("CARGO_PKG_VERSION"))));
    }
}
