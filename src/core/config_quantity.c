/* Numbers, sizes and durations: digits, of a duration with a fraction, and a unit. */
#include "config_value.h"

#include "echotimed/config_problem.h"

struct unit {
    const char *name;
    uint64_t factor;
};

/* The greatest unit first, and at last one whose factor is 1. */
static const struct unit number_units[] = {{"", 1}};
static const struct unit size_units[] = {
    {"TiB", UINT64_C(1) << 40},
    {"GiB", UINT64_C(1) << 30},
    {"MiB", UINT64_C(1) << 20},
    {"KiB", UINT64_C(1) << 10},
    {"", 1},
};
static const struct unit duration_units[] = {
    {"h", UINT64_C(3600000000)}, {"min", 60000000}, {"s", 1000000}, {"ms", 1000}, {"us", 1},
};

struct quantity {
    const struct unit *units;
    size_t unit_count;
    uint64_t bare; /* the factor of a number without a unit */
    bool fractions;
    const char *expected;
};

static const struct quantity *quantity_of(enum etd_config_type type)
{
    static const struct quantity number = {number_units, 1, 1, false, " is not a whole number"};
    static const struct quantity size = {
        size_units, sizeof size_units / sizeof size_units[0], 1, false,
        " is not a size; write bytes, or KiB, MiB, GiB or TiB, such as 64KiB"};
    static const struct quantity duration = {
        duration_units, sizeof duration_units / sizeof duration_units[0], 1000000, true,
        " is not a duration; write seconds, or us, ms, s, min or h, such as 500ms or 0.5s"};
    if (type == ETD_CONFIG_DURATION)
        return &duration;
    return type == ETD_CONFIG_SIZE ? &size : &number;
}

bool etd_digits_cut(struct etd_bytes *text, uint64_t *value)
{
    size_t size = 0;
    *value = 0;
    for (; size < text->size && etd_char_is_digit((char)text->data[size]); size++) {
        uint64_t digit = (uint64_t)(text->data[size] - '0');
        *value = *value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *value * 10 + digit;
    }
    *text = etd_bytes(text->data + size, text->size - size);
    return size > 0;
}

struct fraction {
    uint64_t number;
    uint64_t of; /* 10 for each digit; 1: there is none */
};

/* Cuts ".25" off the beginning. */
static bool cut_fraction(struct etd_bytes *text, struct fraction *fraction)
{
    enum { DIGITS = 9 }; /* so that the number times an hour's factor fits 64 bits */
    *fraction = (struct fraction){.of = 1};
    if (text->size == 0 || text->data[0] != '.')
        return true;
    struct etd_bytes digits = etd_bytes(text->data + 1, text->size - 1);
    *text = digits;
    if (!etd_digits_cut(text, &fraction->number))
        return false;
    size_t count = digits.size - text->size;
    for (size_t i = 0; i < count && i < DIGITS; i++)
        fraction->of *= 10;
    return count <= DIGITS;
}

/* Too great a value becomes UINT64_MAX, which is out of every range. */
static bool parse(const struct quantity *quantity, const char *text, uint64_t *value)
{
    struct etd_bytes rest = etd_bytes_text(text);
    struct fraction fraction = {.of = 1};
    uint64_t number;
    if (!etd_digits_cut(&rest, &number) || (quantity->fractions && !cut_fraction(&rest, &fraction)))
        return false;
    uint64_t factor = rest.size == 0 ? quantity->bare : 0;
    for (size_t i = 0; i < quantity->unit_count && factor == 0; i++) {
        if (etd_bytes_equal(rest, etd_bytes_text(quantity->units[i].name)))
            factor = quantity->units[i].factor;
    }
    /* What is finer than the least unit would be cut short, to 0 even, which may mean "off". */
    if (factor == 0 || fraction.number * factor % fraction.of != 0)
        return false;
    uint64_t part = fraction.number * factor / fraction.of;
    *value = number > (UINT64_MAX - part) / factor ? UINT64_MAX : number * factor + part;
    return true;
}

static void write_units(const struct quantity *quantity, uint64_t value, struct etd_writer *writer)
{
    size_t i = 0;
    while (value % quantity->units[i].factor != 0)
        i++;
    etd_write_decimal(writer, value / quantity->units[i].factor, 1);
    etd_write_text(writer, value == 0 ? "" : quantity->units[i].name);
}

enum etd_config_result etd_quantity_parse(const struct etd_config_key *key, const char *text,
                                          void *field, struct etd_writer *why)
{
    const struct quantity *quantity = quantity_of(key->type);
    uint64_t value;
    if (!parse(quantity, text, &value)) {
        etd_write_quoted(why, etd_bytes_text(text));
        etd_write_text(why, quantity->expected);
        return ETD_CONFIG_MISTAKEN;
    }
    if ((value < key->min || value > key->max) && !(key->zero_is_off && value == 0)) {
        etd_write_quoted(why, etd_bytes_text(text));
        etd_write_text(why, " is out of its range, ");
        etd_config_write_range(key, why);
        return ETD_CONFIG_MISTAKEN;
    }
    uint32_t narrow = (uint32_t)value;
    if (key->type == ETD_CONFIG_NUMBER)
        memcpy(field, &narrow, sizeof narrow);
    else
        memcpy(field, &value, sizeof value);
    return ETD_CONFIG_OK;
}

void etd_quantity_write(const struct etd_config_key *key, const void *field,
                        struct etd_writer *writer)
{
    const struct quantity *quantity = quantity_of(key->type);
    uint32_t narrow;
    uint64_t value;
    if (key->type == ETD_CONFIG_NUMBER) {
        memcpy(&narrow, field, sizeof narrow);
        value = narrow;
    } else {
        memcpy(&value, field, sizeof value);
    }
    /* The table's own spelling where it means the same: 60s rather than 1min. */
    uint64_t usual;
    if (parse(quantity, key->default_text, &usual) && usual == value)
        etd_write_text(writer, key->default_text);
    else
        write_units(quantity, value, writer);
}

void etd_quantity_write_range(const struct etd_config_key *key, struct etd_writer *writer)
{
    const struct quantity *quantity = quantity_of(key->type);
    write_units(quantity, key->min, writer);
    etd_write_text(writer, " to ");
    write_units(quantity, key->max, writer);
    if (key->zero_is_off)
        etd_write_text(writer, ", or 0");
}
