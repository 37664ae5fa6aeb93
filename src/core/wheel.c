#include "echotimed/wheel.h"

/* Links are stored plus one, so that zeroed memory means "not in the wheel". A slot's head is the
 * node `count` + slot; each list is a ring through its head. */

static struct etd_wheel_node *node(struct etd_wheel *wheel, uint32_t link)
{
    return &wheel->nodes[link - 1];
}

static uint32_t head_link(const struct etd_wheel *wheel, uint32_t slot)
{
    return wheel->count + slot + 1;
}

static uint32_t slot_of(etd_tick tick)
{
    return tick / ETD_WHEEL_SLOT_MS % ETD_WHEEL_SLOTS;
}

static etd_tick slot_start(etd_tick tick)
{
    return tick - tick % ETD_WHEEL_SLOT_MS;
}

void etd_wheel_init(struct etd_wheel *wheel, struct etd_wheel_node *nodes, uint32_t count)
{
    *wheel = (struct etd_wheel){.nodes = nodes, .count = count};
    for (uint32_t slot = 0; slot < ETD_WHEEL_SLOTS; slot++) {
        uint32_t link = head_link(wheel, slot);
        *node(wheel, link) = (struct etd_wheel_node){.next = link, .previous = link};
    }
}

void etd_wheel_remove(struct etd_wheel *wheel, uint32_t id)
{
    struct etd_wheel_node *self = node(wheel, id + 1);
    if (self->next == 0)
        return;
    /* Only a head can be on both sides of a node: then the list is empty without it. */
    if (self->next == self->previous) {
        uint32_t slot = self->next - 1 - wheel->count;
        wheel->occupied[slot / 64] &= ~(UINT64_C(1) << slot % 64);
    }
    node(wheel, self->next)->previous = self->previous;
    node(wheel, self->previous)->next = self->next;
    *self = (struct etd_wheel_node){0};
    wheel->held--;
}

/* Slots from the one that comes up next to the first occupied one; ETD_WHEEL_SLOTS: none is. */
static uint32_t distance(const struct etd_wheel *wheel)
{
    uint32_t start = slot_of(wheel->now);
    for (uint32_t i = 0; i <= ETD_WHEEL_MAP; i++) {
        uint32_t word = (start / 64 + i) % ETD_WHEEL_MAP;
        uint64_t bits = wheel->occupied[word];
        if (i == 0)
            bits &= UINT64_MAX << start % 64;
        if (bits != 0) {
            uint32_t slot = word * 64 + (uint32_t)__builtin_ctzll(bits);
            return (slot - start) % ETD_WHEEL_SLOTS;
        }
    }
    return ETD_WHEEL_SLOTS;
}

bool etd_wheel_next(const struct etd_wheel *wheel, etd_tick *when)
{
    uint32_t slots = distance(wheel);
    if (slots == ETD_WHEEL_SLOTS)
        return false;
    *when = wheel->now + (slots + 1) * ETD_WHEEL_SLOT_MS;
    return true;
}

/* The wheel is asked only when something comes up: until then its round begins where it was last
 * asked. It may begin anew at `now`, or where something is still to come up before. */
static void advance(struct etd_wheel *wheel, etd_tick now)
{
    etd_tick start = slot_start(now), when;
    if (start == wheel->now)
        return;
    if (etd_wheel_next(wheel, &when) && etd_tick_reached(start, when))
        start = when - ETD_WHEEL_SLOT_MS;
    if (etd_tick_reached(start, wheel->now))
        wheel->now = start;
}

static etd_tick last_slot(const struct etd_wheel *wheel)
{
    return wheel->now + (ETD_WHEEL_SLOTS - 1) * ETD_WHEEL_SLOT_MS;
}

void etd_wheel_add(struct etd_wheel *wheel, uint32_t id, etd_tick due, etd_tick now)
{
    etd_wheel_remove(wheel, id);
    if (wheel->held == 0)
        wheel->now = slot_start(now);
    else if (etd_tick_reached(due, last_slot(wheel)))
        advance(wheel, now);
    if (!etd_tick_reached(due, wheel->now))
        due = wheel->now;
    else if (etd_tick_reached(due, last_slot(wheel)))
        due = last_slot(wheel);
    uint32_t slot = slot_of(due);
    uint32_t head = head_link(wheel, slot);
    struct etd_wheel_node *self = node(wheel, id + 1);
    *self = (struct etd_wheel_node){.next = head, .previous = node(wheel, head)->previous};
    node(wheel, self->previous)->next = id + 1;
    node(wheel, head)->previous = id + 1;
    wheel->occupied[slot / 64] |= UINT64_C(1) << slot % 64;
    wheel->held++;
}

uint32_t etd_wheel_expire(struct etd_wheel *wheel, etd_tick now)
{
    etd_tick when;
    if (etd_wheel_next(wheel, &when) && etd_tick_reached(now, when)) {
        wheel->now = when - ETD_WHEEL_SLOT_MS;
        uint32_t id = node(wheel, head_link(wheel, slot_of(wheel->now)))->next - 1;
        etd_wheel_remove(wheel, id);
        return id;
    }
    if (etd_tick_reached(now, wheel->now))
        wheel->now = slot_start(now);
    return ETD_WHEEL_NONE;
}
