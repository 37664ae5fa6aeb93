/* Every service that datagrams can ask, with arbitrary datagrams, clocks and settings: an answer keeps
 * within its bounds and is the same when asked again, nothing is written where nothing is said, and
 * no answer but echo's is a request to any service.
 *
 * Input: a byte for the service, 24 of clock and settings, and the datagram. */
#include "echotimed/service.h"
#include "echotimed/stamp_sessions.h"
#include "fuzz/fuzz.h"
#include "support/require.h"

#include <string.h>

enum { HEAD = 25, DATAGRAM = 65507 };

struct surroundings {
    struct etd_clock_reading clock;
    struct etd_time_settings times;
    struct etd_stamp_session session;
    struct etd_request request;
};

static void read_surroundings(struct etd_reader *reader, struct surroundings *around)
{
    *around =
        (struct surroundings){.clock.now.seconds = (int64_t)etd_read_u64(reader),
                              .clock.now.nanoseconds = etd_read_u32(reader) % 1000000000,
                              .clock.utc_offset = (int32_t)(etd_read_u32(reader) % 172799) - 86399};
    uint8_t flags = etd_read_u8(reader);
    around->clock.quality = (struct etd_clock_quality){.synchronised = flags & 1,
                                                       .leap = (enum etd_leap)((flags >> 1) % 3),
                                                       .max_error_us = etd_read_u32(reader)};
    around->times = (struct etd_time_settings){.ntp_stratum = (uint8_t)(1 + flags % 15),
                                               .ntp_refid = {'L', 'O', 'C', 'L'},
                                               .stamp_tlvs = flags & 8};
    uint8_t more = etd_read_u8(reader);
    around->session = (struct etd_stamp_session){.sequence = more, .transmitted = flags};
    around->request = (struct etd_request){
        .transport = ETD_UDP,
        .time_format = (enum etd_time_format)(more % ETD_TIME_FORMATS),
        .require_sync = flags & 16,
        .clock = &around->clock,
        .times = &around->times,
        .received = around->clock.now,
        .ttl = etd_read_u8(reader),
        .class_kept = flags & 32,
        .traffic_class = etd_read_u8(reader),
        .stamp_session = flags & 64 ? &around->session : NULL,
    };
}

/* Whether there is an answer; `room` has exactly the bytes that the service may write. */
static bool ask(const struct etd_service *service, const struct etd_request *request,
                uint8_t room[DATAGRAM], struct etd_bytes *answer)
{
    struct etd_writer reply = etd_writer(room, service->reply_max);
    enum etd_verdict verdict = etd_service_answer(service, request, &reply);
    ETD_REQUIRE(!reply.failed);
    ETD_REQUIRE(verdict != ETD_VERDICT_SAME || reply.at == reply.start);
    ETD_REQUIRE(verdict != ETD_VERDICT_SILENT || reply.at == reply.start);
    *answer = verdict == ETD_VERDICT_SAME ? request->payload : etd_writer_bytes(&reply);
    return verdict == ETD_VERDICT_REPLY || verdict == ETD_VERDICT_SAME;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t first_room[DATAGRAM], again_room[DATAGRAM];
    struct surroundings around;
    struct etd_bytes answer, again;
    if (size < HEAD || size > HEAD + DATAGRAM)
        return 0;
    struct etd_reader reader = etd_reader(etd_bytes(data, size));
    const struct etd_service *service = etd_services[etd_read_u8(&reader) % ETD_SERVICE_COUNT];
    if (!service->udp)
        return 0;
    read_surroundings(&reader, &around);
    around.request.payload = etd_read_bytes(&reader, size - HEAD);
    bool told = ask(service, &around.request, first_room, &answer);
    ETD_REQUIRE(ask(service, &around.request, again_room, &again) == told);
    ETD_REQUIRE(!told || etd_bytes_equal(answer, again));
    if (around.request.require_sync && !around.clock.quality.synchronised)
        ETD_REQUIRE(!told || !service->tells_time);
    if (!told || service->same)
        return 0;
    around.request.payload = answer;
    for (size_t i = 0; i < ETD_SERVICE_COUNT; i++) {
        if (i != ETD_SERVICE_ECHO && etd_services[i]->udp)
            ETD_REQUIRE(!ask(etd_services[i], &around.request, again_room, &again));
    }
    return 0;
}
