//! Changes of single secrets, as a person's command or an agent's tool asks for them.

use crate::{
    environment::{Client, Draft},
    error::{Error, Kind, Result},
    names,
};
use protocol::{Resource, SecretName, Tag, body::Usage};
use sealing::{Meta, SecretValue};

/// Puts a secret; whether it is new. Without tags, those that it has stay. `may_replace` says no to what is there.
///
/// # Errors
/// When the name is refused, the value is longer than the plan takes, it is there and may not be replaced, or the vault's
/// refusal.
pub fn put(
    client: &Client,
    name: &SecretName,
    tags: &[Tag],
    value: &SecretValue,
    may_replace: bool,
) -> Result<bool> {
    names::check(name)?;
    // The plans take at least this much; for more it has to be asked.
    if value.expose().len() > 65536 {
        let longest = longest_value(&client.remote().get("/v1/usage")?);
        let length = value.expose().len() as u64;
        if length > longest {
            return Err(Error::new(
                Kind::Quota,
                format!(
                    "nothing was stored: {name} is {length} bytes long, and the plan takes at most {longest}"
                ),
                "give a shorter value, or change the plan",
            ));
        }
    }
    let stored = client.change(|environment, contents| {
        let known = contents.secrets.iter().find(|secret| secret.name == *name);
        if known.is_some() && !may_replace {
            return Err(Error::local(
                format!("{name} is there already, and was left as it is"),
                "choose another name, or say that it is to be replaced",
            ));
        }
        let is_new = known.is_none();
        let meta = match known {
            Some(known) if tags.is_empty() => known.meta.clone(),
            Some(known) => meta(tags.to_vec(), known.meta.note())?,
            None => meta(tags.to_vec(), "")?,
        };
        let mut draft = Draft::new(contents);
        draft.put(environment, name, &meta, value)?;
        Ok(Some((draft, is_new)))
    })?;
    Ok(stored.unwrap_or(false))
}

/// Deletes a secret: into the bin, for 30 days.
///
/// # Errors
/// When there is none of that name, or the vault's refusal.
pub fn remove(client: &Client, name: &SecretName) -> Result<()> {
    let removed = client.change(|environment, contents| {
        if !contents.secrets.iter().any(|secret| secret.name == *name) {
            return Ok(None);
        }
        let mut draft = Draft::new(contents);
        draft.delete(environment, name);
        Ok(Some((draft, ())))
    })?;
    removed.ok_or_else(|| Error::absent(name))
}

/// A value that nobody chose.
///
/// # Errors
/// When it is to be shorter than 8 or longer than 4096.
pub fn generate(length: usize) -> Result<SecretValue> {
    SecretValue::generate(length)?.ok_or_else(|| {
        Error::local("a generated value has 8 to 4096 characters", "give a length in between, or none for 32")
    })
}

/// Tags and a note.
///
/// # Errors
/// When there are too many.
pub fn meta(tags: Vec<Tag>, note: &str) -> Result<Meta> {
    Meta::new(tags, note.to_owned()).ok_or_else(|| Error::local("a secret has at most 16 tags", "give fewer"))
}

/// The most bytes that the plan takes for one value.
pub fn longest_value(usage: &Usage) -> u64 {
    let limit = usage.limits.iter().find(|limit| limit.resource == Resource::ValueBytes);
    limit.map_or(u64::MAX, |limit| limit.allowed)
}

/// Which values are too ordinary to be masked wherever they are printed; in words, if there are any.
pub fn weak<'a>(secrets: impl IntoIterator<Item = (&'a SecretName, &'a SecretValue)>) -> Option<String> {
    let weak = secrets.into_iter().filter(|(_, value)| masker::is_weak(value.expose()));
    let names: Vec<&str> = weak.map(|(name, _)| name.as_str()).collect();
    let told =
        || format!("short, one word or a number, so masked only as a whole word: {}", names.join(", "));
    (!names.is_empty()).then(told)
}
