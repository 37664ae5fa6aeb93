#include "echotimed/json.h"

static const char hex[] = "0123456789abcdef";
static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

/* The bytes of the character at the front of `text`, 0 where it is not valid UTF-8 (RFC 3629: none
 * too long, no surrogate, none beyond U+10FFFF). */
static size_t character(struct etd_bytes text)
{
    static const struct {
        uint8_t mask, lead;
        size_t size;
        uint32_t least;
    } kinds[] = {{0x80, 0x00, 1, 0},
                 {0xe0, 0xc0, 2, 0x80},
                 {0xf0, 0xe0, 3, 0x800},
                 {0xf8, 0xf0, 4, 0x10000}};
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        if ((text.data[0] & kinds[k].mask) != kinds[k].lead)
            continue;
        if (kinds[k].size > text.size)
            return 0;
        uint32_t code = text.data[0] & (uint8_t)~kinds[k].mask;
        for (size_t i = 1; i < kinds[k].size; i++) {
            if ((text.data[i] & 0xc0) != 0x80)
                return 0;
            code = code << 6 | (text.data[i] & 0x3f);
        }
        bool good = code >= kinds[k].least && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
        return good ? kinds[k].size : 0;
    }
    return 0;
}

static void write_escaped(struct etd_writer *out, uint8_t byte)
{
    static const char letters[] = "b\bf\fn\nr\rt\t\"\"\\\\";
    for (size_t i = 0; i < sizeof letters - 1; i += 2) {
        if (byte == (uint8_t)letters[i + 1]) {
            etd_write_text(out, "\\");
            etd_write_u8(out, (uint8_t)letters[i]);
            return;
        }
    }
    etd_write_text(out, "\\u00");
    etd_write_u8(out, (uint8_t)hex[byte >> 4]);
    etd_write_u8(out, (uint8_t)hex[byte & 15]);
}

static void write_string(struct etd_writer *out, struct etd_bytes text)
{
    etd_write_text(out, "\"");
    while (text.size > 0) {
        size_t size = character(text);
        uint8_t first = text.data[0];
        /* DEL and beyond need no escape, but a terminal that shows them is better off. */
        if (size == 1 && (first < ' ' || first == '"' || first == '\\' || first == 0x7f))
            write_escaped(out, first);
        else if (size == 0)
            etd_write_text(out, replacement);
        else
            etd_write_bytes(out, etd_bytes(text.data, size));
        size += size == 0;
        text = etd_bytes(text.data + size, text.size - size);
    }
    etd_write_text(out, "\"");
}

/* What stands before every value. */
static void begin(struct etd_json *json, const char *name)
{
    if (json->due)
        etd_write_text(json->out, ",");
    json->due = true;
    if (name != NULL) {
        write_string(json->out, etd_bytes_text(name));
        etd_write_text(json->out, ":");
    }
}

static void open(struct etd_json *json, const char *name, const char *bracket)
{
    begin(json, name);
    etd_write_text(json->out, bracket);
    json->due = false;
}

static void close(struct etd_json *json, const char *bracket)
{
    etd_write_text(json->out, bracket);
    json->due = true;
}

void etd_json_object(struct etd_json *json, const char *name)
{
    open(json, name, "{");
}

void etd_json_object_end(struct etd_json *json)
{
    close(json, "}");
}

void etd_json_array(struct etd_json *json, const char *name)
{
    open(json, name, "[");
}

void etd_json_array_end(struct etd_json *json)
{
    close(json, "]");
}

void etd_json_bytes(struct etd_json *json, const char *name, struct etd_bytes text)
{
    begin(json, name);
    write_string(json->out, text);
}

void etd_json_text(struct etd_json *json, const char *name, const char *text)
{
    etd_json_bytes(json, name, etd_bytes_text(text));
}

void etd_json_bool(struct etd_json *json, const char *name, bool value)
{
    begin(json, name);
    etd_write_text(json->out, value ? "true" : "false");
}

void etd_json_null(struct etd_json *json, const char *name)
{
    begin(json, name);
    etd_write_text(json->out, "null");
}

void etd_json_unsigned(struct etd_json *json, const char *name, uint64_t value)
{
    begin(json, name);
    etd_write_decimal(json->out, value, 1);
}

/* Its amount, after a minus where there is one. */
static uint64_t begin_signed(struct etd_json *json, const char *name, int64_t value)
{
    begin(json, name);
    if (value < 0)
        etd_write_text(json->out, "-");
    return value < 0 ? -(uint64_t)value : (uint64_t)value;
}

void etd_json_integer(struct etd_json *json, const char *name, int64_t value)
{
    etd_write_decimal(json->out, begin_signed(json, name, value), 1);
}

void etd_json_decimal(struct etd_json *json, const char *name, int64_t value, unsigned digits)
{
    uint64_t amount = begin_signed(json, name, value), unit = 1;
    for (unsigned i = 0; i < digits; i++)
        unit *= 10;
    etd_write_decimal(json->out, amount / unit, 1);
    etd_write_text(json->out, ".");
    etd_write_decimal(json->out, amount % unit, digits);
}
