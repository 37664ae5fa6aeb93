/* The service stamp with arbitrary datagrams, clocks and settings: what it answers is the reflected
 * packet, as long as it must be, with the same TLVs in the same places, and no request to ntp or
 * stamp.
 *
 * Input: 20 bytes of clock, settings and session, and the datagram. */
#include "echotimed/ntp_packet.h"
#include "echotimed/ntp_time.h"
#include "echotimed/service.h"
#include "echotimed/stamp_packet.h"
#include "echotimed/stamp_sessions.h"
#include "fuzz/fuzz.h"
#include "support/require.h"

enum { HEAD = 20 };

/* Flags may differ, and the values of the TLVs that are answered; types and lengths may not. */
static void check_tlvs(struct etd_bytes asked, struct etd_bytes told, bool processed)
{
    ETD_REQUIRE(asked.size == told.size);
    if (!processed) {
        ETD_REQUIRE(etd_bytes_equal(asked, told));
        return;
    }
    struct etd_reader in = etd_reader(asked), out = etd_reader(told);
    while (etd_reader_left(&in) >= ETD_STAMP_TLV_HEADER) {
        (void)etd_read_u8(&in);
        uint8_t flags = etd_read_u8(&out), type = etd_read_u8(&in);
        uint16_t size = etd_read_u16(&in);
        ETD_REQUIRE(etd_read_u8(&out) == type && etd_read_u16(&out) == size);
        ETD_REQUIRE((flags & ~(ETD_STAMP_TLV_UNRECOGNISED | ETD_STAMP_TLV_MALFORMED)) == 0);
        if (size > etd_reader_left(&in)) {
            ETD_REQUIRE(flags & ETD_STAMP_TLV_MALFORMED);
            size = (uint16_t)etd_reader_left(&in);
        }
        struct etd_bytes was = etd_read_bytes(&in, size), is = etd_read_bytes(&out, size);
        ETD_REQUIRE(flags == 0 || etd_bytes_equal(was, is));
        ETD_REQUIRE(flags != 0 || type == ETD_STAMP_TLV_EXTRA_PADDING ||
                    type == ETD_STAMP_TLV_CLASS_OF_SERVICE || type == ETD_STAMP_TLV_FOLLOW_UP);
    }
}

static void check_answer(const struct etd_request *request, struct etd_bytes answer)
{
    struct etd_bytes asked = request->payload;
    struct etd_stamp_sender sender;
    struct etd_stamp_reflected told;
    ETD_REQUIRE(answer.size == (asked.size < ETD_STAMP_PACKET ? ETD_STAMP_PACKET : asked.size));
    ETD_REQUIRE(etd_stamp_read_sender(asked, &sender) && etd_stamp_read_reflected(answer, &told));
    ETD_REQUIRE(told.sender.sequence == sender.sequence);
    ETD_REQUIRE(told.sender.timestamp == sender.timestamp);
    ETD_REQUIRE(told.sender.error_estimate == sender.error_estimate && told.ssid == sender.ssid);
    ETD_REQUIRE(told.sequence == (request->stamp_session != NULL ? request->stamp_session->sequence
                                                                 : sender.sequence));
    ETD_REQUIRE((told.error_estimate & 0xff) != 0 &&
                (told.error_estimate & ETD_ERROR_ESTIMATE_Z) == 0);
    ETD_REQUIRE(((told.error_estimate & ETD_ERROR_ESTIMATE_S) != 0) ==
                request->clock->quality.synchronised);
    ETD_REQUIRE(told.ttl == (request->ttl != 0 ? request->ttl : 255));
    if (asked.size > ETD_STAMP_PACKET)
        check_tlvs(etd_bytes(asked.data + ETD_STAMP_PACKET, asked.size - ETD_STAMP_PACKET),
                   etd_bytes(answer.data + ETD_STAMP_PACKET, answer.size - ETD_STAMP_PACKET),
                   request->times->stamp_tlvs);
    ETD_REQUIRE(etd_stamp_is_reflected(answer));
    ETD_REQUIRE(!etd_stamp_is_request(answer));
    ETD_REQUIRE(!etd_ntp_is_request(answer));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEAD || size - HEAD > 65507)
        return 0;
    struct etd_reader reader = etd_reader(etd_bytes(data, size));
    struct etd_clock_reading clock = {.now.seconds = (int64_t)etd_read_u64(&reader)};
    clock.now.nanoseconds = etd_read_u32(&reader) % 1000000000;
    uint8_t flags = etd_read_u8(&reader);
    clock.quality =
        (struct etd_clock_quality){.synchronised = flags & 1, .max_error_us = flags * 1000u};
    struct etd_time_settings times = {.stamp_tlvs = flags & 2};
    struct etd_request request = {.transport = ETD_UDP,
                                  .clock = &clock,
                                  .times = &times,
                                  .received = clock.now,
                                  .class_kept = flags & 8};
    request.ttl = etd_read_u8(&reader);
    request.traffic_class = etd_read_u8(&reader);
    (void)etd_read_u8(&reader);
    struct etd_stamp_session session = {.sequence = etd_read_u32(&reader), .transmitted = flags};
    request.stamp_session = flags & 4 ? &session : NULL;
    request.payload = etd_read_bytes(&reader, size - HEAD);

    const struct etd_service *service = etd_services[ETD_SERVICE_STAMP];
    size_t longest =
        request.payload.size < ETD_STAMP_PACKET ? ETD_STAMP_PACKET : request.payload.size;
    uint8_t *room = malloc(longest); /* to the byte, so that a sanitizer sees a step too far */
    ETD_REQUIRE(room != NULL);
    struct etd_writer reply = etd_writer(room, longest);
    enum etd_verdict verdict = etd_service_answer(service, &request, &reply);
    ETD_REQUIRE(!reply.failed);
    ETD_REQUIRE((verdict == ETD_VERDICT_REPLY) == etd_stamp_is_request(request.payload));
    if (verdict == ETD_VERDICT_REPLY)
        check_answer(&request, etd_writer_bytes(&reply));
    else
        ETD_REQUIRE(verdict == ETD_VERDICT_SILENT && reply.at == reply.start);
    free(room);
    return 0;
}
