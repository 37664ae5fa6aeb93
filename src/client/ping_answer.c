#include "client/ping_answer.h"

#include "echotimed/clock_offset.h"
#include "echotimed/pattern.h"

enum {
    LOOKALIKES = 64,        /* probes that a damaged echo is compared with, */
    LOOKALIKES_SHORT = 2048 /* and one that is too short to have a name */
};

/* Of the latest probes the one that an echo without a name of its own is most like, of equal ones the
 * oldest that waits; null when it is like none. */
static struct etd_ping_probe *most_alike(struct etd_ping_book *book, const struct etd_probe *run,
                                         struct etd_bytes payload)
{
    struct etd_ping_probe *best = NULL;
    size_t least = payload.size / 2 + 1, first;
    uint32_t most = payload.size < ETD_PATTERN_HEAD ? LOOKALIKES_SHORT : LOOKALIKES;
    for (uint32_t i = 1; i <= most && i < book->next; i++) {
        struct etd_ping_probe *probe = etd_ping_book_find(book, book->next - i);
        if (probe == NULL)
            continue;
        size_t differs = etd_pattern_differs(payload, run->session, probe->number, &first);
        if (differs < least ||
            (best != NULL && differs == least && probe->fate == ETD_PING_WAITING)) {
            least = differs;
            best = probe;
        }
    }
    return best;
}

/* The probe that a payload answers; null when none is known. */
static struct etd_ping_probe *find_probe(struct etd_ping_book *book, const struct etd_probe *run,
                                         bool tcp, struct etd_bytes payload)
{
    const struct etd_protocol *protocol = run->protocol;
    bool is_echo = protocol == etd_protocols[ETD_PROTOCOL_ECHO] && payload.size > 0;
    struct etd_ping_probe *found = NULL;
    uint32_t number;
    size_t first;
    if (protocol->number != NULL && protocol->number(run, payload, &number))
        found = etd_ping_book_find(book, number);
    /* What names a probe is not that probe's echo if the rest is another's: a digit was hit. */
    if (is_echo && (found == NULL ||
                    etd_pattern_differs(payload, run->session, number, &first) > payload.size / 2))
        found = most_alike(book, run, payload);
    /* A datagram that should tell its probe and does not, answers none; anybody can send one. */
    if (found != NULL || (!tcp && protocol->number != NULL && payload.size > 0))
        return found;
    return etd_ping_book_turn(book, tcp);
}

/* Takes the times one way of a right answer. */
static void take_delays(struct etd_ping_book *book, struct etd_ping_report *report,
                        const struct etd_probe *run, const struct etd_ping_probe *probe,
                        const struct etd_answer *answer, const struct etd_moment *came,
                        struct etd_ping_line *line)
{
    bool theirs = !answer->judged || !answer->synchronised;
    bool ours = !run->quality.synchronised;
    line->delays = true;
    line->forward = etd_time_between(answer->received, etd_moment_wall(&probe->sent, came));
    line->back = etd_time_between(came->wall, answer->time);
    line->unreliable = ours || theirs;
    report->unreliable |= line->unreliable;
    report->ours |= ours;
    report->theirs |= theirs;
    etd_ping_book_delays(book, line->forward, line->back);
}

void etd_ping_take(struct etd_ping_book *book, struct etd_ping_report *report,
                   const struct etd_probe *run, struct etd_bytes payload,
                   const struct etd_moment *came)
{
    char text[ETD_COMPLAINT / 2];
    struct etd_writer why = etd_writer((uint8_t *)text, sizeof text - 1);
    bool tcp = report->settings->url.transport == ETD_TCP;
    struct etd_ping_probe *slot = find_probe(book, run, tcp, payload);
    struct etd_probe probe = *run;
    struct etd_answer answer = {.told = false};
    enum etd_judgement judgement = ETD_ANSWER_FOREIGN;
    if (slot != NULL) {
        probe.number = slot->number;
        probe.sent = slot->sent.wall;
        judgement = probe.protocol->read(&probe, payload, &answer, &why);
    }
    *why.at = '\0';
    struct etd_ping_line line = {.bytes = payload.size};
    /* No probe has number 0. */
    line.reply = etd_ping_book_reply(book, judgement == ETD_ANSWER_FOREIGN ? 0 : probe.number,
                                     *came, judgement == ETD_ANSWER_WRONG);
    line.why = judgement == ETD_ANSWER_GOOD || text[0] == '\0' ? NULL : text;
    report->wrong |= judgement == ETD_ANSWER_WRONG;
    if (judgement == ETD_ANSWER_GOOD && answer.stamped && !line.reply.duplicate)
        take_delays(book, report, run, slot, &answer, came, &line);
    etd_ping_report_reply(report, &line);
}
