#include "echotimed/proxy_header.h"

/* Whether the input begins as `start` does, as far as there is of it. */
static bool may_start_with(struct etd_bytes input, struct etd_bytes start)
{
    size_t size = input.size < start.size ? input.size : start.size;
    return etd_bytes_equal(etd_bytes(input.data, size), etd_bytes(start.data, size));
}

/* ---- version 1: a line of text */

/* Takes the word up to the next space, or the rest, and that space. */
static struct etd_bytes cut_word(struct etd_bytes *line)
{
    const uint8_t *space = line->size > 0 ? memchr(line->data, ' ', line->size) : NULL;
    size_t size = space != NULL ? (size_t)(space - line->data) : line->size;
    struct etd_bytes word = etd_bytes(line->data, size);
    size_t past = space != NULL ? size + 1 : size;
    *line = etd_bytes(line->data + past, line->size - past);
    return word;
}

/* An address of that family alone. inet_pton takes no zeros in front of an IPv4 number. */
static bool read_ip(struct etd_bytes word, bool ipv4, struct etd_address *address)
{
    char text[ETD_ADDRESS_TEXT] = "";
    if (word.size >= sizeof text || memchr(word.data, '\0', word.size) != NULL)
        return false;
    memcpy(text, word.data, word.size);
    return (strchr(text, ':') == NULL) == ipv4 && etd_address_parse_ip(address, text);
}

/* 0 to 65535, without zeros in front. */
static bool read_port(struct etd_bytes word, uint16_t *port)
{
    uint32_t value = 0;
    if (word.size == 0 || word.size > 5 || (word.size > 1 && word.data[0] == '0'))
        return false;
    for (size_t i = 0; i < word.size; i++) {
        if (word.data[i] < '0' || word.data[i] > '9')
            return false;
        value = value * 10 + (word.data[i] - (uint32_t)'0');
    }
    *port = (uint16_t)value;
    return value <= UINT16_MAX;
}

/* What stands between "PROXY " and CR LF. */
static enum etd_proxy_decoded read_line(struct etd_bytes line, struct etd_proxy_header *header)
{
    struct etd_bytes family = cut_word(&line);
    if (etd_bytes_equal(family, etd_bytes_text("UNKNOWN")))
        return ETD_PROXY_DONE; /* whatever else it says means nothing */
    bool ipv4 = etd_bytes_equal(family, etd_bytes_text("TCP4"));
    if (!ipv4 && !etd_bytes_equal(family, etd_bytes_text("TCP6")))
        return ETD_PROXY_BAD;
    struct etd_address destination;
    struct etd_bytes source_ip = cut_word(&line), destination_ip = cut_word(&line);
    struct etd_bytes source_port = cut_word(&line);
    /* The last word is all that is left: a space in it or behind it is no digit. */
    if (!read_ip(source_ip, ipv4, &header->source) ||
        !read_ip(destination_ip, ipv4, &destination) ||
        !read_port(source_port, &header->source.port) || !read_port(line, &destination.port))
        return ETD_PROXY_BAD;
    header->names_source = true;
    return ETD_PROXY_DONE;
}

static enum etd_proxy_decoded decode_text(struct etd_bytes input, struct etd_bytes start,
                                          struct etd_proxy_header *header)
{
    size_t size = input.size < ETD_PROXY_LINE_MAX ? input.size : ETD_PROXY_LINE_MAX;
    const uint8_t *cr = memchr(input.data, '\r', size);
    const uint8_t *lf = memchr(input.data, '\n', size);
    bool ends_in_cr = cr != NULL && cr == input.data + size - 1;
    if (lf == NULL && (cr == NULL || ends_in_cr) && size < ETD_PROXY_LINE_MAX) {
        header->size = ETD_PROXY_LINE_MAX;
        return ETD_PROXY_MORE;
    }
    if (lf == NULL || cr == NULL || cr + 1 != lf)
        return ETD_PROXY_BAD;
    header->size = (size_t)(lf + 1 - input.data);
    size_t line = header->size - start.size - strlen("\r\n");
    return read_line(etd_bytes(input.data + start.size, line), header);
}

/* ---- version 2: binary */

enum { VERSION_2 = 0x2, LOCAL = 0x0, PROXY = 0x1, TCP_OVER_IPV4 = 0x11, TCP_OVER_IPV6 = 0x21 };
enum { FIXED_SIZE = 16, IPV4_SIZE = 4, IPV6_SIZE = 16 };

/* The block of addresses: source, destination, and their ports. */
static enum etd_proxy_decoded read_block(struct etd_bytes block, uint8_t family,
                                         struct etd_proxy_header *header)
{
    bool ipv4 = family == TCP_OVER_IPV4;
    size_t ip_size = ipv4 ? IPV4_SIZE : IPV6_SIZE;
    struct etd_reader reader = etd_reader(block);
    struct etd_bytes source_ip = etd_read_bytes(&reader, ip_size);
    (void)etd_read_bytes(&reader, ip_size);
    uint16_t source_port = etd_read_u16(&reader);
    (void)etd_read_u16(&reader);
    if (reader.failed)
        return ETD_PROXY_BAD;
    if (ipv4)
        etd_address_set_ipv4(&header->source, source_ip.data);
    else
        memcpy(header->source.ip, source_ip.data, IPV6_SIZE);
    header->source.port = source_port;
    header->names_source = true;
    return ETD_PROXY_DONE;
}

static enum etd_proxy_decoded decode_binary(struct etd_bytes input, struct etd_bytes start,
                                            struct etd_proxy_header *header)
{
    struct etd_reader reader = etd_reader(input);
    (void)etd_read_bytes(&reader, start.size);
    uint8_t version_and_command = etd_read_u8(&reader);
    uint8_t family = etd_read_u8(&reader);
    size_t length = etd_read_u16(&reader);
    header->size = FIXED_SIZE;
    if (reader.failed)
        return ETD_PROXY_MORE;
    uint8_t command = version_and_command & 0xf;
    bool known = command == LOCAL ||
                 (command == PROXY && (family == TCP_OVER_IPV4 || family == TCP_OVER_IPV6));
    header->size = FIXED_SIZE + length;
    if (version_and_command >> 4 != VERSION_2 || !known || header->size > ETD_PROXY_HEADER_MAX)
        return ETD_PROXY_BAD;
    struct etd_bytes block = etd_read_bytes(&reader, length);
    if (reader.failed)
        return ETD_PROXY_MORE;
    return command == LOCAL ? ETD_PROXY_DONE : read_block(block, family, header);
}

/* ---- both */

enum etd_proxy_decoded etd_proxy_header_decode(struct etd_bytes input,
                                               struct etd_proxy_header *header)
{
    static const uint8_t signature[] = {'\r', '\n', '\r', '\n', '\0', '\r',
                                        '\n', 'Q',  'U',  'I',  'T',  '\n'};
    const struct etd_bytes text = etd_bytes_text("PROXY ");
    const struct etd_bytes binary = etd_bytes(signature, sizeof signature);
    *header = (struct etd_proxy_header){.size = FIXED_SIZE};
    if (input.size == 0)
        return ETD_PROXY_MORE;
    if (may_start_with(input, text))
        return decode_text(input, text, header);
    if (may_start_with(input, binary))
        return decode_binary(input, binary, header);
    return ETD_PROXY_BAD;
}
