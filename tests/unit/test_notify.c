/* What the service manager gets, from a socket that stands in for it. */
#include "platform/clock.h"
#include "platform/notify.h"
#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int manager;

/* An abstract name that the kernel chooses, so that no file is left. */
static void be_the_manager(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t length = sizeof address;
    char name[sizeof address.sun_path + 1];
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    ck_assert_int_ge(manager, 0);
    ck_assert_int_eq(bind(manager, (struct sockaddr *)&address, sizeof address.sun_family), 0);
    ck_assert_int_eq(getsockname(manager, (struct sockaddr *)&address, &length), 0);
    snprintf(name, sizeof name, "@%.*s", (int)(length - sizeof address.sun_family - 1),
             address.sun_path + 1);
    setenv("NOTIFY_SOCKET", name, 1);
}

static const char *told(void)
{
    static char message[4096];
    ssize_t size = recv(manager, message, sizeof message - 1, 0);
    ck_assert_msg(size >= 0, "the manager was told nothing");
    message[size] = '\0';
    return message;
}

START_TEST(manager_is_told_each_state)
{
    be_the_manager();
    etd_notify_ready("Serving 2 listeners");
    ck_assert_str_eq(told(), "READY=1\nSTATUS=Serving 2 listeners");
    etd_notify_status("Busy");
    ck_assert_str_eq(told(), "STATUS=Busy");
    etd_notify_stopping("Draining");
    ck_assert_str_eq(told(), "STOPPING=1\nSTATUS=Draining");
    etd_notify_watchdog();
    ck_assert_str_eq(told(), "WATCHDOG=1");
}
END_TEST

/* By the time the manager tells a notice of this reload from one that was on its way before. */
START_TEST(manager_is_told_of_a_reload_and_when_it_began)
{
    be_the_manager();
    unsigned long long before = etd_clock_monotonic_us(), when;
    int end = 0;
    etd_notify_reloading("Reloading");
    const char *text = told();
    ck_assert_int_eq(
        sscanf(text, "RELOADING=1\nMONOTONIC_USEC=%llu\nSTATUS=Reloading%n", &when, &end), 1);
    ck_assert_int_eq(end, (int)strlen(text));
    ck_assert_uint_ge(when, before);
    ck_assert_uint_le(when, etd_clock_monotonic_us());
}
END_TEST

START_TEST(status_cannot_bring_in_a_state_of_its_own)
{
    be_the_manager();
    etd_notify_status("one\nWATCHDOG=trigger\x1b");
    ck_assert_str_eq(told(), "STATUS=one WATCHDOG=trigger ");
}
END_TEST

START_TEST(watchdog_is_asked_for_once)
{
    unsetenv("WATCHDOG_PID");
    setenv("WATCHDOG_USEC", "1500000", 1);
    ck_assert_uint_eq(etd_notify_watchdog_us(), 1500000);
    ck_assert_ptr_null(getenv("WATCHDOG_USEC"));
    ck_assert_uint_eq(etd_notify_watchdog_us(), 0);
    setenv("WATCHDOG_USEC", "soon", 1);
    ck_assert_uint_eq(etd_notify_watchdog_us(), 0);
}
END_TEST

START_TEST(no_manager_or_a_dead_one_is_no_trouble)
{
    unsetenv("NOTIFY_SOCKET");
    ck_assert(!etd_notify_is_heard());
    etd_notify_ready("alone");
    be_the_manager();
    ck_assert(etd_notify_is_heard());
    close(manager);
    etd_notify_ready("still alone");
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("notify");
    TCase *notify = tcase_create("notify");
    tcase_add_test(notify, manager_is_told_each_state);
    tcase_add_test(notify, manager_is_told_of_a_reload_and_when_it_began);
    tcase_add_test(notify, status_cannot_bring_in_a_state_of_its_own);
    tcase_add_test(notify, watchdog_is_asked_for_once);
    tcase_add_test(notify, no_manager_or_a_dead_one_is_no_trouble);
    suite_add_tcase(suite, notify);
    return suite;
}
