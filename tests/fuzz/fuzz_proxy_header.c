/* PROXY headers: in bounds; the same whether the bytes come at once or one by one; and a header that is
 * accepted says what was made of it. */
#include "echotimed/proxy_header.h"
#include "fuzz/fuzz.h"
#include "support/require.h"

#include <string.h>

/* Asks after every byte, as a slow peer has it, and gives the verdict that ends it. */
static enum etd_proxy_decoded decode_slowly(struct etd_bytes input, struct etd_proxy_header *header)
{
    enum etd_proxy_decoded decoded = ETD_PROXY_MORE;
    for (size_t size = 0; size <= input.size && decoded == ETD_PROXY_MORE; size++) {
        decoded = etd_proxy_header_decode(etd_bytes(input.data, size), header);
        if (decoded == ETD_PROXY_MORE) {
            ETD_REQUIRE(header->size > size && header->size <= ETD_PROXY_HEADER_MAX);
            ETD_REQUIRE(!header->names_source);
        } else if (decoded == ETD_PROXY_DONE) {
            ETD_REQUIRE(header->size == size); /* not a byte too late */
        }
    }
    return decoded;
}

/* An IPv4 address has one way to be written: the words must be those of the source. */
static void check_tcp4(struct etd_bytes line, const struct etd_address *source)
{
    char ip[ETD_ADDRESS_TEXT];
    uint8_t text[ETD_PROXY_LINE_MAX];
    struct etd_writer begin = etd_writer(text, sizeof text);
    etd_address_format_ip(source, ip);
    etd_write_text(&begin, "PROXY TCP4 ");
    etd_write_text(&begin, ip);
    etd_write_text(&begin, " ");
    struct etd_bytes expected = etd_writer_bytes(&begin);
    ETD_REQUIRE(line.size > expected.size);
    ETD_REQUIRE(etd_bytes_equal(etd_bytes(line.data, expected.size), expected));

    uint8_t number[8];
    struct etd_writer port = etd_writer(number, sizeof number);
    etd_write_text(&port, " ");
    etd_write_decimal(&port, source->port, 1);
    etd_write_text(&port, " ");
    struct etd_bytes word = etd_writer_bytes(&port);
    ETD_REQUIRE(memmem(line.data, line.size, word.data, word.size) != NULL);
}

static void check_line(struct etd_bytes line, const struct etd_proxy_header *header)
{
    ETD_REQUIRE(line.size <= ETD_PROXY_LINE_MAX);
    ETD_REQUIRE(memcmp(line.data + line.size - 2, "\r\n", 2) == 0);
    ETD_REQUIRE(memchr(line.data, '\n', line.size - 1) == NULL);
    if (!header->names_source)
        ETD_REQUIRE(memcmp(line.data, "PROXY UNKNOWN", 13) == 0);
    else if (memcmp(line.data, "PROXY TCP4 ", 11) == 0)
        check_tcp4(line, &header->source);
    else
        ETD_REQUIRE(memcmp(line.data, "PROXY TCP6 ", 11) == 0);
}

static void check_binary(struct etd_bytes text, const struct etd_proxy_header *header)
{
    const uint8_t *block = text.data + 16;
    ETD_REQUIRE(text.size == 16u + (size_t)(text.data[14] << 8 | text.data[15]));
    if (text.data[12] == 0x20) {
        ETD_REQUIRE(!header->names_source);
    } else if (text.data[13] == 0x11) {
        ETD_REQUIRE(etd_address_is_ipv4(&header->source));
        ETD_REQUIRE(memcmp(header->source.ip + 12, block, 4) == 0);
        ETD_REQUIRE(header->source.port == (block[8] << 8 | block[9]));
    } else {
        ETD_REQUIRE(text.data[12] == 0x21 && text.data[13] == 0x21);
        ETD_REQUIRE(memcmp(header->source.ip, block, 16) == 0);
        ETD_REQUIRE(header->source.port == (block[32] << 8 | block[33]));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct etd_proxy_header header, slow;
    struct etd_bytes input = etd_bytes(data, size);
    enum etd_proxy_decoded decoded = etd_proxy_header_decode(input, &header);
    ETD_REQUIRE(decode_slowly(input, &slow) == decoded);
    if (decoded != ETD_PROXY_DONE)
        return 0;
    ETD_REQUIRE(header.size > 0 && header.size <= size && header.size == slow.size);
    ETD_REQUIRE(header.names_source == slow.names_source);
    ETD_REQUIRE(memcmp(&header.source, &slow.source, sizeof header.source) == 0);
    if (data[0] == 'P')
        check_line(etd_bytes(data, header.size), &header);
    else
        check_binary(etd_bytes(data, header.size), &header);
    return 0;
}
