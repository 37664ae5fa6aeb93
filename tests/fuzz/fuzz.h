/* What a fuzz target gives: libFuzzer calls it with inputs of its own making, the replay program with
 * the files of its corpus. It aborts where a promise is broken. */
#ifndef ECHOTIMED_TESTS_FUZZ_H
#define ECHOTIMED_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
