/* The table of connections: room that grows while records stay where they are. */
#include "daemon/connections.h"
#include "echotimed/config.h"
#include "support/suite.h"

static const struct etd_session_settings settings;

static struct etd_connection *take(struct etd_connections *connections)
{
    struct etd_connection *connection = etd_connections_take(connections);
    if (connection != NULL)
        connection->session.settings = &settings;
    return connection;
}

START_TEST(there_are_as_many_as_the_room_and_more_when_it_grows)
{
    struct etd_connections connections;
    ck_assert(etd_connections_open(&connections));
    ck_assert_ptr_null(take(&connections));
    ck_assert(etd_connections_make_room(&connections, 2));
    struct etd_connection *first = take(&connections), *second = take(&connections);
    ck_assert_ptr_nonnull(second);
    ck_assert_ptr_null(take(&connections));
    ck_assert(etd_connections_make_room(&connections, 1)); /* never less */
    ck_assert_uint_eq(connections.capacity, 2);
    ck_assert(etd_connections_make_room(&connections, 3));
    ck_assert_uint_eq(etd_connections_id(&connections, first), 0);
    ck_assert_uint_eq(etd_connections_id(&connections, second), 1);
    ck_assert_uint_eq(etd_connections_id(&connections, take(&connections)), 2);
    ck_assert_ptr_null(take(&connections));
    etd_connections_give(&connections, second);
    ck_assert_ptr_eq(take(&connections), second);
    etd_connections_close(&connections);
}
END_TEST

/* The last record can be written, and has a place in the wheel. */
START_TEST(the_greatest_room_is_there)
{
    struct etd_connections connections;
    ck_assert(etd_connections_open(&connections));
    ck_assert(etd_connections_make_room(&connections, ETD_CONNECTIONS_MAX));
    connections.used = ETD_CONNECTIONS_MAX - 1;
    struct etd_connection *last = take(&connections);
    ck_assert_ptr_nonnull(last);
    uint32_t id = etd_connections_id(&connections, last);
    etd_wheel_add(&connections.wheel, id, 100, 0);
    ck_assert_uint_eq(etd_wheel_expire(&connections.wheel, 1000), id);
    etd_connections_give(&connections, last);
    etd_connections_close(&connections);
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("connections");
    TCase *tests = tcase_create("table");
    tcase_add_test(tests, there_are_as_many_as_the_room_and_more_when_it_grows);
    tcase_add_test(tests, the_greatest_room_is_there);
    suite_add_tcase(suite, tests);
    return suite;
}
