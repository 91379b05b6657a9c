//! Makefiles: what of one counts for the targets that are made.

use std::collections::BTreeSet;

/// Of a makefile, what making these targets may use: without the recipes of others. Where that is not plain, all of it.
pub(super) fn for_targets(text: &str, wanted: &BTreeSet<String>) -> String {
    let text = text.replace("\\\n", " ");
    let rules: Vec<(&str, &str)> = text.lines().filter_map(rule).collect();
    let mut needed = if wanted.is_empty() { first_of(&rules) } else { wanted.clone() };
    let mut open: Vec<String> = needed.iter().cloned().collect();
    let computes = ["include ", ".DEFAULT_GOAL", "$(eval", "${eval"].iter().any(|word| text.contains(word));
    let is_known =
        |wanted: &String| rules.iter().any(|(targets, _)| of(targets).any(|target| target == wanted));
    if computes || !wanted.iter().all(is_known) {
        return text;
    }
    while let Some(wanted) = open.pop() {
        for (targets, sources) in &rules {
            if of(targets).any(|target| target == wanted || target.contains(['%', '$'])) {
                if sources.contains('$') {
                    return text;
                }
                for source in of(sources).filter(|source| !needed.contains(*source)).collect::<Vec<_>>() {
                    needed.insert(source.to_owned());
                    open.push(source.to_owned());
                }
            }
        }
    }
    let mut is_needed = true;
    let mut kept = String::new();
    for line in text.lines() {
        if let Some((targets, _)) = rule(line) {
            is_needed = of(targets).any(|target| is_special(target) || needed.contains(target));
        }
        if is_needed || !line.starts_with('\t') {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// What make makes when it is told nothing.
fn first_of(rules: &[(&str, &str)]) -> BTreeSet<String> {
    let mut targets = rules.iter().flat_map(|(targets, _)| of(targets));
    targets.find(|target| !is_special(target)).map(str::to_owned).into_iter().collect()
}

fn of(words: &str) -> impl Iterator<Item = &str> {
    words.split_whitespace()
}

/// Whether a target may stand for others.
fn is_special(target: &str) -> bool {
    target.starts_with('.') || target.contains(['%', '$'])
}

/// The targets and the sources of a line that begins a rule.
fn rule(line: &str) -> Option<(&str, &str)> {
    let (targets, sources) = line.split_once(':')?;
    let is_other = line.starts_with(['\t', '#', ' ']) || targets.contains('=');
    let sources = sources.trim_start_matches(':').split([';', '#']).next().unwrap_or_default();
    (!is_other && !sources.starts_with('=')).then_some((targets.trim(), sources))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_target_needs_counts() {
        let text = "X = 1\n.PHONY: all test\nall: dep other.o\n\tone\ndep:\n\ttwo \\\n\t  more\ntest: dep\n\tthree\n%.o: %.c\n\tfour\n";
        let kept = |text: &str, targets: &[&str]| {
            let targets = targets.iter().map(|target| (*target).to_owned()).collect();
            let text = for_targets(text, &targets);
            ["one", "two", "three", "four"].map(|word| text.contains(word))
        };
        assert_eq!(kept(text, &[]), [true, true, false, true]);
        assert_eq!(kept(text, &["dep"]), [false, true, false, true]);
        assert_eq!(kept(text, &["test"]), [false, true, true, true]);
        // A target from elsewhere, files that are included, sources that are computed.
        assert_eq!(kept(text, &["other"]), [true; 4]);
        assert_eq!(kept(&format!("include x.mk\n{text}"), &["dep"]), [true; 4]);
        assert_eq!(kept(&format!("{text}dep: $(MORE)\n"), &["dep"]), [true; 4]);
    }
}
