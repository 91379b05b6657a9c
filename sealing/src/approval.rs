use crate::EnvironmentKey;
use protocol::{ApprovalId, Blob, SecretName};
use seal::{FieldsError, Kind, OpenError, Reader, SealError, Writer};
use sha2::{Digest as _, Sha256};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// That commands have the secrets.
    Use,
    /// That their values are shown to the agent.
    Reveal,
}

/// What an agent's client asks a person for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What for.
    pub wanted: Wanted,
    /// Which secrets.
    pub names: Vec<SecretName>,
}

impl EnvironmentKey {
    /// Seals a question (kind 14).
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn seal_question(&self, id: ApprovalId, question: &Question) -> Result<Blob, SealError> {
        let wanted = match question.wanted {
            Wanted::Use => 0,
            Wanted::Reveal => 1,
        };
        let bytes = Writer::new()
            .u8(wanted)
            .list(question.names.iter(), |writer, name| writer.bytes(name.as_str().as_bytes()))
            .finish();
        let context = self.place().context(Kind::APPROVAL, id.as_bytes(), b"question", 0);
        seal::seal(self.key(), &context, &bytes).map(Blob::from_sealed)
    }

    /// Opens a question (kind 14).
    ///
    /// # Errors
    /// When it is none of this environment's and id.
    pub fn open_question(&self, id: ApprovalId, sealed: &Blob) -> Result<Question, OpenError> {
        let context = self.place().context(Kind::APPROVAL, id.as_bytes(), b"question", 0);
        let bytes = seal::open(self.key(), &context, sealed.as_bytes())?;
        let read = || {
            let mut reader = Reader::new(&bytes);
            let wanted = match reader.u8()? {
                0 => Wanted::Use,
                1 => Wanted::Reveal,
                _ => return Err(FieldsError),
            };
            let name =
                |reader: &mut Reader<'_>| reader.text()?.parse::<SecretName>().map_err(|_| FieldsError);
            let names = reader.list(name, Clone::clone)?;
            reader.end()?;
            Ok(Question { wanted, names })
        };
        read().map_err(|_| OpenError)
    }

    /// Seals the answer to a question (kind 14): it is of these very bytes.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn seal_answer(&self, id: ApprovalId, question: &Blob, yes: bool) -> Result<Blob, SealError> {
        let bytes = Writer::new().raw(&Sha256::digest(question.as_bytes())).u8(u8::from(yes)).finish();
        let context = self.place().context(Kind::APPROVAL, id.as_bytes(), b"answer", 0);
        seal::seal(self.key(), &context, &bytes).map(Blob::from_sealed)
    }

    /// Opens the answer to a question (kind 14): whether it is yes.
    ///
    /// # Errors
    /// When it is no answer to this question.
    pub fn open_answer(&self, id: ApprovalId, question: &Blob, sealed: &Blob) -> Result<bool, OpenError> {
        let context = self.place().context(Kind::APPROVAL, id.as_bytes(), b"answer", 0);
        let bytes = seal::open(self.key(), &context, sealed.as_bytes())?;
        let mut reader = Reader::new(&bytes);
        let read = |reader: &mut Reader<'_>| Ok::<_, FieldsError>((reader.array::<32>()?, reader.flag()?));
        let (of, yes) = read(&mut reader).map_err(|_| OpenError)?;
        reader.end().map_err(|_| OpenError)?;
        if of == <[u8; 32]>::from(Sha256::digest(question.as_bytes())) { Ok(yes) } else { Err(OpenError) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Place;
    use protocol::{AccountId, EnvironmentId, ProjectId};

    #[test]
    fn an_answer_is_of_one_question() {
        let place = Place {
            account: AccountId::from_bytes([1; 16]),
            project: ProjectId::from_bytes([2; 16]),
            environment: EnvironmentId::from_bytes([3; 16]),
        };
        let (key, other) = (EnvironmentKey::make(place).unwrap(), EnvironmentKey::make(place).unwrap());
        let id = ApprovalId::from_bytes([4; 16]);
        let question =
            Question { wanted: Wanted::Reveal, names: vec!["A".parse().unwrap(), "B".parse().unwrap()] };
        let sealed = key.seal_question(id, &question).unwrap();
        assert_eq!(key.open_question(id, &sealed).unwrap(), question);
        assert!(other.open_question(id, &sealed).is_err());
        assert!(key.open_question(ApprovalId::from_bytes([5; 16]), &sealed).is_err());
        for yes in [true, false] {
            let answer = key.seal_answer(id, &sealed, yes).unwrap();
            assert_eq!(key.open_answer(id, &sealed, &answer).unwrap(), yes);
            let again = key.seal_question(id, &question).unwrap();
            assert!(key.open_answer(id, &again, &answer).is_err(), "it is of other bytes");
            assert!(key.open_answer(ApprovalId::from_bytes([5; 16]), &sealed, &answer).is_err());
            assert!(other.open_answer(id, &sealed, &answer).is_err());
            // Neither is taken for the other.
            assert!(key.open_answer(id, &sealed, &sealed).is_err());
            assert!(key.open_question(id, &answer).is_err());
        }
    }
}
