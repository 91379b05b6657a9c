use crate::{EnvironmentKey, OpenedSecret, Place};
use protocol::{Blob, NameIndex, SecretId, Tag};
use seal::{FieldsError, Kind, OpenError, Reader, SealError, Writer};
use zeroize::Zeroizing;

/// What must happen before a secret is handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Consent {
    /// Nothing.
    #[default]
    Allow,
    /// A person says yes.
    Ask,
    /// It is not handed out.
    Block,
}

/// What an owner laid down for a secret. An agent's key can read it and cannot write it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// For its use by commands.
    pub usage: Consent,
    /// For showing it.
    pub reveal: Consent,
    /// Whether it is a production secret.
    pub production: bool,
    /// Whether any use of it is an alarm.
    pub canary: bool,
    /// Hosts it may be sent to; sorted. None: any.
    pub hosts: Vec<String>,
    /// Programs that may have it; sorted. None: any.
    pub commands: Vec<String>,
}

/// Policies by tag, for a whole environment; sorted by tag.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules(pub Vec<(Tag, Policy)>);

impl Policy {
    /// The stricter of both in each thing: what holds where several were laid down. Limits that leave nothing in common
    /// block the secret.
    #[must_use]
    pub fn stricter(self, other: &Self) -> Self {
        let mut usage = self.usage.max(other.usage);
        let mut both = |mine: Vec<String>, theirs: &[String]| {
            if mine.is_empty() {
                return theirs.to_vec();
            }
            if theirs.is_empty() {
                return mine;
            }
            let common: Vec<String> = mine.into_iter().filter(|one| theirs.contains(one)).collect();
            if common.is_empty() {
                usage = Consent::Block;
            }
            common
        };
        let (hosts, commands) = (both(self.hosts, &other.hosts), both(self.commands, &other.commands));
        Self {
            usage,
            reveal: self.reveal.max(other.reveal),
            production: self.production || other.production,
            canary: self.canary || other.canary,
            hosts,
            commands,
        }
    }
}

impl Rules {
    /// What holds for a secret with these tags: the strictest of its own policy and of the rules for its tags.
    pub fn with(&self, own: Policy, tags: &[Tag]) -> Policy {
        let rules = self.0.iter().filter(|(tag, _)| tags.contains(tag));
        rules.fold(own, |policy, (_, rule)| policy.stricter(rule))
    }

    /// Lays them down for secrets, each by its tags.
    pub fn lay_down(&self, secrets: &mut [OpenedSecret]) {
        for secret in secrets {
            let own = std::mem::take(&mut secret.policy);
            secret.policy = self.with(own, secret.meta.tags());
        }
    }

    /// Changes the policy of a tag: the one that it has, or one that allows everything.
    pub fn edit(&mut self, tag: &Tag, edit: impl FnOnce(&mut Policy)) {
        match self.0.binary_search_by(|(one, _)| one.cmp(tag)) {
            Ok(at) => self.0.get_mut(at).map(|(_, policy)| edit(policy)).unwrap_or_default(),
            Err(at) => {
                let mut policy = Policy::default();
                edit(&mut policy);
                self.0.insert(at, (tag.clone(), policy));
            }
        }
    }
}

impl EnvironmentKey {
    /// Seals a secret's policy (kind 13).
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn seal_policy(
        &self,
        id: SecretId,
        index: NameIndex,
        version: u64,
        policy: &Policy,
    ) -> Result<Blob, SealError> {
        let context = self.place().context(Kind::POLICY, id.as_bytes(), index.as_bytes(), version);
        seal::seal(self.key(), &context, &policy.write()).map(Blob::from_sealed)
    }

    /// Opens a secret's policy (kind 13).
    ///
    /// # Errors
    /// When it is not this secret's policy of that version.
    pub fn open_policy(
        &self,
        id: SecretId,
        index: NameIndex,
        version: u64,
        sealed: &Blob,
    ) -> Result<Policy, OpenError> {
        let context = self.place().context(Kind::POLICY, id.as_bytes(), index.as_bytes(), version);
        Policy::read(&seal::open(self.key(), &context, sealed.as_bytes())?).map_err(|_| OpenError)
    }

