/* Times and errors in the formats of NTP and STAMP. */
#include "echotimed/ntp_time.h"

#include "support/random.h"
#include "support/suite.h"

/* The dates of RFC 5905 figure 4, and what lies beside them. */
static const struct {
    int64_t seconds;
    uint32_t nanoseconds;
    uint64_t ntp;
} instants[] = {
    {-2208988800, 1, 0x0000000000000004},         /* 1900-01-01, and 4.29 steps of 2^-32 s */
    {-2208988799, 0, 0x0000000100000000},         /* a second into the era */
    {-3506716800, 0, UINT64_C(2997239296) << 32}, /* 1858-11-17, in the era before */
    {-1, 999999999, 0x83aa7e7ffffffffb},          /* a nanosecond before 1970 */
    {0, 0, 0x83aa7e8000000000},                   /* 2,208,988,800 */
    {63072000, 0, UINT64_C(2272060800) << 32},    /* 1972-01-01 */
    {946598400, 0, UINT64_C(3155587200) << 32},   /* 1999-12-31 */
    {1795354415, 500000000, 0xeead6daf80000000},  /* half a second */
    {1795354415, 123456789, 0xeead6daf1f9add37},  /* 0.123456789 * 2^32 = 530242871.22 */
    {2085978495, 999999999, 0xfffffffffffffffb},  /* the last nanosecond of era 0 */
    {2085978496, 1, 0x0000000000000004},          /* 2036-02-07 06:28:16: era 1 */
    {2147483647, 0, UINT64_C(61505151) << 32},
};

START_TEST(known_instants)
{
    struct etd_timestamp instant = {.seconds = instants[_i].seconds,
                                    .nanoseconds = instants[_i].nanoseconds};
    ck_assert_uint_eq(etd_ntp_from_timestamp(instant), instants[_i].ntp);
    struct etd_timestamp back = etd_ntp_to_timestamp(instants[_i].ntp, instant);
    ck_assert_int_eq(back.seconds, instant.seconds);
    ck_assert_uint_eq(back.nanoseconds, instant.nanoseconds);
}
END_TEST

/* 0 means "not known" on the wire, so no instant may become it. */
START_TEST(the_first_instant_of_an_era_is_not_zero)
{
    static const int64_t starts[] = {-2208988800, 2085978496, 6380945792};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        uint64_t ntp = etd_ntp_from_timestamp((struct etd_timestamp){.seconds = starts[i]});
        ck_assert_uint_eq(ntp, 1);
    }
}
END_TEST

START_TEST(the_era_is_that_of_the_instant_near_by)
{
    /* One second before and behind the turn, seen from the other side. */
    struct etd_timestamp before = {.seconds = 2085978495}, behind = {.seconds = 2085978497};
    ck_assert_int_eq(etd_ntp_to_timestamp(UINT64_C(0xffffffff) << 32, behind).seconds, 2085978495);
    ck_assert_int_eq(etd_ntp_to_timestamp(UINT64_C(1) << 32, before).seconds, 2085978497);
    /* 68 years to either side. */
    struct etd_timestamp now = {.seconds = 1795354415};
    uint64_t wire = etd_ntp_from_timestamp(now);
    ck_assert_int_eq(etd_ntp_to_timestamp(wire + (UINT64_C(0x7fffffff) << 32), now).seconds,
                     now.seconds + 0x7fffffff);
    ck_assert_int_eq(etd_ntp_to_timestamp(wire - (UINT64_C(0x80000000) << 32), now).seconds,
                     now.seconds - INT64_C(0x80000000));
    /* The greatest fractions are within the last nanosecond: they are rounded into the next
     * second. */
    struct etd_timestamp full = etd_ntp_to_timestamp(0x83aa7e80ffffffff, (struct etd_timestamp){0});
    ck_assert_int_eq(full.seconds, 1);
    ck_assert_uint_eq(full.nanoseconds, 0);
}
END_TEST

START_TEST(every_nanosecond_comes_back)
{
    struct etd_random random = etd_random_begin("nanoseconds");
    for (int i = 0; i < 1000000; i++) {
        struct etd_timestamp instant = {
            .seconds = (int64_t)etd_random_below(&random, UINT64_C(1) << 40) - (INT64_C(1) << 39),
            .nanoseconds = (uint32_t)etd_random_below(&random, 1000000000)};
        struct etd_timestamp near = {.seconds = instant.seconds +
                                                (int64_t)etd_random_below(&random, 2000000001) -
                                                1000000000};
        struct etd_timestamp back = etd_ntp_to_timestamp(etd_ntp_from_timestamp(instant), near);
        if (back.seconds != instant.seconds || back.nanoseconds != instant.nanoseconds)
            ck_abort_msg("%" PRId64 ".%09" PRIu32 " comes back as %" PRId64 ".%09" PRIu32,
                         instant.seconds, instant.nanoseconds, back.seconds, back.nanoseconds);
    }
}
END_TEST

