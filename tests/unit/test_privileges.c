/* Whom a name stands for, and who may become it. That nothing is left behind: tests/fault/test_root.c. */
#include "platform/privileges.h"
#include "platform/socket.h"
#include "support/suite.h"

#include <grp.h>
#include <string.h>
#include <unistd.h>

/* Of every Debian system (base-passwd): user nobody in group nogroup, user games in group games. */
enum { NOBODY = 65534, GAMES_USER = 5, GAMES_GROUP = 60, UNLISTED = 471147 };

static char error[ETD_PRIVILEGES_ERROR];

static struct etd_identity find(const char *user, const char *group)
{
    struct etd_identity identity = {.uid = 0, .gid = 0};
    ck_assert_msg(etd_privileges_find(&identity, user, group, error) == ETD_PRIVILEGES_OK, "%s",
                  error);
    return identity;
}

static void assert_mistaken(const char *user, const char *group, const char *why)
{
    struct etd_identity identity;
    ck_assert_int_eq(etd_privileges_find(&identity, user, group, error), ETD_PRIVILEGES_MISTAKEN);
    ck_assert_msg(strstr(error, why) != NULL, "user '%s' group '%s': %s", user, group, error);
}

START_TEST(a_user_comes_with_its_group_or_another)
{
    static const struct {
        const char *user, *group;
        uid_t uid;
        gid_t gid;
    } rows[] = {
        {"nobody", "", NOBODY, NOBODY},           {"games", "", GAMES_USER, GAMES_GROUP},
        {"games", "nogroup", GAMES_USER, NOBODY}, {"5", "", GAMES_USER, GAMES_GROUP},
        {"nobody", "60", NOBODY, GAMES_GROUP},    {"471147", "471147", UNLISTED, UNLISTED},
        {"4294967294", "1", 4294967294u, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct etd_identity identity = find(rows[i].user, rows[i].group);
        ck_assert_uint_eq(identity.uid, rows[i].uid);
        ck_assert_uint_eq(identity.gid, rows[i].gid);
    }
}
END_TEST

START_TEST(nobody_known_is_nobody)
{
    assert_mistaken("no-such-user", "", "there is no user no-such-user on this host");
    assert_mistaken("nobody", "no-such-group", "there is no group no-such-group on this host");
    assert_mistaken("471147", "", "the id 471147 is in no list of users");
    /* -1 means "as it is" to the calls, and what is longer must not wrap to something else. */
    assert_mistaken("4294967295", "nogroup", "there is no user 4294967295");
    assert_mistaken("4294967301", "nogroup", "there is no user 4294967301");
    assert_mistaken("18446744073709551621", "nogroup", "there is no user 18446744073709551621");
    assert_mistaken("nobody", "4294967295", "there is no group 4294967295");
    assert_mistaken("5x", "nogroup", "there is no user 5x");
}
END_TEST

START_TEST(root_is_no_heir)
{
    assert_mistaken("root", "", "to become root gives up nothing");
    assert_mistaken("0", "nogroup", "to become root gives up nothing");
    assert_mistaken("00", "nogroup", "to become root gives up nothing");
    assert_mistaken("nobody", "root", "would be root's");
    assert_mistaken("nobody", "0", "would be root's");
}
END_TEST

static void become(uid_t uid, gid_t gid)
{
    ck_assert_msg(geteuid() == 0, "giving up root takes root: run this test as root");
    ck_assert_int_eq(setgroups(0, NULL), 0);
    ck_assert_int_eq(setresgid(gid, gid, gid), 0);
    ck_assert_int_eq(setresuid(uid, uid, uid), 0);
}

START_TEST(only_root_can_become_another)
{
    const struct etd_identity nobody = find("nobody", "");
    become(GAMES_USER, GAMES_GROUP);
    ck_assert(!etd_privileges_drop(&nobody, error));
    ck_assert_str_eq(error,
                     "cannot become user 65534 and group 65534 of [daemon] user, having been "
                     "started as 5 and 60; start as root, or leave user out");
    ck_assert(!etd_privileges_dropped());
}
END_TEST

START_TEST(another_group_is_another_identity)
{
    const struct etd_identity other = find("games", "nogroup");
    become(GAMES_USER, GAMES_GROUP);
    ck_assert(!etd_privileges_drop(&other, error));
}
END_TEST

/* Who keeps root as the saved id has given up nothing. */
START_TEST(a_saved_id_of_root_is_found)
{
    const struct etd_identity games = find("games", "");
    ck_assert_msg(geteuid() == 0, "giving up root takes root: run this test as root");
    ck_assert_int_eq(setresgid(GAMES_GROUP, GAMES_GROUP, GAMES_GROUP), 0);
    ck_assert_int_eq(setresuid(GAMES_USER, GAMES_USER, 0), 0);
    ck_assert(!etd_privileges_drop(&games, error));
    ck_assert_int_eq(setresuid(0, 0, 0), 0); /* the way back that it found */
}
END_TEST

START_TEST(who_it_is_already_can_stay)
{
    const struct etd_identity games = find("games", "");
    become(GAMES_USER, GAMES_GROUP);
    ck_assert_msg(etd_privileges_drop(&games, error), "%s", error);
    ck_assert(etd_privileges_dropped());
}
END_TEST

START_TEST(a_low_port_is_too_late_then)
{
    static char message[ETD_SOCKET_ERROR];
    const struct etd_identity nobody = find("nobody", "");
    const struct etd_config_listener listener = {.transport = ETD_TCP, .backlog = 1};
    struct etd_socket_address port7 = {0};
    etd_address_set_ipv4(&port7.address, (const uint8_t[]){127, 0, 0, 1});
    port7.address.port = 7;
    ck_assert_msg(etd_privileges_drop(&nobody, error), "%s", error);
    ck_assert_int_eq(etd_socket_open_tcp(&port7, &listener, message), -1);
    ck_assert_str_eq(message,
                     "cannot bind to TCP 127.0.0.1:7: Permission denied; a port below 1024 takes "
                     "the capability CAP_NET_BIND_SERVICE, which was given up with root for "
                     "[daemon] user: restart to bind it");
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("privileges");
    TCase *tcase = tcase_create("privileges");
    tcase_add_test(tcase, a_user_comes_with_its_group_or_another);
    tcase_add_test(tcase, nobody_known_is_nobody);
    tcase_add_test(tcase, root_is_no_heir);
    tcase_add_test(tcase, only_root_can_become_another);
    tcase_add_test(tcase, another_group_is_another_identity);
    tcase_add_test(tcase, a_saved_id_of_root_is_found);
    tcase_add_test(tcase, who_it_is_already_can_stay);
    tcase_add_test(tcase, a_low_port_is_too_late_then);
    suite_add_tcase(suite, tcase);
    return suite;
}
