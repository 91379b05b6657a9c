//! A machine that asks for a key.

use crate::{output, thrown::Thrown};
use protocol::body::Pairing;
use sealing::{Audience, Paired};
use wasm_bindgen::prelude::wasm_bindgen;

/// What a machine asks for, out of its link.
#[wasm_bindgen]
pub struct PairingRequest(sealing::PairingRequest);

#[wasm_bindgen]
impl PairingRequest {
    /// Reads `scp_…`.
    ///
    /// # Errors
    /// When it is none, or mistyped.
    #[wasm_bindgen(constructor)]
    pub fn new(text: &str) -> Result<Self, Thrown> {
        Ok(Self(text.parse()?))
    }

    /// Where what is sealed for it is left.
    pub fn path(&self) -> String {
        format!("/v1/pairings/{}", self.0.id())
    }

    /// The words that the machine shows, too. Takes a good part of a second. `vault` is the page's own origin.
    ///
    /// # Errors
    /// When that is no origin of a vault.
    pub fn words(&self, vault: &str) -> Result<String, Thrown> {
        Ok(self.0.words(&vault.parse::<Audience>()?))
    }

    /// Seals an API key for the machine, with its place: the body to leave.
    ///
    /// # Errors
    /// When something of it is none.
    pub fn seal(
        &self,
        vault: &str,
        api_key: &str,
        project: &str,
        environment: &str,
    ) -> Result<String, Thrown> {
        let paired =
            Paired { key: api_key.parse()?, project: project.parse()?, environment: environment.parse()? };
        let sealed = self.0.seal(&vault.parse::<Audience>()?, &paired)?;
        output(&Pairing { sealed })
    }
}
