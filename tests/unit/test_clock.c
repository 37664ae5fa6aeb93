/* The clock: what the kernel's answers mean, and how seldom it is asked. The three calls that
 * clock.c makes are answered here. */
#include "platform/clock.h"
#include "support/suite.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/timex.h>
#include <time.h>

static struct timespec wall, monotonic;
static struct timex kernel;
static int kernel_returns;
static unsigned kernel_asked;
static unsigned zone_asked;
static long zone_offset;

int clock_gettime(clockid_t id, struct timespec *now)
{
    *now = id == CLOCK_REALTIME ? wall : monotonic;
    return 0;
}

int adjtimex(struct timex *answer)
{
    ck_assert_uint_eq(answer->modes, 0);
    kernel_asked++;
    if (kernel_returns < 0)
        errno = EPERM;
    else
        *answer = kernel;
    return kernel_returns;
}

struct tm *localtime_r(const time_t *second, struct tm *local)
{
    (void)second;
    zone_asked++;
    *local = (struct tm){.tm_gmtoff = zone_offset};
    return local;
}

static const struct {
    const char *what;
    int returned;
    int status;
    long maxerror;
    bool synchronised;
    enum etd_leap leap;
} answers[] = {
    {"disciplined", TIME_OK, STA_PLL, 1234, true, ETD_LEAP_NONE},
    {"leap second announced", TIME_INS, STA_PLL | STA_INS, 0, true, ETD_LEAP_INSERT},
    {"leap second to be left out", TIME_DEL, STA_PLL | STA_DEL, 0, true, ETD_LEAP_DELETE},
    {"leap second, without rtcsync", TIME_ERROR, STA_UNSYNC | STA_INS, 10, true, ETD_LEAP_INSERT},
    {"in the leap second", TIME_OOP, STA_PLL | STA_INS, 0, true, ETD_LEAP_INSERT},
    {"behind the leap second", TIME_WAIT, STA_PLL | STA_INS, 0, true, ETD_LEAP_NONE},
    {"leap second of a lost clock", TIME_ERROR, STA_UNSYNC | STA_INS, 16000000, false,
     ETD_LEAP_NONE},
    {"just below the limit", TIME_OK, STA_PLL, 15999999, true, ETD_LEAP_NONE},
    {"at the limit", TIME_OK, STA_PLL, 16000000, false, ETD_LEAP_NONE},
    {"beyond the limit", TIME_OK, STA_PLL, 17000000, false, ETD_LEAP_NONE},
    {"disciplined without rtcsync", TIME_ERROR, STA_UNSYNC, 10, true, ETD_LEAP_NONE},
    {"never set since the boot", TIME_ERROR, STA_UNSYNC, 16000000, false, ETD_LEAP_NONE},
    {"faulty reference", TIME_ERROR, STA_PLL | STA_CLOCKERR, 10, false, ETD_LEAP_NONE},
    {"bound that makes no sense", TIME_OK, STA_PLL, -1, false, ETD_LEAP_NONE},
    {"call refused", -1, 0, 0, false, ETD_LEAP_NONE},
};

START_TEST(clock_in_doubt_is_not_synchronised)
{
    struct timex answer = {.status = answers[_i].status, .maxerror = answers[_i].maxerror};
    struct etd_clock_quality quality = etd_clock_quality(answers[_i].returned, &answer);
    ck_assert_msg(quality.synchronised == answers[_i].synchronised, "%s", answers[_i].what);
    if (quality.synchronised)
        ck_assert_uint_eq(quality.max_error_us, answers[_i].maxerror);
    ck_assert_msg(quality.leap == answers[_i].leap, "%s", answers[_i].what);
}
END_TEST

START_TEST(reading_is_the_wall_clock_with_zone_and_quality)
{
    struct etd_clock_reading reading;
    wall = (struct timespec){.tv_sec = 1795354415, .tv_nsec = 123456789};
    zone_offset = -12600;
    kernel = (struct timex){.maxerror = 77};
    etd_clock_read(&reading);
    ck_assert_int_eq(reading.now.seconds, 1795354415);
    ck_assert_uint_eq(reading.now.nanoseconds, 123456789);
    ck_assert_int_eq(reading.utc_offset, -12600);
    ck_assert(reading.quality.synchronised);
    ck_assert_uint_eq(reading.quality.max_error_us, 77);
}
END_TEST

START_TEST(kernel_is_asked_once_a_second_whatever_the_wall_clock_does)
{
    struct etd_clock_reading reading;
    monotonic = (struct timespec){.tv_sec = 50, .tv_nsec = 500000000};
    etd_clock_read(&reading);
    ck_assert(reading.quality.synchronised);
    kernel.maxerror = 16000000;
    wall.tv_sec = 1000000000;
    monotonic = (struct timespec){.tv_sec = 51, .tv_nsec = 499000000};
    etd_clock_read(&reading);
    ck_assert_uint_eq(kernel_asked, 1);
    ck_assert(reading.quality.synchronised);
    wall.tv_sec = 10;
    monotonic = (struct timespec){.tv_sec = 51, .tv_nsec = 500000000};
    etd_clock_read(&reading);
    ck_assert_uint_eq(kernel_asked, 2);
    ck_assert(!reading.quality.synchronised);
}
END_TEST

START_TEST(refusal_is_not_taken_for_a_good_clock)
{
    struct etd_clock_reading reading;
    kernel_returns = -1;
    etd_clock_read(&reading);
    ck_assert(!reading.quality.synchronised);
    etd_clock_read(&reading);
    ck_assert_uint_eq(kernel_asked, 1);
}
END_TEST

START_TEST(zone_is_looked_up_once_for_a_second)
{
    struct etd_clock_reading reading;
    wall = (struct timespec){.tv_sec = 0};
    etd_clock_read(&reading);
    wall.tv_nsec = 999999999;
    etd_clock_read(&reading);
    ck_assert_uint_eq(zone_asked, 1);
    zone_offset = 3600;
    wall = (struct timespec){.tv_sec = 1};
    etd_clock_read(&reading);
    ck_assert_uint_eq(zone_asked, 2);
    ck_assert_int_eq(reading.utc_offset, 3600);
    /* Set back. */
    zone_offset = 7200;
    wall.tv_sec = 0;
    etd_clock_read(&reading);
    ck_assert_int_eq(reading.utc_offset, 7200);
}
END_TEST

START_TEST(monotonic_time_is_in_milliseconds)
{
    monotonic = (struct timespec){.tv_sec = 4294968, .tv_nsec = 1999999};
    ck_assert_uint_eq(etd_clock_monotonic_ms(), 4294968001);
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("clock");
    TCase *clock = tcase_create("clock");
    tcase_add_loop_test(clock, clock_in_doubt_is_not_synchronised, 0,
                        sizeof answers / sizeof answers[0]);
    tcase_add_test(clock, reading_is_the_wall_clock_with_zone_and_quality);
    tcase_add_test(clock, kernel_is_asked_once_a_second_whatever_the_wall_clock_does);
    tcase_add_test(clock, refusal_is_not_taken_for_a_good_clock);
    tcase_add_test(clock, zone_is_looked_up_once_for_a_second);
    tcase_add_test(clock, monotonic_time_is_in_milliseconds);
    suite_add_tcase(suite, clock);
    return suite;
}
