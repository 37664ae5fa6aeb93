/* TLVs of RFC 8972 section 4. Answered are those of which this reflector knows the answer:
 *
 *   1  Extra Padding            copied
 *   4  Class of Service         where the answer leaves with the DSCP of the request
 *   7  Follow-Up Telemetry      the last answer of the session; zeros from a stateless reflector
 *
 * All others go back as they came, with the flag U. So do Location (2), which would tell strangers
 * the addresses behind a NAT; Timestamp Information (3), since the kernel does not say what its
 * clock follows; Direct Measurement (5), as no other traffic is counted; Access Report (6), which
 * nobody here reads; HMAC (8), for which there is no key; and those that later RFCs define. */
#include "services/stamp_tlv.h"

#include "echotimed/stamp_packet.h"
#include "echotimed/stamp_sessions.h"

enum {
    SIZE_ANY = UINT16_MAX + 1,
    CLASS_OF_SERVICE = 4,     /* bytes of the value */
    FOLLOW_UP = 16,           /* likewise */
    TIMESTAMP_BY_SOFTWARE = 2 /* SW Local, RFC 8972 section 5 */
};

/* DSCP1 is what the sender wants the answer to be sent with; DSCP2 and ECN are what its packet came
 * with, and so is the answer's DSCP: RP says whether that is another than was wanted. */
static void write_class_of_service(const struct etd_request *request, struct etd_bytes value,
                                   struct etd_writer *reply)
{
    unsigned wanted = value.data[0] >> 2;
    unsigned dscp = request->traffic_class >> 2, ecn = request->traffic_class & 3;
    unsigned refused = wanted != dscp;
    etd_write_u16(reply, (uint16_t)(wanted << 10 | dscp << 4 | ecn << 2 | refused));
    etd_write_u16(reply, 0);
}

static bool is_class_known(const struct etd_request *request)
{
    return request->class_kept;
}

static void write_follow_up(const struct etd_request *request, struct etd_bytes value,
                            struct etd_writer *reply)
{
    const struct etd_stamp_session *session = request->stamp_session;
    bool known = session != NULL && session->transmitted != 0;
    (void)value;
    etd_write_u32(reply, known ? session->sequence - 1 : 0);
    etd_write_u64(reply, known ? session->transmitted : 0);
    etd_write_u8(reply, known ? TIMESTAMP_BY_SOFTWARE : 0);
    etd_write_uint(reply, 0, 3);
}

static void write_copy(const struct etd_request *request, struct etd_bytes value,
                       struct etd_writer *reply)
{
    (void)request;
    etd_write_bytes(reply, value);
}

/* What is known of a type. */
struct row {
    uint8_t type;
    uint32_t size;                                    /* that its value must have, or SIZE_ANY */
    bool (*knows)(const struct etd_request *request); /* null: always */
    void (*write)(const struct etd_request *request, struct etd_bytes value,
                  struct etd_writer *reply);
};

static const struct row rows[] = {
    {ETD_STAMP_TLV_EXTRA_PADDING, SIZE_ANY, NULL, write_copy},
    {ETD_STAMP_TLV_CLASS_OF_SERVICE, CLASS_OF_SERVICE, is_class_known, write_class_of_service},
    {ETD_STAMP_TLV_FOLLOW_UP, FOLLOW_UP, NULL, write_follow_up},
};

/* The row by which a TLV of that type is answered; null: it is not. */
static const struct row *find(const struct etd_request *request, uint8_t type)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].type == type)
            return rows[i].knows == NULL || rows[i].knows(request) ? &rows[i] : NULL;
    }
    return NULL;
}

/* Writes `rest`, which begins with a TLV, with these flags in place of its own. */
static void write_flagged(struct etd_bytes rest, unsigned flags, struct etd_writer *reply)
{
    etd_write_u8(reply, (uint8_t)flags);
    etd_write_bytes(reply, etd_bytes(rest.data + 1, rest.size - 1));
}

/* Answers the TLV at the front of `left` and moves behind it. `trusted` becomes false at one that
 * is malformed: where one length is wrong, what follows is not interpreted any more. */
static void write_tlv(const struct etd_request *request, struct etd_reader *left, bool *trusted,
                      struct etd_writer *reply)
{
    struct etd_reader at = *left;
    struct etd_bytes whole = etd_bytes(left->at, etd_reader_left(left));
    (void)etd_read_u8(&at);
    uint8_t type = etd_read_u8(&at);
    size_t size = etd_read_u16(&at);
    struct etd_bytes value = etd_read_bytes(&at, size);
    const struct row *row = *trusted && whole.size > 1 ? find(request, type) : NULL;
    unsigned unrecognised = row == NULL ? ETD_STAMP_TLV_UNRECOGNISED : 0;
    if (at.failed) {
        write_flagged(whole, unrecognised | ETD_STAMP_TLV_MALFORMED, reply);
        left->at = left->end;
        return;
    }
    whole = etd_read_bytes(left, ETD_STAMP_TLV_HEADER + size);
    if (row == NULL) {
        write_flagged(whole, unrecognised, reply);
    } else if (row->size != SIZE_ANY && row->size != size) {
        write_flagged(whole, ETD_STAMP_TLV_MALFORMED, reply);
        *trusted = false;
    } else {
        write_flagged(etd_bytes(whole.data, ETD_STAMP_TLV_HEADER), 0, reply);
        row->write(request, value, reply);
    }
}

void etd_stamp_write_tlvs(const struct etd_request *request, struct etd_bytes tlvs,
                          struct etd_writer *reply)
{
    if (!request->times->stamp_tlvs) {
        etd_write_bytes(reply, tlvs);
        return;
    }
    struct etd_reader left = etd_reader(tlvs);
    bool trusted = true;
    while (etd_reader_left(&left) > 0)
        write_tlv(request, &left, &trusted, reply);
}
