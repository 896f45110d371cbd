//! One session with one token, from opening to the end.

use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::Error,
    session::Session,
    slot::{Slot, TokenInfo},
};

use super::{Pkcs11Error, uri::Uri};

/// A token with a read-only session, never logged in. Dropped, it closes the session and finalizes the module.
pub(super) struct Token {
    slot: Slot,
    /// Before the module: fields are dropped in order.
    pub(super) session: Session,
    module: Initialized,
}

/// A module between C_Initialize and C_Finalize.
struct Initialized(Pkcs11);

impl Drop for Initialized {
    fn drop(&mut self) {
        // It may fail where the token was pulled out: then there is nothing to be put in order.
        let _ = self.0.clone().finalize();
    }
}

impl Token {
    /// Initialises the module, and opens a session with the one token that `uri` names.
    pub(super) fn open(module: Pkcs11, uri: &Uri) -> Result<Self, Pkcs11Error> {
        // The module may lock as the system does: it may have threads of its own.
        module
            .initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))
            .map_err(|error| refused(&error))?;
        let module = Initialized(module);
        let slot = find(&module.0, uri)?;
        let session = module.0.open_ro_session(slot).map_err(|error| refused(&error))?;
        Ok(Self { slot, session, module })
    }

    /// That the token in the slot is still the one that `uri` names. Some modules go on giving bytes without one.
    pub(super) fn is_still_there(&self, uri: &Uri) -> Result<(), Pkcs11Error> {
        let info = self.module.0.get_token_info(self.slot).map_err(|error| refused(&error))?;
        if !is_named(uri, self.slot, &info) {
            return Err(Pkcs11Error::Changed { token: uri.token().to_owned() });
        }
        Ok(())
    }

    /// Fills `out` with random bytes of the token's.
    pub(super) fn random(&self, out: &mut [u8]) -> Result<(), Pkcs11Error> {
        if out.is_empty() {
            return Ok(());
        }
        self.session.generate_random_slice(out).map_err(|error| refused(&error))
    }
}

/// The slot of the one token that `uri` names.
fn find(module: &Pkcs11, uri: &Uri) -> Result<Slot, Pkcs11Error> {
    let slots = module.get_slots_with_token().map_err(|error| refused(&error))?;
    // A token that can't be asked, since it was just pulled out or is broken, is not the one.
    let infos = slots.iter().filter_map(|slot| Some((*slot, module.get_token_info(*slot).ok()?)));
    let found: Vec<(Slot, TokenInfo)> = infos.filter(|(slot, info)| is_named(uri, *slot, info)).collect();
    let token = || uri.token().to_owned();
    match found.as_slice() {
        [] => Err(Pkcs11Error::NoToken { token: token(), slots: slots.len() }),
        [(_, info)] if !info.rng() => Err(Pkcs11Error::NoGenerator { token: token() }),
        [(slot, _)] => Ok(*slot),
        several => Err(Pkcs11Error::Ambiguous { token: token(), found: several.len() }),
    }
}

fn is_named(uri: &Uri, slot: Slot, info: &TokenInfo) -> bool {
    info.label() == uri.token()
        && uri.serial().is_none_or(|serial| serial == info.serial_number())
        && uri.slot().is_none_or(|number| number == slot.id())
}

fn refused(error: &Error) -> Pkcs11Error {
    Pkcs11Error::Call { text: text(error) }
}

/// The call and its code, such as `C_OpenSession: TokenNotPresent`; the crate's own text has a paragraph a code.
pub(super) fn text(error: &Error) -> String {
    match error {
        Error::Pkcs11(code, function) => format!("C_{function:?}: {code:?}"),
        Error::LibraryLoading(error) => error.to_string(),
        other => other.to_string(),
    }
}