    /// Seals an environment's rules (kind 13).
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn seal_rules(&self, version: u64, rules: &Rules) -> Result<Blob, SealError> {
        let context = Place::context(self.place(), Kind::POLICY, b"rules", &[], version);
        let bytes = Writer::new()
            .list(rules.0.iter(), |w, (tag, policy)| w.bytes(tag.as_str().as_bytes()).bytes(&policy.write()))
            .finish_secret();
        seal::seal(self.key(), &context, &bytes).map(Blob::from_sealed)
    }

    /// Opens an environment's rules (kind 13).
    ///
    /// # Errors
    /// When they are not this environment's rules of that version.
    pub fn open_rules(&self, version: u64, sealed: &Blob) -> Result<Rules, OpenError> {
        let context = Place::context(self.place(), Kind::POLICY, b"rules", &[], version);
        let bytes = seal::open(self.key(), &context, sealed.as_bytes())?;
        let mut reader = Reader::new(&bytes);
        let rules = reader
            .list(
                |r| {
                    let tag: Tag = r.text()?.parse().map_err(|_| FieldsError)?;
                    Ok((tag, Policy::read(r.bytes()?)?))
                },
                |(tag, _)| tag.clone(),
            )
            .map_err(|_| OpenError)?;
        reader.end().map_err(|_| OpenError)?;
        Ok(Rules(rules))
    }
}

impl Consent {
    const fn byte(self) -> u8 {
        match self {
            Self::Allow => 0,
            Self::Ask => 1,
            Self::Block => 2,
        }
    }

    fn read(byte: u8) -> Result<Self, FieldsError> {
        match byte {
            0 => Ok(Self::Allow),
            1 => Ok(Self::Ask),
            2 => Ok(Self::Block),
            _ => Err(FieldsError),
        }
    }
}

impl Policy {
    fn write(&self) -> Zeroizing<Vec<u8>> {
        Writer::new()
            .u8(self.usage.byte())
            .u8(self.reveal.byte())
            .u8(u8::from(self.production))
            .u8(u8::from(self.canary))
            .list(self.hosts.iter(), |w, host| w.bytes(host.as_bytes()))
            .list(self.commands.iter(), |w, command| w.bytes(command.as_bytes()))
            .finish_secret()
    }

    fn read(bytes: &[u8]) -> Result<Self, FieldsError> {
        let mut reader = Reader::new(bytes);
        let policy = Self {
            usage: Consent::read(reader.u8()?)?,
            reveal: Consent::read(reader.u8()?)?,
            production: reader.flag()?,
            canary: reader.flag()?,
            hosts: reader.list(|r| r.text().map(str::to_owned), Clone::clone)?,
            commands: reader.list(|r| r.text().map(str::to_owned), Clone::clone)?,
        };
        reader.end()?;
        Ok(policy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strictest_of_what_was_laid_down_holds() {
        let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let mut rules = Rules::default();
        rules.edit(&"web".parse().unwrap(), |policy| {
            policy.usage = Consent::Ask;
            policy.commands = list(&["node", "npm"]);
        });
        rules.edit(&"live".parse().unwrap(), |policy| {
            policy.production = true;
            policy.commands = list(&["npm", "psql"]);
        });
        let tags = |words: &[&str]| words.iter().map(|word| word.parse().unwrap()).collect::<Vec<Tag>>();
        let own = Policy { reveal: Consent::Block, ..Policy::default() };
        assert_eq!(rules.with(own.clone(), &tags(&["other"])), own);
        let held = rules.with(own.clone(), &tags(&["live", "web"]));
        assert_eq!((held.usage, held.reveal, held.production), (Consent::Ask, Consent::Block, true));
        assert_eq!(held.commands, ["npm"]);
        // Nobody is left who may have it.
        let none = Policy { commands: list(&["ruby"]), ..own };
        assert_eq!(rules.with(none, &tags(&["web"])).usage, Consent::Block);
    }

    #[test]
    fn a_rule_is_one_for_each_tag_in_order() {
        let mut rules = Rules::default();
        for tag in ["b", "a", "b"] {
            rules.edit(&tag.parse().unwrap(), |policy| policy.hosts.push("h".into()));
        }
        let twice = Policy { hosts: vec!["h".into(), "h".into()], ..Policy::default() };
        let tags: Vec<&str> = rules.0.iter().map(|(tag, _)| tag.as_str()).collect();
        assert_eq!((tags, &rules.0[1].1), (vec!["a", "b"], &twice));
    }
}
