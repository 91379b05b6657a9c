//! A new environment key: everything in the environment is sealed anew, and then it turns to the new key at once.

use super::{Owner, now};
use crate::{
    audit::memory,
    environment::{Client, Environment},
    error::Result,
    pins,
};
use protocol::{
    Code, KeyId, SecretId,
    body::{
        FinishRotation, KeyEntry, KeyGrant, NewRotation, Page, Pending, Resealed, Rotation, SealedSecret,
        Versioned, Written,
    },
};
use sealing::{EnvironmentKey, EnvironmentNames, EnvironmentRecord, KeyStatus, Manifest, Place, TrustError};
use std::collections::BTreeMap;

/// Bytes of sealed items that are sent at once: as base64url in JSON they stay below the vault's megabyte.
const ROUND: usize = 512 * 1024;

impl Owner {
    /// Gives an environment a new key. `progress` is told how many of how many items are sealed anew. What an
    /// interrupted attempt has done is not done again.
    ///
    /// # Errors
    /// The refusal, or that the vault's answer is not trusted. The environment is readable under its old key then.
    pub fn rotate_environment(
        &mut self,
        record: &EnvironmentRecord,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<()> {
        let place = Place { account: self.key.account(), project: record.project, environment: record.id };
        let generation = record.generation.saturating_add(1);
        let mut opened = self.environment_keys(std::slice::from_ref(record))?;
        let (_, old, names) = opened.pop().ok_or(TrustError::Missing)?;
        let path = format!("/v1/environments/{}/rotation", record.id);
        let fresh = EnvironmentKey::make(place)?;
        let wrapped = self.key.wrap_environment_key(&place, generation, &fresh, &names)?;
        let begun: Rotation = self.remote.put(&path, &NewRotation { generation, key: wrapped })?;
        // The key of whoever began: this command, or one that was interrupted.
        let (new, new_names) = self.key.unwrap_environment_key(&place, generation, &begun.key)?;
        if (begun.generation, &new_names) != (generation, &names) {
            return Err(TrustError::NotCurrent.into());
        }
        let environment = Environment::new(old.clone(), record.generation, names.clone());
        let client = Client::of_owner(self.remote.clone(), environment);
        let mut done = begun.done;
        progress(done, begun.all);
        client.until_written(|| {
            loop {
                let pending: Pending = self.remote.get(&format!("{path}/pending"))?;
                if pending.items.is_empty() {
                    break;
                }
                for round in rounds(reseal(&old, &new, &pending.items)?) {
                    done += round.len() as u64;
                    let written: Written =
                        self.remote.post(&format!("{path}/resealed"), &Resealed { items: round })?;
                    memory::keep(self.account(), written.receipt);
                    progress(done, begun.all.max(done));
                }
            }
            self.turn(record, &client, (&old, &new), &names, &path)
        })
    }

    /// The last step: checks that what waits is everything, and no less than that, and turns to the new key.
    fn turn(
        &mut self,
        record: &EnvironmentRecord,
        client: &Client,
        (old, new): (&EnvironmentKey, &EnvironmentKey),
        names: &EnvironmentNames,
        path: &str,
    ) -> Result<()> {
        let (root, entries) = client.entries()?;
        let mut expected: BTreeMap<SecretId, _> = entries.into_iter().map(|one| (one.id, one)).collect();
        let mut manifest = Manifest::following(root.version);
        let mut cursor = None::<SecretId>;
        loop {
            let query = cursor.map(|id| format!("?cursor={id}")).unwrap_or_default();
            let page: Pending = self.remote.get(&format!("{path}/resealed{query}"))?;
            let Some(last) = page.items.last() else { break };
            cursor = Some(last.id);
            for secret in &page.items {
                let opened = new.open_secret(secret)?;
                let was = expected.remove(&secret.id).ok_or(TrustError::Unexpected)?;
                let policy = |policy: Option<&Versioned>| policy.map(|policy| policy.version);
                let same = old.derive_index(&opened.name) == was.index
                    && secret.version == was.version
                    && policy(secret.policy.as_ref()) == policy(was.policy.as_ref());
                if !same {
                    return Err(TrustError::NotCurrent.into());
                }
                manifest.put(EnvironmentKey::entry(secret));
            }
        }
        if !expected.is_empty() {
            // Somebody wrote since: what is new is pending.
            return Err(crate::error::Error::refused(Code::ManifestOutdated, None));
        }
        let (rules, version) = client.rules()?;
        let rules = match version {
            0 => None,
            version => Some(Versioned { version, blob: new.seal_rules(version, &rules)? }),
        };
        if let Some(rules) = &rules {
            manifest.set_rules(&rules.blob);
        }
        let (root, buckets) = manifest.seal_next(new, &[])?;
        let grants = self.grants_of(record, new, names)?;
        let generation = record.generation.saturating_add(1);
        let id = record.id;
        let pinned = root.clone();
        self.write(
            |next| {
                for environment in next.environments.iter_mut().filter(|one| one.id == id) {
                    environment.generation = generation;
                }
            },
            |remote, manifest| {
                let body = FinishRotation { root, buckets, grants, rules, manifest };
                remote.post(&format!("{path}/finish"), &body)
            },
        )?;
        pins::check_and_advance(id, &pinned, 0)
    }

    /// The new key wrapped for each API key that the owner's own record lets use the environment: on its word and
    /// no other, with a wrapping half that only the owner could have sealed.
    fn grants_of(
        &self,
        record: &EnvironmentRecord,
        new: &EnvironmentKey,
        names: &EnvironmentNames,
    ) -> Result<Vec<KeyGrant>> {
        let served: Page<KeyEntry> = self.remote.get("/v1/keys")?;
        let served: BTreeMap<KeyId, KeyEntry> =
            served.items.into_iter().map(|entry| (entry.id, entry)).collect();
        let in_use = self.manifest.keys.iter().filter(|key| {
            key.status == KeyStatus::Active
                && (key.expires_at == 0 || key.expires_at > now())
                && key.environments.contains(&record.id)
        });
        let mut grants = Vec::new();
        for key in in_use {
            let entry = served.get(&key.id).ok_or(TrustError::Missing)?;
            if entry.revoked_at.is_some() {
                continue;
            }
            let kept = self.key.open_key_record(key.id, &entry.record)?;
            if (&kept.name, kept.permissions) != (&key.name, key.permissions)
                || !kept.environments.contains(&record.id)
            {
                return Err(TrustError::NotCurrent.into());
            }
            let generation = record.generation.saturating_add(1);
            let wrapped = kept.wrap.wrap_environment_key(new.place(), generation, new, names)?;
            grants.push(KeyGrant { credential: key.id, key: wrapped });
        }
        Ok(grants)
    }
}

fn reseal(old: &EnvironmentKey, new: &EnvironmentKey, items: &[SealedSecret]) -> Result<Vec<SealedSecret>> {
    let reseal = |item: &SealedSecret| {
        let opened = old.open_secret(item)?;
        let mut sealed = new.seal_secret(item.id, item.version, &opened.name, &opened.meta, &opened.value)?;
        if let Some(policy) = &item.policy {
            let blob = new.seal_policy(item.id, sealed.index, policy.version, &opened.policy)?;
            sealed.policy = Some(Versioned { version: policy.version, blob });
        }
        Ok(sealed)
    };
    items.iter().map(reseal).collect()
}

/// Cuts items into uploads that the vault takes.
fn rounds(items: Vec<SealedSecret>) -> Vec<Vec<SealedSecret>> {
    let mut rounds: Vec<Vec<SealedSecret>> = Vec::new();
    let mut size = 0;
    for item in items {
        let length = item.value.as_bytes().len() + item.meta.as_bytes().len() + 2048;
        match rounds.last_mut().filter(|_| size + length <= ROUND) {
            Some(round) => round.push(item),
            None => {
                rounds.push(vec![item]);
                size = 0;
            }
        }
        size += length;
    }
    rounds
}
