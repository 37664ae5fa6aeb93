/* The service ntp with arbitrary datagrams, clocks and settings: what it answers is a server's
 * packet for that client, and no request to ntp or stamp.
 *
 * Input: 16 bytes of clock and settings, and the datagram. */
#include "echotimed/ntp_packet.h"
#include "echotimed/ntp_time.h"
#include "echotimed/service.h"
#include "echotimed/stamp_packet.h"
#include "fuzz/fuzz.h"
#include "support/require.h"

enum { HEAD = 16 };

static void check_answer(const struct etd_request *request, struct etd_bytes answer)
{
    const struct etd_clock_reading *clock = request->clock;
    struct etd_ntp_packet asked, told;
    ETD_REQUIRE(answer.size == ETD_NTP_PACKET);
    ETD_REQUIRE(etd_ntp_read(request->payload, &asked) && etd_ntp_read(answer, &told));
    ETD_REQUIRE(asked.mode == ETD_NTP_CLIENT && asked.version >= 1 && asked.version <= 4);
    ETD_REQUIRE(told.mode == ETD_NTP_SERVER && told.version == asked.version);
    ETD_REQUIRE(told.poll == asked.poll && told.origin == asked.transmit);
    ETD_REQUIRE(told.receive != 0 && told.transmit != 0 && told.root_delay == 0);
    ETD_REQUIRE(told.transmit == etd_ntp_from_timestamp(clock->now));
    ETD_REQUIRE(told.receive == etd_ntp_from_timestamp(request->received));
    if (clock->quality.synchronised) {
        ETD_REQUIRE(told.leap == (unsigned)clock->quality.leap);
        ETD_REQUIRE(told.stratum == request->times->ntp_stratum);
        ETD_REQUIRE(told.root_dispersion * 1e6 / 65536 >= clock->quality.max_error_us);
    } else {
        ETD_REQUIRE(told.leap == ETD_NTP_LEAP_UNKNOWN && told.stratum == 0 && told.reference == 0);
    }
    ETD_REQUIRE(!etd_ntp_is_request(answer));
    ETD_REQUIRE(!etd_stamp_is_request(answer));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEAD)
        return 0;
    struct etd_reader reader = etd_reader(etd_bytes(data, size));
    struct etd_clock_reading clock = {.now.seconds = (int64_t)etd_read_u64(&reader)};
    clock.now.nanoseconds = etd_read_u32(&reader) % 1000000000;
    uint8_t flags = etd_read_u8(&reader);
    clock.quality = (struct etd_clock_quality){
        .synchronised = flags & 1, .leap = (enum etd_leap)((flags >> 1) % 3), .max_error_us = 1000};
    struct etd_time_settings times = {.ntp_stratum = etd_read_u8(&reader), .ntp_refid = {1, 2, 3}};
    struct etd_request request = {.transport = ETD_UDP, .clock = &clock, .times = &times};
    request.received = clock.now;
    request.received.seconds -= etd_read_u16(&reader) & (clock.now.seconds > 0 ? 0xffff : 0);
    request.payload = etd_read_bytes(&reader, size - HEAD);

    const struct etd_service *service = etd_services[ETD_SERVICE_NTP];
    uint8_t room[ETD_NTP_PACKET];
    struct etd_writer reply = etd_writer(room, sizeof room);
    enum etd_verdict verdict = etd_service_answer(service, &request, &reply);
    ETD_REQUIRE(!reply.failed);
    ETD_REQUIRE((verdict == ETD_VERDICT_REPLY) == etd_ntp_is_request(request.payload));
    if (verdict == ETD_VERDICT_REPLY)
        check_answer(&request, etd_writer_bytes(&reply));
    else
        ETD_REQUIRE(verdict == ETD_VERDICT_SILENT && reply.at == reply.start);
    return 0;
}
