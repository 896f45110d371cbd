//! The source `pkcs11:LABEL`: C_GenerateRandom of a hardware security module or smart card.
//!
//! It is named by a PKCS #11 URI in the configuration ([`Uri`]). A token may feed the identity, it never holds it:
//! there is no login, so no PIN; the session is read-only; no object is made, looked for or used. The calls into the
//! module, all of them, are C_Initialize, C_GetSlotList, C_GetTokenInfo, C_OpenSession, C_GenerateRandom,
//! C_CloseSession and C_Finalize, besides C_GetInterface or C_GetFunctionList, by which it is loaded.
//!
//! A module is its maker's code, and this process is in its hands from the moment that it is loaded: it may
//! block for ever, start threads, or crash. So it belongs into a process that holds no secret of ours and can be ended.
//! It can be initialised once in a process: two tokens of one module need two processes.
//!
//! Unlike a TPM's, this way is not encrypted: who can listen between here and the token (a USB cable, a network
//! HSM's connection that its module does not protect) knows what it gave. It is one source among several.

#[cfg(test)]
mod tests;
mod token;
mod uri;

use std::path::PathBuf;

use cryptoki::context::Pkcs11;

use super::{Class, DrawError, EntropySource};
use token::Token;
pub(crate) use uri::{Uri, UriError};

/// A token. It is opened at the first draw, and anew at the draw after one that failed.
pub(crate) struct Pkcs11Source {
    uri: Uri,
    name: String,
    /// Before the module: a session ends before the module does.
    token: Option<Token>,
    /// Loaded once, and kept: some modules crash when they are unloaded.
    module: Option<Pkcs11>,
}

impl Pkcs11Source {
    /// The token that `uri` names. Nothing is loaded or opened yet.
    pub(crate) fn new(uri: Uri) -> Self {
        let name = format!("{PREFIX}{}", uri.token());
        Self { uri, name, token: None, module: None }
    }

    fn fill(&mut self, out: &mut [u8]) -> Result<(), Pkcs11Error> {
        // Taken out: only a draw that succeeds puts the token back.
        let token = match self.token.take() {
            Some(token) => {
                token.is_still_there(&self.uri)?;
                token
            }
            None => Token::open(self.module()?, &self.uri)?,
        };
        token.random(out)?;
        self.token = Some(token);
        Ok(())
    }

    fn module(&mut self) -> Result<Pkcs11, Pkcs11Error> {
        if let Some(module) = &self.module {
            return Ok(module.clone());
        }
        let path = self.uri.module();
        let module = Pkcs11::new(path)
            .map_err(|error| Pkcs11Error::Module { path: path.to_owned(), text: token::text(&error) })?;
        self.module = Some(module.clone());
        Ok(module)
    }
}

impl EntropySource for Pkcs11Source {
    fn name(&self) -> &str {
        &self.name
    }

    fn class(&self) -> Class {
        Class::Hsm
    }

    /// Blocks for as long as the module does, which may be for ever.
    fn draw(&mut self, out: &mut [u8]) -> Result<(), DrawError> {
        self.fill(out).map_err(DrawError::Pkcs11)
    }
}

/// Why a draw from a token gave nothing. The session that it happened in is closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Pkcs11Error {
    /// The module can't be loaded.
    #[error("module {path}: {text}", path = path.display())]
    Module {
        /// The module.
        path: PathBuf,
        /// What the loader says.
        text: String,
    },
    /// The module, or the token, refuses a call.
    #[error("{text}")]
    Call {
        /// The call, and the code that it gave.
        text: String,
    },
    /// There is no such token.
    #[error(
        "expected a token `{token}`, found none in {slots} slots with a token; `softhsm2-util --show-slots` or \
             `pkcs11-tool --list-slots` lists them"
    )]
    NoToken {
        /// Its label.
        token: String,
        /// Slots that hold a token.
        slots: usize,
    },
    /// More than one token is meant.
    #[error("expected one token `{token}`, found {found}: add `serial=` or `slot-id=`")]
    Ambiguous {
        /// Their label.
        token: String,
        /// How many there are.
        found: usize,
    },
    /// The token has no generator of its own.
    #[error("token `{token}`: expected one with a random number generator of its own, found none")]
    NoGenerator {
        /// Its label.
        token: String,
    },
    /// Another token is in the slot now.
    #[error("expected token `{token}` still in its slot, found another")]
    Changed {
        /// The label of the one that was there.
        token: String,
    },
}

/// What a source's name begins with. With a label it has 39 bytes at most.
const PREFIX: &str = "pkcs11:";
