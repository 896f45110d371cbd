#!/usr/bin/python3
"""Shows on the desktop what a person has to look at: an agent's alarms, and lineages that end. Debian: python3-gi.

    notify.py        from the system bus (DBUS_SYSTEM_BUS_ADDRESS) to the session's notifications, until it is ended
"""
from gi.repository import Gio, GLib

AGENT, PATH = "org.selfsame.Agent1", "/org/selfsame/Agent1"
SYSTEM, SESSION = (Gio.bus_get_sync(bus) for bus in (Gio.BusType.SYSTEM, Gio.BusType.SESSION))


def notify(summary, body, urgency):
    """Urgency as the desktop has it: 1 normal, 2 critical, which stays until a person has seen it."""
    arguments = ("selfsame", 0, "security-medium", summary, body, [], {"urgency": GLib.Variant("y", urgency)}, -1)
    SESSION.call_sync("org.freedesktop.Notifications", "/org/freedesktop/Notifications", "org.freedesktop.Notifications",
                      "Notify", GLib.Variant("(susssasa{sv}i)", arguments), None, Gio.DBusCallFlags.NONE, -1)


def told(_bus, _sender, _path, _interface, signal, arguments):
    arguments = arguments.unpack()
    if signal == "ForkFound":
        peer = arguments[0] or "a host that is forgotten"
        notify(f"{peer} was copied", "Its lineage is never accepted again. Make sure which of the two is it.", 2)
    elif signal == "LineageEnded":
        lineage, reason, successor = arguments
        notify("This host's lineage has ended", f"Reason: {reason}. {lineage} is followed by {successor}.", 1)
    elif arguments[1].get("ForeignAnchors"):  # PropertiesChanged: interface, what changed, what is no longer known
        count = arguments[1]["ForeignAnchors"]
        notify("Somebody may have answered in this host's name", f"Challenges with a foreign anchor: {count}.", 2)


def listen(interface, signal, first=None):
    SYSTEM.signal_subscribe(AGENT, interface, signal, PATH, first, Gio.DBusSignalFlags.NONE, told)


listen("org.selfsame.Verifier1", "ForkFound")
listen("org.selfsame.Identity1", "LineageEnded")
listen("org.freedesktop.DBus.Properties", "PropertiesChanged", "org.selfsame.Identity1")
SYSTEM.call_sync("org.freedesktop.DBus", "/", "org.freedesktop.DBus.Peer", "Ping", None, None, 0, -1)  # they are heard now
print("listening", flush=True)
GLib.MainLoop().run()
