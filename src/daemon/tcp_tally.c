#include "daemon/tcp_tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_taken(const struct etd_tcp_tallies *tallies, uint16_t number)
{
    for (const struct etd_tcp_tally *one = tallies->first; one != NULL; one = one->next) {
        if (one->number == number)
            return true;
    }
    return false;
}

/* The next number that nobody has: one that was given back rests as long as it can. */
static bool find_number(struct etd_tcp_tallies *tallies, uint16_t *number)
{
    for (unsigned tries = 0; tries <= UINT16_MAX; tries++) {
        *number = ++tallies->number;
        if (!is_taken(tallies, *number))
            return true;
    }
    return false;
}

struct etd_tcp_tally *etd_tcp_tally_take(struct etd_tcp_tallies *tallies, const char *title)
{
    struct etd_tcp_tally **end = &tallies->first;
    for (; *end != NULL; end = &(*end)->next) {
        if (strcmp((*end)->title, title) == 0) {
            (*end)->users++;
            return *end;
        }
    }
    uint16_t number;
    struct etd_tcp_tally *tally = calloc(1, sizeof *tally);
    if (tally == NULL || !find_number(tallies, &number)) {
        free(tally);
        return NULL;
    }
    snprintf(tally->title, sizeof tally->title, "%s", title);
    tally->number = number;
    tally->users = 1;
    *end = tally;
    return tally;
}

void etd_tcp_tally_give(struct etd_tcp_tallies *tallies, struct etd_tcp_tally *tally)
{
    if (--tally->users > 0)
        return;
    struct etd_tcp_tally **link = &tallies->first;
    while (*link != tally)
        link = &(*link)->next;
    *link = tally->next;
    free(tally);
}
