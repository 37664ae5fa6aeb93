/* A timer wheel: which of many things is to be looked at next.
 *
 * Things are small numbers, an index into an array of their owner's. Adding and removing cost a few
 * stores, so a deadline need not be moved each time that it is put off: it is left where it is, and
 * when it comes up its owner sees that it has moved on and adds it again. That makes a time-out free
 * on the path of an ordinary message.
 *
 * Times are ticks of one millisecond on a clock that never steps. They wrap after 49 days: two ticks
 * are compared by their difference, which is right as long as they are less than 24 days apart. */
#ifndef ECHOTIMED_WHEEL_H
#define ECHOTIMED_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

typedef uint32_t etd_tick;

/* Whether `a` is at or after `b`. */
static inline bool etd_tick_reached(etd_tick a, etd_tick b)
{
    return (int32_t)(a - b) >= 0;
}

enum {
    ETD_WHEEL_SLOT_MS = 16, /* nothing comes up early, and nothing later than this after its time */
    ETD_WHEEL_SLOTS = 1024, /* 16 s around; what is due later is looked at once on each round */
    ETD_WHEEL_MAP = ETD_WHEEL_SLOTS / 64
};

#define ETD_WHEEL_NONE UINT32_MAX

/* A link of a slot's list. Belongs to the wheel. */
struct etd_wheel_node {
    uint32_t next;
    uint32_t previous;
};

struct etd_wheel {
    struct etd_wheel_node *nodes; /* `count` of the owner's memory, and then one for each slot */
    uint32_t count;
    uint32_t held; /* things in the wheel */
    etd_tick now;  /* start of the slot that comes up next; stale while held is 0 */
    uint64_t occupied[ETD_WHEEL_MAP]; /* a bit for each slot: its list is not empty */
};

/* `nodes` is zeroed memory for `count` + ETD_WHEEL_SLOTS of them that outlives the wheel. The pages
 * of those never added need never be touched. */
void etd_wheel_init(struct etd_wheel *wheel, struct etd_wheel_node *nodes, uint32_t count);

/* Has `id` come up at `due` or up to ETD_WHEEL_SLOT_MS later; within that time of `now` when `due` has
 * passed; earlier when it is more than a round away. If it was added before, this moves it. */
void etd_wheel_add(struct etd_wheel *wheel, uint32_t id, etd_tick due, etd_tick now);

/* Does nothing for one that is not in the wheel. */
void etd_wheel_remove(struct etd_wheel *wheel, uint32_t id);

/* Takes out one thing whose slot has passed at `now`, or gives ETD_WHEEL_NONE. Call until NONE. */
uint32_t etd_wheel_expire(struct etd_wheel *wheel, etd_tick now);

/* When the next slot with something in it will have passed; false when the wheel is empty. */
bool etd_wheel_next(const struct etd_wheel *wheel, etd_tick *when);

#endif
