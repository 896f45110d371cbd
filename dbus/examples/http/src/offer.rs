//! What a refused request offers: `WWW-Authenticate: Selfsame challenge="…", audience="…"`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::SCHEME;

/// A challenge, and for whom its issuer says it is.
///
/// The audience is here for people who look at the traffic. A client goes by the URL that it opened; its agent compares
/// that with the audience *in the challenge*.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The challenge's bytes.
    pub challenge: Vec<u8>,
    /// The relying party's name.
    pub audience: String,
}

/// Why a header is no offer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OfferError {
    /// It is of another scheme.
    #[error("expected `WWW-Authenticate: {SCHEME} …`, found {found:?}")]
    OtherScheme {
        /// What is there.
        found: String,
    },
    /// A parameter is missing.
    #[error("no `{name}` in {found:?}")]
    Missing {
        /// The parameter.
        name: &'static str,
        /// What is there.
        found: String,
    },
    /// The challenge is no base64url.
    #[error("the challenge is no base64url")]
    Challenge(#[source] base64::DecodeError),
}

impl Offer {
    /// Reads the header's value.
    ///
    /// # Errors
    ///
    /// What about it is no offer.
    pub fn parse(header: &str) -> Result<Self, OfferError> {
        let parameters = header
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(SCHEME))
            .map(|(_, parameters)| parameters);
        let parameters = parameters.ok_or_else(|| OfferError::OtherScheme { found: header.to_owned() })?;
        // neither of the values has a quote or a comma in it
        let value = |name: &'static str| {
            parameters
                .split(',')
                .filter_map(|parameter| parameter.trim().split_once('='))
                .find(|(found, _)| found.eq_ignore_ascii_case(name))
                .and_then(|(_, value)| value.strip_prefix('"')?.strip_suffix('"'))
                .ok_or_else(|| OfferError::Missing { name, found: header.to_owned() })
        };
        let challenge = URL_SAFE_NO_PAD.decode(value("challenge")?).map_err(OfferError::Challenge)?;
        Ok(Self { challenge, audience: value("audience")?.to_owned() })
    }

    /// The header's value.
    pub fn header(&self) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(&self.challenge);
        format!(r#"{SCHEME} challenge="{challenge}", audience="{}""#, self.audience)
    }
}

/// What a proof's payload has to be that is posted to `target` of the server at `origin`: it is of no use elsewhere.
pub fn bound_to(origin: &str, target: &str) -> Vec<u8> {
    format!("POST {origin}{target}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_comes_through() {
        let offer = Offer { challenge: vec![0xfb, 0xff, 0], audience: "http://door.example:80".into() };
        assert_eq!(offer.header(), r#"Selfsame challenge="-_8A", audience="http://door.example:80""#);
        assert_eq!(Offer::parse(&offer.header()), Ok(offer.clone()));
        assert_eq!(Offer::parse(r#"selfsame Audience="http://door.example:80",challenge="-_8A""#), Ok(offer));
    }

    #[test]
    fn what_is_none_is_refused() {
        let refused = |header| Offer::parse(header).unwrap_err();
        assert!(matches!(refused(r#"Basic realm="x""#), OfferError::OtherScheme { .. }));
        assert!(matches!(refused("Selfsame"), OfferError::OtherScheme { .. }));
        let missing = refused(r#"Selfsame audience="x""#);
        assert!(matches!(missing, OfferError::Missing { name: "challenge", .. }), "{missing}");
        assert!(matches!(refused(r#"Selfsame challenge="*", audience="x""#), OfferError::Challenge(_)));
    }
}
