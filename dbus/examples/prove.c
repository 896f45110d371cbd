// A host proves to a relying party that it is still itself: both sides, on one host. Debian: libsystemd-dev.
//
//     cc prove.c -lsystemd -o prove && ./prove [WHOM]    WHOM you mean to talk to; the relying party here is `door`
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

typedef struct { const void *data; size_t size; } bytes;
static sd_bus *bus;
static sd_bus_error error;

static void check(int result) {
    if (result >= 0) return;
    fprintf(stderr, "refused: %s: %s\n", error.name ? error.name : "sd-bus", error.message ? error.message : strerror(-result));
    exit(1);
}

// Calls the agent with texts (s) and bytes (y), and no options. NULL: it refused, and `error` says why.
static sd_bus_message *call(const char *interface, const char *method, const char *types, ...) {
    sd_bus_message *message, *reply = NULL;
    check(sd_bus_message_new_method_call(bus, &message, "org.selfsame.Agent1", "/org/selfsame/Agent1", interface, method));
    va_list arguments;
    va_start(arguments, types);
    for (; *types; types++) {
        if (*types == 's') check(sd_bus_message_append(message, "s", va_arg(arguments, const char *)));
        else { bytes b = va_arg(arguments, bytes); check(sd_bus_message_append_array(message, 'y', b.data, b.size)); }
    }
    va_end(arguments);
    check(sd_bus_message_append(message, "a{sv}", 0));
    sd_bus_error_free(&error);
    int result = sd_bus_call(bus, message, 0, &error, &reply);
    if (!sd_bus_error_is_set(&error)) check(result);
    return reply;
}

static bytes read_bytes(sd_bus_message *reply) {
    bytes b;
    check(reply ? sd_bus_message_read_array(reply, 'y', &b.data, &b.size) : -1);
    return b;
}

// Goes to the value of this name in an a{sv}.
static void find(sd_bus_message *reply, const char *name) {
    const char *key = "";
    check(sd_bus_message_enter_container(reply, 'a', "{sv}"));
    for (;;) {
        check(sd_bus_message_enter_container(reply, 'e', "sv") > 0 ? 1 : -1);
        check(sd_bus_message_read(reply, "s", &key));
        if (strcmp(key, name) == 0) return;
        check(sd_bus_message_skip(reply, "v"));
        check(sd_bus_message_exit_container(reply));
    }
}

int main(int count, char **arguments) {
    check(sd_bus_open_system(&bus)); // DBUS_SYSTEM_BUS_ADDRESS names another
    const char *host = "org.selfsame.Identity1", *party = "org.selfsame.Verifier1";
    bytes hello = {"hello", 5}, challenge, proof, said;
    // at the relying party, on the host, and at the relying party again
    challenge = read_bytes(call(party, "Challenge", "ss", "door", "web1"));
    proof = read_bytes(call(host, "Prove", "syy", count > 1 ? arguments[1] : "door", challenge, hello));
    sd_bus_message *verdict = call(party, "Verify", "sy", "web1", proof);
    // trust on first use: whoever answers is web1 from now on. `Meet`, by a channel that you trust, is better.
    if (!verdict && sd_bus_error_has_name(&error, "org.selfsame.Error.UnknownPeer"))
        verdict = call(party, "Enrol", "sy", "web1", proof);
    check(verdict ? 0 : -1);

    int first;
    uint32_t user;
    find(verdict, "first");
    check(sd_bus_message_read(verdict, "v", "b", &first));
    check(sd_bus_message_rewind(verdict, 1));
    find(verdict, "payload");
    check(sd_bus_message_enter_container(verdict, 'v', "ay"));
    said = read_bytes(verdict);
    check(sd_bus_message_rewind(verdict, 1));
    find(verdict, "subject");
    check(sd_bus_message_enter_container(verdict, 'v', "a{sv}"));
    find(verdict, "uid");
    check(sd_bus_message_read(verdict, "v", "u", &user));
    printf("%s web1: user %u says %.*s\n", first ? "met" : "still", user, (int)said.size, (const char *)said.data);
}
