/* To stand before a function of a shared library: a program's own definition goes before those, in
 * calls of the libraries too. */
#ifndef ECHOTIMED_FAULT_INTERPOSE_H
#define ECHOTIMED_FAULT_INTERPOSE_H

#include <dlfcn.h>
#include <stddef.h>

/* At the beginning of a definition of `name`: `next` is the definition that ours stands before. */
#define NEXT(name)                                                                                 \
    static __typeof__(&name) next;                                                                 \
    if (next == NULL)                                                                              \
    next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define EXPORT __attribute__((visibility("default")))

#endif
