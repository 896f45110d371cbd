//! A host that shows a relying party over HTTP who it is: an example. `selfsame_example_http` says how it works.
#![forbid(unsafe_code)]

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use selfsame_dbus::{Bytes, Identity1Proxy, Options};
use selfsame_example_http::{Offer, SCHEME, bound_to};
use ureq::Agent;
use ureq::http::{Response, Uri};

/// Gets what is at URL, such as http://127.0.0.1:8080/hosts/web1, by a proof of this host
#[derive(Debug, Parser)]
struct Arguments {
    url: Uri,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match shown(&Arguments::parse().url).await {
        Ok(page) => {
            print!("{page}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("refused: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What is there, shown to whom we are.
async fn shown(url: &Uri) -> Result<String, Box<dyn Error>> {
    // whom we talk to is what we opened: no answer may say otherwise, and no redirection lead elsewhere
    let origin = origin(url).ok_or("expected http://HOST[:PORT]/…")?;
    let target = url.path_and_query().map_or("/", |target| target.as_str());
    let http =
        Agent::config_builder().http_status_as_error(false).max_redirects(0).max_redirects_will_error(false);
    let http: Agent = http.build().into();

    let refused = http.get(url).call()?;
    let header = refused.headers().get("WWW-Authenticate").ok_or_else(|| told(refused.status()))?;
    let Offer { challenge, .. } = Offer::parse(header.to_str()?)?;

    let bus = zbus::Connection::system().await?;
    let agent = Identity1Proxy::new(&bus).await?;
    let payload = bound_to(&origin, target);
    let proof = agent.prove(&origin, Bytes::new(&challenge), Bytes::new(&payload), &Options::new()).await?;

    let token = text(http.post(url).content_type("application/octet-stream").send(&**proof)?)?;
    text(http.get(url).header("Authorization", format!("{SCHEME} {token}")).call()?)
}

/// The URL's origin, without what may stand before the host's name and looks like one.
fn origin(url: &Uri) -> Option<String> {
    let (scheme, host) = (url.scheme_str()?, url.host()?);
    let port = url.port_u16().map_or_else(String::new, |port| format!(":{port}"));
    Some(format!("{scheme}://{host}{port}"))
}

/// What an answer says, if it is a good one.
fn text(mut answer: Response<ureq::Body>) -> Result<String, Box<dyn Error>> {
    let body = answer.body_mut().read_to_string()?;
    if answer.status() == 200 {
        Ok(body)
    } else {
        Err(format!("{}: {}", told(answer.status()), body.trim_end()).into())
    }
}

fn told(status: ureq::http::StatusCode) -> String {
    format!("the server answers {status}")
}
