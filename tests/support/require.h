/* A check for code that runs under Check and under a fuzzer alike: says where, and aborts. Far cheaper
 * than ck_assert, which writes to a file each time. */
#ifndef ECHOTIMED_TESTS_REQUIRE_H
#define ECHOTIMED_TESTS_REQUIRE_H

#include <stdio.h>
#include <stdlib.h>

#define ETD_REQUIRE(condition)                                                                     \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
