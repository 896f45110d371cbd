//! Callers, methods and outcomes: all methods that the agent serves, by all kinds of callers.

use std::fmt::Write as _;

use nix::sys::signal::Signal;
use selfsame_dbus::{IDENTITY_INTERFACE, VERIFIER_INTERFACE};
use selfsame_tests::{SERVICE, User};

use crate::{
    callers::{Method, Outcome, Who},
    scene::{CHECKER, MEMBER, PROVER, STRANGER, Scene},
};

/// What a method needs, by the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    Prove,
    Verify,
    Look,
    End,
}

/// How polkit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Polkit {
    Absent,
    There,
    Hangs,
}

/// A column: who calls, how polkit is, and what they may.
struct Column {
    title: &'static str,
    who: Who,
    polkit: Polkit,
    may: &'static [Needs],
}

#[tokio::test]
async fn each_method_is_for_those_whom_the_contract_names_and_for_nobody_else() {
    use Needs::{End, Look, Prove, Verify};
    let outside = |user| Who { user, is_member: false };
    let column = |title, who, polkit, may| Column { title, who, polkit, may };
    let columns = [
        column("root", outside(ROOT), Polkit::Absent, &[Prove, Verify, Look, End]),
        column(
            "group `selfsame`",
            Who { user: MEMBER, is_member: true },
            Polkit::Absent,
            &[Prove, Verify, Look],
        ),
        column("another user, no polkit", outside(PROVER), Polkit::Absent, &[]),
        column("polkit allows `prove`", outside(PROVER), Polkit::There, &[Prove]),
        column("polkit allows `verify`", outside(CHECKER), Polkit::There, &[Verify]),
        column("polkit allows neither", outside(STRANGER), Polkit::There, &[]),
        column("the agent's own user", outside(SERVICE), Polkit::There, &[]),
        column("polkit hangs", outside(PROVER), Polkit::Hangs, &[]),
        column("root, polkit hangs", outside(ROOT), Polkit::Hangs, &[Prove, Verify, Look, End]),
        column(
            "group, polkit hangs",
            Who { user: MEMBER, is_member: true },
            Polkit::Hangs,
            &[Prove, Verify, Look],
        ),
    ];

    let mut scene = Scene::start().await;
    let methods = Method::all(&scene.bus.connect().await).await;
    let mut outcomes = vec![Vec::new(); methods.len()];
    let mut running = None;
    for column in &columns {
        if column.polkit != Polkit::Absent && running.is_none() {
            running = Some(scene.start_polkit().await);
        }
        if column.polkit == Polkit::Hangs {
            running.as_ref().unwrap().signal(Signal::SIGSTOP);
        }
        let connection = scene.connect(column.who).await;
        for (method, outcomes) in methods.iter().zip(&mut outcomes) {
            let outcome = method.call(&connection).await;
            let needs = needs(method);
            let title = column.title;
            assert_eq!(
                outcome == Outcome::Yes,
                column.may.contains(&needs),
                "{title}: {method:?}, which needs {needs:?}, came to {outcome:?}"
            );
            if let Outcome::NotAuthorized(text) = &outcome {
                says_what_to_do(text, needs, column.polkit);
            }
            outcomes.push(outcome);
        }
    }
    println!("{}", markdown(&columns, &methods, &outcomes));
}

/// What the contract says of this method.
fn needs(method: &Method) -> Needs {
    match (method.interface.as_str(), method.name.as_str()) {
        (VERIFIER_INTERFACE, _) => Needs::Verify,
        (IDENTITY_INTERFACE, "Prove" | "Genesis" | "Introduce" | "Hop") => Needs::Prove,
        (IDENTITY_INTERFACE, "Report" | "Diagnose" | "Callers" | "Audit") => Needs::Look,
        (IDENTITY_INTERFACE, "End") => Needs::End,
        _ => panic!("the contract says not who may: {method:?}"),
    }
}

fn says_what_to_do(text: &str, needs: Needs, polkit: Polkit) {
    assert!(text.contains("adduser USER selfsame"), "{text}");
    let action = match needs {
        Needs::Prove => "org.selfsame.prove",
        Needs::Verify => "org.selfsame.verify",
        Needs::Look | Needs::End => return assert!(!text.contains("polkit"), "{text}"),
    };
    let why = match polkit {
        Polkit::Absent => "there is no polkit to ask",
        Polkit::There => "polkit does not allow it",
        Polkit::Hangs => "polkit does not answer",
    };
    assert!(text.contains(why) && text.contains(action), "{text}");
}

fn markdown(columns: &[Column], methods: &[Method], outcomes: &[Vec<Outcome>]) -> String {
    let mut table = String::from("| method |");
    for column in columns {
        write!(table, " {} |", column.title).unwrap();
    }
    table += "\n|";
    table += &" --- |".repeat(columns.len() + 1);
    for (method, outcomes) in methods.iter().zip(outcomes) {
        let interface = method.interface.trim_start_matches("org.selfsame.");
        write!(table, "\n| `{interface}.{}` |", method.name).unwrap();
        for outcome in outcomes {
            write!(table, " {outcome} |").unwrap();
        }
    }
    table
}

const ROOT: User = User { name: "root", uid: 0 };
