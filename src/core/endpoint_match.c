#include "echotimed/endpoint.h"

#include <string.h>

bool etd_endpoint_same(const struct etd_endpoint *a, const struct etd_endpoint *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case ETD_ENDPOINT_IP:
        return a->address.port == b->address.port && etd_address_same_ip(&a->address, &b->address);
    case ETD_ENDPOINT_ANY:
        return a->address.port == b->address.port;
    case ETD_ENDPOINT_HOST:
        return a->address.port == b->address.port && strcasecmp(a->name, b->name) == 0;
    case ETD_ENDPOINT_SYSTEMD:
        return strcmp(a->name, b->name) == 0;
    }
    return false;
}

static void match(struct etd_endpoint_use *a, size_t a_count, struct etd_endpoint_use *b,
                  size_t b_count, bool in_one_section)
{
    for (size_t i = 0; i < a_count; i++) {
        for (size_t j = 0; j < b_count && a[i].partner == ETD_ENDPOINT_ALONE; j++) {
            if (b[j].partner != ETD_ENDPOINT_ALONE || a[i].transport != b[j].transport ||
                !etd_endpoint_same(a[i].endpoint, b[j].endpoint) ||
                (in_one_section && strcmp(a[i].section, b[j].section) != 0))
                continue;
            a[i].partner = j;
            b[j].partner = i;
        }
    }
}

void etd_endpoints_match(struct etd_endpoint_use *a, size_t a_count, struct etd_endpoint_use *b,
                         size_t b_count)
{
    for (size_t i = 0; i < a_count; i++)
        a[i].partner = ETD_ENDPOINT_ALONE;
    for (size_t j = 0; j < b_count; j++)
        b[j].partner = ETD_ENDPOINT_ALONE;
    match(a, a_count, b, b_count, true);
    match(a, a_count, b, b_count, false);
}