START_TEST(the_ends_of_time_are_no_trap)
{
    static const int64_t ends[] = {INT64_MIN, INT64_MAX};
    for (size_t i = 0; i < 2; i++) {
        struct etd_timestamp end = {.seconds = ends[i], .nanoseconds = 999999999};
        (void)etd_ntp_to_timestamp(etd_ntp_from_timestamp(end), end);
        (void)etd_ntp_to_timestamp(UINT64_MAX, end);
        (void)etd_ntp_to_timestamp(1, end);
    }
}
END_TEST

START_TEST(short_format_rounds_up)
{
    static const struct {
        uint64_t us;
        uint32_t wire;
    } cases[] = {
        {0, 0},
        {1, 1},  /* a step is 15.26 us */
        {15, 1}, /* 0.98 steps */
        {16, 2}, /* 1.05 */
        {1000, 66},
        {500000, 0x8000},
        {1000000, 0x10000},
        {1000001, 0x10001},
        {16000000, 0x100000},
        {65534999999, 0xffff0000},
        {65535000000, 0xffffffff},
        {UINT64_MAX, 0xffffffff},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_uint_eq(etd_ntp_short(cases[i].us), cases[i].wire);
}
END_TEST

START_TEST(known_error_estimates)
{
    static const struct {
        bool synchronised;
        uint32_t us;
        uint16_t wire;
    } cases[] = {
        {true, 0, 0x8001},                    /* the multiplier is never 0 */
        {true, 1, 0x8000 | 5 << 8 | 135},     /* 4294.97 / 2^5 = 134.2 */
        {true, 1000, 0x8000 | 15 << 8 | 132}, /* 4294967.3 / 2^15 = 131.07 */
        {true, 1000000, 0x8000 | 25 << 8 | 128},
        {true, 15999999, 0x8000 | 29 << 8 | 128},
        {true, UINT32_MAX, 0x8000 | 37 << 8 | 135}, /* 4294.97 s * 2^32 / 2^37 = 134.2 */
        {false, 0, 29 << 8 | 128},                  /* 16 s, whatever was said */
        {false, 5, 29 << 8 | 128},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct etd_clock_quality quality = {.synchronised = cases[i].synchronised,
                                            .max_error_us = cases[i].us};
        ck_assert_uint_eq(etd_error_estimate(&quality), cases[i].wire);
    }
}
END_TEST

/* Never less than the error, and by less than a part in 127 more. */
START_TEST(error_estimates_are_tight_bounds)
{
    struct etd_random random = etd_random_begin("errors");
    for (int i = 0; i < 1000000; i++) {
        uint32_t us = (uint32_t)(etd_random_next(&random) >> etd_random_between(&random, 32, 63));
        struct etd_clock_quality quality = {.synchronised = true, .max_error_us = us};
        uint16_t wire = etd_error_estimate(&quality);
        uint64_t multiplier = wire & 0xff, scale = wire >> 8 & 0x3f;
        ck_assert((wire & 0xc000) == ETD_ERROR_ESTIMATE_S && multiplier != 0 && scale < 40);
        /* Both in units of 2^-32 us: us * 2^32 below 2^64, multiplier * 2^scale * 10^6 below
         * 2^65. */
        long double told = (long double)(multiplier << scale) * 1e6L;
        long double error = (long double)us * 4294967296.0L;
        if (told < error || (us > 0 && told > error * (1 + 1 / 127.0L)))
            ck_abort_msg("%" PRIu32 " us is told as %04x", us, wire);
    }
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("ntp_time");
    TCase *tests = tcase_create("formats");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, known_instants, 0, sizeof instants / sizeof *instants);
    tcase_add_test(tests, the_first_instant_of_an_era_is_not_zero);
    tcase_add_test(tests, the_era_is_that_of_the_instant_near_by);
    tcase_add_test(tests, every_nanosecond_comes_back);
    tcase_add_test(tests, the_ends_of_time_are_no_trap);
    tcase_add_test(tests, short_format_rounds_up);
    tcase_add_test(tests, known_error_estimates);
    tcase_add_test(tests, error_estimates_are_tight_bounds);
    suite_add_tcase(suite, tests);
    return suite;
}
