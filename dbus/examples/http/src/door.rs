//! The service: `GET` and `POST /hosts/NAME`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use selfsame::{Policy, Proof, Verdict};
use selfsame_store::{ChallengeOptions, EnrolOptions, Store, StoreError};

use crate::offer::{Offer, bound_to};
use crate::sessions::{Session, Sessions};
use crate::{PROOF_MAX_BYTES, SCHEME, clock};

/// A relying party.
#[derive(Debug)]
pub struct Door {
    /// Its own name: the origin under which its clients know it, such as `https://door.example`.
    pub origin: String,
    /// Its peers.
    pub store: Mutex<Store>,
    /// Who has shown who it is.
    pub sessions: Mutex<Sessions>,
    /// Whether a peer of a new name is whoever comes first (trust on first use). Else it has to be met before, by an
    /// introduction.
    pub trusts_on_first_use: bool,
}

impl Door {
    /// Its routes.
    pub fn routes(self) -> Router {
        Router::new()
            .route("/hosts/{name}", get(ask).post(take))
            .layer(DefaultBodyLimit::max(PROOF_MAX_BYTES))
            .with_state(Arc::new(self))
    }

    /// Whose token the request has, if it is of the peer of this name.
    fn session(&self, headers: &HeaderMap, name: &str) -> Option<Session> {
        let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let session = sessions.of(token.trim(), Instant::now())?;
        (scheme.eq_ignore_ascii_case(SCHEME) && session.peer == name).then(|| session.clone())
    }

    /// A challenge for the peer of this name. Whoever asks gets one: at most 256 are out for each, for a minute.
    fn challenge(&self, name: &str) -> Result<Offer, Refused> {
        let mut nonce = [0; 32];
        getrandom::fill(&mut nonce).map_err(|error| Refused::later(error.to_string()))?;
        let now = clock::now().map_err(|error| Refused::later(error.to_string()))?;
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let challenge = store.challenge(name, &self.origin, &nonce, &now, &ChallengeOptions::default())?;
        Ok(Offer { challenge: challenge.as_bytes().to_vec(), audience: self.origin.clone() })
    }

    /// A token for who sent this proof, in a `POST` to `target`.
    fn token(&self, name: &str, target: &str, proof: &[u8]) -> Result<String, Refused> {
        // looked at before anything is kept. That it is the host's word, and for this audience, comes with `verify`.
        let parsed = Proof::parse(proof).map_err(|error| Refused::for_good(error.to_string()))?;
        let expected = bound_to(&self.origin, target);
        if parsed.statement().payload() != Some(&*expected) {
            let text = format!("the payload is not `{}`", String::from_utf8_lossy(&expected));
            return Err(Refused::for_good(text));
        }
        let verdict = self.verdict(name, proof)?;
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(|error| Refused::later(error.to_string()))?;
        let session = Session { peer: name.to_owned(), uid: verdict.statement.subject().uid };
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let token = sessions.begin(session, random, Instant::now());
        token.ok_or_else(|| Refused::later("too many sessions are under way".into()))
    }

    fn verdict(&self, name: &str, proof: &[u8]) -> Result<Verdict, StoreError> {
        let now = clock::now()?;
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        match store.verify(name, proof, &now, &Policy::default()) {
            Err(StoreError::UnknownPeer { .. }) if self.trusts_on_first_use => {
                store.enrol(name, proof, &now, &EnrolOptions::default()).map(|enrolment| enrolment.verdict)
            }
            verdict => verdict,
        }
    }
}

/// What a host comes for, if it has a token; else a challenge.
async fn ask(State(door): State<Arc<Door>>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    if let Some(Session { peer, uid }) = door.session(&headers, &name) {
        let who = uid.map_or_else(|| "somebody".into(), |uid| format!("user {uid}"));
        return format!("welcome, {who} of {peer}\n").into_response();
    }
    match apart(move || door.challenge(&name)).await {
        Ok(offer) => {
            let headers = [(WWW_AUTHENTICATE, offer.header()), (CACHE_CONTROL, "no-store".into())];
            (StatusCode::UNAUTHORIZED, headers).into_response()
        }
        Err(refused) => refused.into_response(),
    }
}

/// Takes a proof, and gives a token.
async fn take(State(door): State<Arc<Door>>, Path(name): Path<String>, uri: Uri, proof: Bytes) -> Response {
    let target = uri.path_and_query().map_or_else(String::new, ToString::to_string);
    match apart(move || door.token(&name, &target, &proof)).await {
        Ok(token) => ([(CACHE_CONTROL, "no-store")], token).into_response(),
        Err(refused) => refused.into_response(),
    }
}

/// Where the store may wait for its file without holding up anybody else.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refused> + Send + 'static,
) -> Result<T, Refused> {
    let outcome = tokio::task::spawn_blocking(work).await;
    outcome.unwrap_or_else(|error| Err(Refused::later(error.to_string())))
}

/// What is not done, and whether to come again.
struct Refused {
    status: StatusCode,
    text: String,
}

impl Refused {
    fn for_good(text: String) -> Self {
        Self { status: StatusCode::FORBIDDEN, text }
    }

    fn later(text: String) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, text }
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        let text = error.to_string();
        match error {
            StoreError::InvalidName { .. } => Self { status: StatusCode::NOT_FOUND, text },
            StoreError::Busy { .. }
            | StoreError::NonceReused
            | StoreError::Unavailable { .. }
            | StoreError::NotAStore { .. }
            | StoreError::Version { .. }
            | StoreError::Damaged { .. } => Self::later(text),
            _ => Self::for_good(text),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        // here an administrator looks for alarms: `NotContinuous`, `Contradiction`, `Forked`
        eprintln!("{}: {}", self.status, self.text);
        let answer = (self.status, self.text + "\n");
        match self.status {
            StatusCode::SERVICE_UNAVAILABLE => ([(RETRY_AFTER, "1")], answer).into_response(),
            _ => answer.into_response(),
        }
    }
}
