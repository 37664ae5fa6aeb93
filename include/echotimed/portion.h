/* How many to take at once of what comes singly at times and in floods at others: connections to
 * accept, datagrams to receive.
 *
 * To look for one more than there is costs a part of what taking one does, and to take a flood one by one
 * costs more. So as many are asked for as there were the last time; where there were so many, for twice
 * as many the next time; and where there was one, for a second one only now and then. */
#ifndef ECHOTIMED_PORTION_H
#define ECHOTIMED_PORTION_H

struct etd_portion {
    unsigned most;   /* to ask for next, at least 1 */
    unsigned single; /* how often in a row one was asked for and was there */
};

enum { ETD_PORTION_SINGLE = 32 }; /* so many singles before a second one is looked for */

/* All zeros but for `most`, 1. There were `count` of the `most` that were asked for; it will never be
 * more than `limit`. */
static inline void etd_portion_took(struct etd_portion *portion, unsigned count, unsigned limit)
{
    if (count < portion->most) {
        *portion = (struct etd_portion){.most = count > 0 ? count : 1};
        return;
    }
    if (portion->most == 1 && ++portion->single < ETD_PORTION_SINGLE)
        return;
    *portion = (struct etd_portion){.most = portion->most < limit / 2 ? portion->most * 2 : limit};
}

#endif
