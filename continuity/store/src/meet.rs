//! Meeting a peer by an introduction over a trusted channel.

use selfsame::{Introduction, Now, Peer};

use crate::error::StoreError;
use crate::name::Name;
use crate::rows::Meeting;
use crate::store::{Done, Store};
use crate::tpm::Tpm;

impl Store {
    /// Takes a peer by an introduction. It is on its word, until a proof confirms it: [`Store::challenge`] and
    /// [`Store::verify`] go on from the introduced moment.
    ///
    /// With `replace`, a newer moment of a known peer's same lineage replaces its anchor and all that is kept beside
    /// it, and its challenges are gone: a person's decision, where the anchor is too old, or after an alarm.
    ///
    /// # Errors
    ///
    /// [`StoreError::Forked`] where a fork of the lineage is known; [`StoreError::PeerExists`] where the lineage is
    /// another peer's, or the peer is known and `replace` is not asked for; [`StoreError::PastLineage`] where the
    /// lineage was succeeded. With `replace`: [`StoreError::UnknownPeer`], [`StoreError::OtherLineage`],
    /// [`StoreError::NotNewer`].
    pub fn meet(
        &mut self,
        peer: &str,
        introduction: &Introduction,
        now: &Now,
        replace: bool,
    ) -> Result<(), StoreError> {
        let name = Name::parse(peer)?;
        let anchor = introduction.anchor();
        let met = Meeting { wall_ms: now.wall_ms, tpm: Tpm::of_introduction(introduction) };
        let introduced = Peer::introduced(introduction, now);
        self.change(|rows| {
            rows.refuse_forked(anchor.lineage())?;
            let known = rows.peer(&name)?;
            let is_own = known.as_ref().is_some_and(|known| known.lineage == *anchor.lineage());
            if !is_own {
                rows.refuse_held(anchor.lineage())?;
            }
            match known {
                None if replace => return Err(StoreError::UnknownPeer { peer: peer.to_owned() }),
                None => rows.add_peer(&name, &introduced, met)?,
                Some(known) if !replace => {
                    return Err(StoreError::PeerExists { peer: peer.to_owned(), lineage: known.lineage });
                }
                Some(known) if !is_own => {
                    let (expected, found) = (known.lineage, *anchor.lineage());
                    return Err(StoreError::OtherLineage { expected, found });
                }
                Some(known) => {
                    let stored = known.peer.anchor().map_or(0, selfsame::Anchor::index);
                    if anchor.index() <= stored {
                        return Err(StoreError::NotNewer { anchor: stored, found: anchor.index() });
                    }
                    rows.replace_peer(&name, &known, &introduced, met)?;
                }
            }
            Ok(Done::Keep(()))
        })
    }
}
