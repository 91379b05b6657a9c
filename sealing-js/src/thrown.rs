use wasm_bindgen::JsValue;

/// What JavaScript catches.
#[derive(Debug)]
pub struct Thrown {
    name: &'static str,
    message: String,
}

impl Thrown {
    /// The person's input is wrong; the message says how.
    pub(crate) fn mistake(message: impl Into<String>) -> Self {
        Self { name: "Mistake", message: message.into() }
    }

    /// The vault's answer does not hold.
    pub(crate) fn distrusted(message: impl Into<String>) -> Self {
        Self { name: "Distrusted", message: message.into() }
    }

    /// This machine failed.
    pub(crate) fn failure(message: impl Into<String>) -> Self {
        Self { name: "Failure", message: message.into() }
    }
}

impl From<Thrown> for JsValue {
    fn from(thrown: Thrown) -> Self {
        let error = js_sys::Error::new(&thrown.message);
        error.set_name(thrown.name);
        error.into()
    }
}

macro_rules! thrown {
    ($($kind:ident: $($type:ty),+;)+) => {$($(
        impl From<$type> for Thrown {
            fn from(error: $type) -> Self {
                Self::$kind(error.to_string())
            }
        }
    )+)+};
}

thrown! {
    mistake: sealing::PassphraseError, sealing::ParseRecoveryCodeError, sealing::ValueError,
        sealing::ParseAudienceError, sealing::PairingError, protocol::ParseNameError, protocol::ParseTokenError, protocol::address::ParseRangeError;
    distrusted: sealing::OpenError, sealing::KdfRefused;
    failure: sealing::SealError;
}
