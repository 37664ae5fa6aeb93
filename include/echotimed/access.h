/* Which sources a listener serves: its lists `allow` and `deny`, as one decision.
 *
 * The longest prefix that holds the source decides. What no prefix holds is served, unless there is
 * an `allow` list: then it is not. The families are apart: ::/0 says nothing of IPv4 sources.
 *
 * A decision costs log2 of the number of prefixes comparisons, and one for each prefix that lies
 * around the one found; without prefixes it is one test. */
#ifndef ECHOTIMED_ACCESS_H
#define ECHOTIMED_ACCESS_H

#include "echotimed/address.h"
#include "echotimed/memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A block of addresses, such as 192.0.2.0/24. An IPv4 address is kept mapped, and its prefix is
 * counted in it: 192.0.2.0/24 has 120 bits. The port means nothing. */
struct etd_prefix {
    struct etd_address address; /* the bits behind the prefix are 0 */
    uint8_t bits;               /* 0 to 128 */
};

bool etd_prefix_holds(const struct etd_prefix *prefix, const struct etd_address *address);

struct etd_access_rule {
    struct etd_prefix prefix;
    bool allows;
    size_t around; /* the index of the longest prefix that holds this one; of the first rule: 0 */
};

/* All zeros serves everybody. */
struct etd_access {
    struct etd_access_rule *rules; /* by address, and then the shorter prefix first; or null */
    size_t count;                  /* 0, or at least 2: the rest of IPv6 and of IPv4 */
};

enum etd_access_result {
    ETD_ACCESS_OK,
    ETD_ACCESS_CONTRADICTS, /* one prefix stands in both lists */
    ETD_ACCESS_NO_MEMORY
};

struct etd_prefixes {
    const struct etd_prefix *list; /* may be null when `count` is 0 */
    size_t count;
};

/* Makes the decision of both lists, which are copied. With any result but OK there is nothing to
 * free, and `*contradiction` is the prefix in question. Takes time in the square of the number of
 * prefixes: some milliseconds for thousands. */
enum etd_access_result etd_access_init(struct etd_access *access, const struct etd_memory *memory,
                                       struct etd_prefixes allow, struct etd_prefixes deny,
                                       struct etd_prefix *contradiction);
void etd_access_free(struct etd_access *access, const struct etd_memory *memory);

/* etd_access_serves, where there are rules. */
bool etd_access_decide(const struct etd_access *access, const struct etd_address *source);

/* Whether the source is served. */
static inline bool etd_access_serves(const struct etd_access *access,
                                     const struct etd_address *source)
{
    return access->count == 0 || etd_access_decide(access, source);
}

#endif
