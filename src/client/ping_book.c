#include "client/ping_book.h"

#include <string.h>

void etd_ping_book_begin(struct etd_ping_book *book, uint64_t timeout)
{
    memset(book, 0, sizeof *book);
    book->timeout = timeout;
    book->next = book->oldest = 1;
}

struct etd_ping_probe *etd_ping_book_find(struct etd_ping_book *book, uint32_t number)
{
    struct etd_ping_probe *probe = &book->probes[number % ETD_PING_WINDOW];
    return probe->fate != ETD_PING_NONE && probe->number == number ? probe : NULL;
}

void etd_ping_book_lose(struct etd_ping_book *book, struct etd_ping_probe *probe)
{
    probe->fate = ETD_PING_LOST;
    book->waiting--;
    book->lost++;
}

uint32_t etd_ping_book_send(struct etd_ping_book *book, struct etd_moment now)
{
    uint32_t number = book->next++;
    struct etd_ping_probe *probe = &book->probes[number % ETD_PING_WINDOW];
    if (probe->fate == ETD_PING_WAITING)
        etd_ping_book_lose(book, probe);
    *probe = (struct etd_ping_probe){.number = number, .fate = ETD_PING_WAITING, .sent = now};
    book->sent++;
    book->waiting++;
    return number;
}

struct etd_ping_probe *etd_ping_book_oldest(struct etd_ping_book *book)
{
    for (; book->oldest != book->next; book->oldest++) {
        struct etd_ping_probe *probe = etd_ping_book_find(book, book->oldest);
        if (probe != NULL && probe->fate == ETD_PING_WAITING)
            return probe;
    }
    return NULL;
}

struct etd_ping_probe *etd_ping_book_turn(struct etd_ping_book *book, bool reliable)
{
    struct etd_ping_probe *oldest = etd_ping_book_oldest(book);
    if (oldest != NULL && !reliable)
        return oldest;
    struct etd_ping_probe *turn = oldest;
    uint32_t number = oldest != NULL ? oldest->number : book->next;
    /* Lost ones stand right before it: back to the last that was answered, or is forgotten. */
    while (number-- > 1) {
        struct etd_ping_probe *probe = etd_ping_book_find(book, number);
        if (probe == NULL || probe->fate != ETD_PING_LOST)
            break;
        turn = probe;
        if (!reliable)
            break; /* the newest of them */
    }
    return turn;
}

static void take_round_trip(struct etd_ping_book *book, uint64_t round_trip)
{
    if (book->round_trips.count > 0) {
        uint64_t last = book->last_round_trip;
        uint64_t difference = round_trip > last ? round_trip - last : last - round_trip;
        /* J += (|D| - J) / 16, kept times 16 and rounded as RFC 3550 section A.8 has it. */
        book->jitter += difference - ((book->jitter + 8) >> 4);
    }
    book->last_round_trip = round_trip;
    etd_histogram_record(&book->round_trips, round_trip, 1);
}

struct etd_ping_reply etd_ping_book_reply(struct etd_ping_book *book, uint32_t number,
                                          struct etd_moment came, bool damaged)
{
    struct etd_ping_probe *probe = etd_ping_book_find(book, number);
    struct etd_ping_reply reply = {.number = number, .damaged = damaged, .known = probe != NULL};
    if (probe == NULL) {
        book->strays++;
        return reply;
    }
    reply.round_trip = came.ns > probe->sent.ns ? came.ns - probe->sent.ns : 0;
    reply.duplicate = probe->fate == ETD_PING_ANSWERED;
    if (reply.duplicate) {
        book->duplicates++;
        return reply;
    }
    /* The timer may not have had its turn yet. */
    if (probe->fate == ETD_PING_WAITING && reply.round_trip > book->timeout)
        etd_ping_book_lose(book, probe);
    reply.late = probe->fate == ETD_PING_LOST;
    if (reply.late)
        book->lost--;
    else
        book->waiting--;
    probe->fate = ETD_PING_ANSWERED;
    if (damaged) {
        book->damaged++;
        return reply;
    }
    reply.reordered = number < book->highest;
    book->reordered += reply.reordered;
    if (number > book->highest)
        book->highest = number;
    if (reply.late)
        book->late++;
    else
        book->received++;
    take_round_trip(book, reply.round_trip);
    return reply;
}

static void take_delay(struct etd_ping_delays *delays, int64_t delay)
{
    if (delays->count == 0 || delay < delays->least)
        delays->least = delay;
    if (delays->count == 0 || delay > delays->greatest)
        delays->greatest = delay;
    delays->count++;
    delays->sum += (double)delay;
}

void etd_ping_book_delays(struct etd_ping_book *book, int64_t forward, int64_t back)
{
    take_delay(&book->forward, forward);
    take_delay(&book->back, back);
}

uint32_t etd_ping_book_expire(struct etd_ping_book *book, uint64_t now)
{
    struct etd_ping_probe *probe = etd_ping_book_oldest(book);
    if (probe == NULL || now < probe->sent.ns + book->timeout)
        return 0;
    etd_ping_book_lose(book, probe);
    return probe->number;
}
