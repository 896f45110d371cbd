#!/usr/bin/python3
"""A host proves to a relying party that it is still itself: both sides, on one host. Debian: python3-gi.

    python3 prove.py [WHOM]        WHOM you mean to talk to; the relying party here is called `door`
"""
import sys
from gi.repository import Gio, GLib

BUS = Gio.bus_get_sync(Gio.BusType.SYSTEM)  # DBUS_SYSTEM_BUS_ADDRESS names another


def call(interface, method, signature, *arguments):
    """Calls the agent; gives the first result."""
    return BUS.call_sync("org.selfsame.Agent1", "/org/selfsame/Agent1", f"org.selfsame.{interface}", method,
                         GLib.Variant(signature, arguments), None, Gio.DBusCallFlags.NONE, 30_000).get_child_value(0)


def check(proof):
    """At the relying party: the verdict, of a first meeting if it knows no `web1` yet."""
    try:
        return call("Verifier1", "Verify", "(saya{sv})", "web1", proof, {}).unpack()
    except GLib.Error as error:
        if not is_named(error, "UnknownPeer"):
            raise
    # trust on first use: whoever answers is web1 from now on. `Meet`, by a channel that you trust, is better.
    return call("Verifier1", "Enrol", "(saya{sv})", "web1", proof, {}).unpack()


def is_named(error, name):
    return Gio.DBusError.get_remote_error(error) == f"org.selfsame.Error.{name}"


try:
    whom = sys.argv[1] if len(sys.argv) > 1 else "door"
    challenge = call("Verifier1", "Challenge", "(ssa{sv})", "door", "web1", {}).unpack()  # at the relying party
    proof = call("Identity1", "Prove", "(sayaya{sv})", whom, challenge, b"hello", {}).unpack()  # on the host
    verdict = check(proof)
    who, says = verdict["subject"]["uid"], bytes(verdict["payload"]).decode()
    print(f"{'met' if verdict['first'] else 'still'} web1: user {who} says {says}")
except GLib.Error as error:
    sys.exit(f"refused: {error.message}")
