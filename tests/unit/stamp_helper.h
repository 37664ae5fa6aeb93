/* What the tests of the service stamp have in common: one request and its answer. */
#ifndef ECHOTIMED_TESTS_STAMP_HELPER_H
#define ECHOTIMED_TESTS_STAMP_HELPER_H

#include "echotimed/service.h"

#include <check.h>
#include <stdlib.h>

enum { DATAGRAM = 65507 };

/* Sunday, 22 November 2026, 13:33:35.5 UTC, ten microseconds behind the receipt. */
static const struct etd_clock_reading good = {
    .now = {.seconds = 1795354415, .nanoseconds = 500010000},
    .quality = {.synchronised = true, .max_error_us = 1000}};
static const struct etd_clock_reading lost = {
    .now = {.seconds = 1795354415, .nanoseconds = 500010000}};
static const struct etd_time_settings with_tlvs = {.stamp_tlvs = true};
static const struct etd_service *service;

static struct etd_request request;
static uint8_t *told;
static size_t told_size;

static inline void set_up(void)
{
    service = etd_services[ETD_SERVICE_STAMP];
    request = (struct etd_request){.transport = ETD_UDP,
                                   .clock = &good,
                                   .times = &with_tlvs,
                                   .received = {.seconds = 1795354415, .nanoseconds = 500000000},
                                   .ttl = 57};
    told = malloc(DATAGRAM);
    ck_assert_ptr_nonnull(told);
}

static inline void tear_down(void)
{
    free(told);
}

static inline bool ask(const void *bytes, size_t size)
{
    request.payload = etd_bytes(bytes, size);
    struct etd_writer reply = etd_writer(told, service->reply_max);
    enum etd_verdict verdict = etd_service_answer(service, &request, &reply);
    ck_assert(!reply.failed);
    told_size = etd_writer_bytes(&reply).size;
    ck_assert(verdict == ETD_VERDICT_REPLY || (verdict == ETD_VERDICT_SILENT && told_size == 0));
    return verdict == ETD_VERDICT_REPLY;
}

/* A line for each field, or for two that share four bytes. */
/* clang-format off */
static const uint8_t sender[44] = {
    0x00, 0x00, 0x01, 0x02,                         /* sequence number */
    0xee, 0xad, 0x6d, 0xaf, 0x01, 0x23, 0x45, 0x67, /* timestamp */
    0x99, 0x88, 0x12, 0x34,                         /* error estimate, SSID */
};

static const uint8_t reflected[44] = {
    0x00, 0x00, 0x01, 0x02,                         /* the same number */
    0xee, 0xad, 0x6d, 0xaf, 0x80, 0x00, 0xa7, 0xc5, /* sent: .50001 */
    0x8f, 0x84, 0x12, 0x34,                         /* S, 1 ms: 132 * 2^(15 - 32) s; SSID */
    0xee, 0xad, 0x6d, 0xaf, 0x80, 0x00, 0x00, 0x00, /* received: .5 */
    0x00, 0x00, 0x01, 0x02,                         /* what the sender had sent */
    0xee, 0xad, 0x6d, 0xaf, 0x01, 0x23, 0x45, 0x67,
    0x99, 0x88, 0x00, 0x00, 57,   0x00, 0x00, 0x00, /* TTL */
};
/* clang-format on */

#endif
