/* Services that only tests have, for the verdicts that the real ones do not give. */
#ifndef ECHOTIMED_TESTS_TEST_SERVICES_H
#define ECHOTIMED_TESTS_TEST_SERVICES_H

#include "echotimed/service.h"

/* Answers by the first byte of a message:
 *     r   the message backwards, at most ETD_MIXED_REPLY bytes of it
 *     n   an empty reply
 *     s   nothing
 *     c   "bye", and closes
 *     q   nothing, and closes
 *     else the message itself, of an empty one, too. */
enum { ETD_MIXED_REPLY = 24 };
extern const struct etd_service etd_mixed_service;

/* Says "hello" first, and then echoes. */
extern const struct etd_service etd_greeting_service;

/* Says "now" and closes, as daytime does; has no answer. */
extern const struct etd_service etd_telling_service;

#endif
