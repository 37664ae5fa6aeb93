#include "echotimed/access.h"

#include <string.h>

/* Prefixes that say what the rest of a family gets: there is one around every address. */
enum { REST_RULES = 2 };
static const struct etd_prefix rest_of_ipv6 = {.bits = 0};
static const struct etd_prefix rest_of_ipv4 = {.address.ip = {[10] = 0xff, [11] = 0xff},
                                               .bits = 96};

bool etd_prefix_holds(const struct etd_prefix *prefix, const struct etd_address *address)
{
    size_t bytes = prefix->bits / 8u;
    if (memcmp(prefix->address.ip, address->ip, bytes) != 0)
        return false;
    unsigned rest = prefix->bits % 8u;
    return rest == 0 || (prefix->address.ip[bytes] ^ address->ip[bytes]) >> (8 - rest) == 0;
}

/* Whether the rule comes behind the address, or at it with a longer prefix. */
static bool is_behind(const struct etd_access_rule *rule, const struct etd_address *address,
                      uint8_t bits)
{
    int order = memcmp(rule->prefix.address.ip, address->ip, sizeof address->ip);
    return order > 0 || (order == 0 && rule->prefix.bits > bits);
}

/* How many rules are not behind: the first ones. */
static size_t count_up_to(const struct etd_access *access, const struct etd_address *address,
                          uint8_t bits)
{
    size_t low = 0, high = access->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (is_behind(&access->rules[middle], address, bits))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Puts a rule at its place, unless there is one for its prefix. Gives the one that is there now. */
static const struct etd_access_rule *put(struct etd_access *access, const struct etd_prefix *prefix,
                                         bool allows)
{
    size_t at = count_up_to(access, &prefix->address, prefix->bits);
    struct etd_access_rule *rule = &access->rules[at];
    if (at > 0 && rule[-1].prefix.bits == prefix->bits &&
        etd_address_same_ip(&rule[-1].prefix.address, &prefix->address))
        return &rule[-1];
    memmove(rule + 1, rule, (access->count - at) * sizeof *rule);
    *rule = (struct etd_access_rule){.prefix = *prefix, .allows = allows};
    access->count++;
    return rule;
}

/* Two prefixes are apart, or one holds the other: so what lies around a rule lies around the rule
 * before it, too, or is that. */
static void find_around(struct etd_access *access)
{
    for (size_t i = 1; i < access->count; i++) {
        size_t around = i - 1;
        while (!etd_prefix_holds(&access->rules[around].prefix, &access->rules[i].prefix.address))
            around = access->rules[around].around;
        access->rules[i].around = around;
    }
}

static bool put_all(struct etd_access *access, struct etd_prefixes prefixes, bool allows,
                    struct etd_prefix *contradiction)
{
    for (size_t i = 0; i < prefixes.count; i++) {
        if (put(access, &prefixes.list[i], allows)->allows != allows) {
            *contradiction = prefixes.list[i];
            return false;
        }
    }
    return true;
}

enum etd_access_result etd_access_init(struct etd_access *access, const struct etd_memory *memory,
                                       struct etd_prefixes allow, struct etd_prefixes deny,
                                       struct etd_prefix *contradiction)
{
    *access = (struct etd_access){0};
    size_t most = allow.count + deny.count;
    if (most == 0)
        return ETD_ACCESS_OK;
    access->rules = etd_memory_resize(memory, NULL, (most + REST_RULES) * sizeof *access->rules);
    if (access->rules == NULL)
        return ETD_ACCESS_NO_MEMORY;
    if (!put_all(access, allow, true, contradiction) ||
        !put_all(access, deny, false, contradiction)) {
        etd_access_free(access, memory);
        return ETD_ACCESS_CONTRADICTS;
    }
    (void)put(access, &rest_of_ipv6, allow.count == 0);
    (void)put(access, &rest_of_ipv4, allow.count == 0);
    find_around(access);
    return ETD_ACCESS_OK;
}

void etd_access_free(struct etd_access *access, const struct etd_memory *memory)
{
    etd_memory_free(memory, access->rules);
    *access = (struct etd_access){0};
}

bool etd_access_decide(const struct etd_access *access, const struct etd_address *source)
{
    /* Of the rules that begin at or before the source, the last: what holds the source lies around
     * it, or is that. The first rule holds everything. */
    size_t at = count_up_to(access, source, UINT8_MAX) - 1;
    while (!etd_prefix_holds(&access->rules[at].prefix, source))
        at = access->rules[at].around;
    return access->rules[at].allows;
}
