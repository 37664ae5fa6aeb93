#include "echotimed/sources.h"

enum { IPV6_BLOCK = 8, IPV4_AT = 12 };

struct etd_source etd_source_of(const struct etd_address *address)
{
    bool ipv4 = etd_address_is_ipv4(address);
    struct etd_reader reader = ipv4 ? etd_reader(etd_bytes(address->ip + IPV4_AT, 4))
                                    : etd_reader(etd_bytes(address->ip, IPV6_BLOCK));
    return (struct etd_source){.block = etd_read_uint(&reader, ipv4 ? 4 : IPV6_BLOCK),
                               .ipv4 = ipv4};
}

size_t etd_sources_slots(uint32_t connections)
{
    size_t slots = 2;
    while (slots < 2 * (size_t)connections)
        slots *= 2;
    return slots;
}

void etd_sources_init(struct etd_sources *sources, struct etd_source_slot *slots, size_t count,
                      const struct etd_siphash_key *key)
{
    *sources = (struct etd_sources){.slots = slots, .mask = count - 1, .key = *key};
}

/* Where a slot's content would stand if it had the table to itself. */
static size_t home_of(const struct etd_sources *sources, const struct etd_source_slot *slot)
{
    uint8_t text[sizeof slot->block + sizeof slot->listener + 1];
    struct etd_writer writer = etd_writer(text, sizeof text);
    etd_write_u64(&writer, slot->block);
    etd_write_u16(&writer, slot->listener);
    etd_write_u8(&writer, slot->ipv4);
    return (size_t)etd_siphash(&sources->key, etd_writer_bytes(&writer)) & sources->mask;
}

static bool is_same(const struct etd_source_slot *a, const struct etd_source_slot *b)
{
    return a->block == b->block && a->listener == b->listener && a->ipv4 == b->ipv4;
}

static struct etd_source_slot make_slot(uint16_t listener, const struct etd_address *address)
{
    struct etd_source source = etd_source_of(address);
    return (struct etd_source_slot){
        .block = source.block, .open = 1, .listener = listener, .ipv4 = source.ipv4};
}

/* Where it stands, or the free place where it would. Half of the places are free, so the search
 * ends. */
static size_t find(const struct etd_sources *sources, const struct etd_source_slot *wanted)
{
    size_t at = home_of(sources, wanted);
    while (sources->slots[at].open > 0 && !is_same(&sources->slots[at], wanted))
        at = (at + 1) & sources->mask;
    return at;
}

void etd_sources_copy(struct etd_sources *sources, const struct etd_sources *from)
{
    for (size_t i = 0; i <= from->mask; i++) {
        if (from->slots[i].open > 0)
            sources->slots[find(sources, &from->slots[i])] = from->slots[i];
    }
    sources->used = from->used;
}

bool etd_sources_take(struct etd_sources *sources, uint16_t listener,
                      const struct etd_address *address, uint32_t most)
{
    struct etd_source_slot wanted = make_slot(listener, address);
    struct etd_source_slot *slot = &sources->slots[find(sources, &wanted)];
    if (slot->open >= most)
        return false;
    if (slot->open > 0) {
        slot->open++;
        return true;
    }
    if (sources->used > sources->mask / 2)
        return false;
    *slot = wanted;
    sources->used++;
    return true;
}

/* Frees a place. What stands behind it without a gap, and would stand there or before it if it could,
 * moves up, so that no search ends too early. */
static void vacate(struct etd_sources *sources, size_t hole)
{
    struct etd_source_slot *slots = sources->slots;
    for (size_t at = (hole + 1) & sources->mask; slots[at].open > 0;
         at = (at + 1) & sources->mask) {
        size_t from_home = (at - home_of(sources, &slots[at])) & sources->mask;
        size_t from_hole = (at - hole) & sources->mask;
        if (from_home >= from_hole) {
            slots[hole] = slots[at];
            hole = at;
        }
    }
    slots[hole] = (struct etd_source_slot){0};
    sources->used--;
}

void etd_sources_give(struct etd_sources *sources, uint16_t listener,
                      const struct etd_address *address)
{
    struct etd_source_slot wanted = make_slot(listener, address);
    size_t at = find(sources, &wanted);
    if (sources->slots[at].open > 1)
        sources->slots[at].open--;
    else if (sources->slots[at].open == 1)
        vacate(sources, at);
}

uint32_t etd_sources_open(const struct etd_sources *sources, uint16_t listener,
                          const struct etd_address *address)
{
    struct etd_source_slot wanted = make_slot(listener, address);
    return sources->slots[find(sources, &wanted)].open;
}
