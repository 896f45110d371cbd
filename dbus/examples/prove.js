#!/usr/bin/gjs
// A host proves to a relying party that it is still itself: both sides, on one host. Debian: gjs.
//
//     gjs prove.js [WHOM]        WHOM you mean to talk to; the relying party here is called `door`
const {Gio, GLib} = imports.gi;

const bus = Gio.bus_get_sync(Gio.BusType.SYSTEM, null); // DBUS_SYSTEM_BUS_ADDRESS names another

/** Calls the agent; gives the first result, bytes as a Uint8Array. */
function call(iface, method, signature, ...args) {
    const reply = bus.call_sync('org.selfsame.Agent1', '/org/selfsame/Agent1', `org.selfsame.${iface}`, method,
        new GLib.Variant(signature, args), null, Gio.DBusCallFlags.NONE, 30_000, null);
    return reply.deepUnpack()[0];
}

/** At the relying party: the verdict, of a first meeting if it knows no `web1` yet. */
function check(proof) {
    try {
        return call('Verifier1', 'Verify', '(saya{sv})', 'web1', proof, {});
    } catch (error) {
        if (Gio.DBusError.get_remote_error(error) !== 'org.selfsame.Error.UnknownPeer')
            throw error;
    }
    // trust on first use: whoever answers is web1 from now on. `Meet`, by a channel that you trust, is better.
    return call('Verifier1', 'Enrol', '(saya{sv})', 'web1', proof, {});
}

try {
    const challenge = call('Verifier1', 'Challenge', '(ssa{sv})', 'door', 'web1', {}); // at the relying party
    const says = new TextEncoder().encode('hello');
    const proof = call('Identity1', 'Prove', '(sayaya{sv})', ARGV[0] ?? 'door', challenge, says, {}); // on the host
    const verdict = check(proof);
    const {uid} = verdict.subject.deepUnpack();
    const said = new TextDecoder().decode(verdict.payload.deepUnpack());
    print(`${verdict.first.unpack() ? 'met' : 'still'} web1: user ${uid.unpack()} says ${said}`);
} catch (error) {
    printerr(`refused: ${error.message}`);
    imports.system.exit(1);
}
