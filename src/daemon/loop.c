#include "daemon/loop.h"

#include "platform/log.h"

#include <errno.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* libev ends the process when it gets no memory. So some is laid by for the moment when there is
 * none: what libev asks for while it serves is a few times its tables' growth. */
enum { RESERVE = 1 << 20 };

/* Its tables grow by doubling. The large ones are mapped, so that the kernel moves them: growing by
 * copies leaves holes of as much again in the heap. */
enum { MAPPED = 16 * 1024 };

/* Stands before each piece, and keeps what follows aligned. */
struct header {
    alignas(max_align_t) size_t size; /* of the piece with its header */
};

static void *reserve;
static struct ev_loop *running;
static bool failed;
static ev_prepare failure; /* never started, only fed */

static void *known(void *mapping)
{
    return mapping == MAP_FAILED ? NULL : mapping;
}

static struct header *obtain(size_t size)
{
    if (size < MAPPED)
        return malloc(size);
    return known(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

static void release(struct header *piece)
{
    if (piece != NULL && piece->size >= MAPPED)
        munmap(piece, piece->size);
    else
        free(piece);
}

static struct header *resize(struct header *old, size_t size)
{
    if (old == NULL)
        return obtain(size);
    if (old->size < MAPPED && size < MAPPED)
        return realloc(old, size);
    if (old->size >= MAPPED && size >= MAPPED)
        return known(mremap(old, old->size, size, MREMAP_MAYMOVE));
    struct header *piece = obtain(size);
    if (piece == NULL)
        return NULL;
    memcpy(piece, old, old->size < size ? old->size : size);
    release(old);
    return piece;
}

static void *allocate(void *old, long size) EV_NOEXCEPT
{
    struct header *header = old != NULL ? (struct header *)old - 1 : NULL;
    if (size == 0) {
        release(header);
        return NULL;
    }
    size_t total = (size_t)size + sizeof *header;
    struct header *piece = resize(header, total);
    if (piece == NULL && reserve != NULL) {
        free(reserve);
        reserve = NULL;
        etd_log(ETD_LOG_WARNING, "out of memory: living on the reserve", "size=%ld", size);
        piece = resize(header, total);
    }
    if (piece == NULL)
        return NULL;
    piece->size = total;
    return piece + 1;
}

static void leave(EV_P_ ev_prepare *watcher, int revents)
{
    (void)watcher;
    (void)revents;
    ev_break(EV_A_ EVBREAK_ALL);
}

/* libev goes on when this returns: for a failing epoll_wait that would be a busy loop. What ev_break
 * asks for while it waits is overwritten; an event that is fed is delivered. */
static void system_error(const char *message) EV_NOEXCEPT
{
    etd_log(ETD_LOG_ERROR, "the event loop failed", "call=\"%s\" error=\"%s\"", message,
            strerror(errno));
    failed = true;
    if (running != NULL)
        ev_feed_event(running, &failure, EV_CUSTOM);
}

struct ev_loop *etd_loop_open(void)
{
    reserve = malloc(RESERVE);
    if (reserve == NULL) {
        etd_log(ETD_LOG_ERROR, "cannot open the event loop: out of memory", "size=%d", RESERVE);
        return NULL;
    }
    ev_init(&failure, leave);
    ev_set_allocator(allocate);
    ev_set_syserr_cb(system_error);
    /* NOENV: LIBEV_FLAGS shall not choose another backend. */
    running = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    if (running == NULL) {
        etd_log(ETD_LOG_ERROR, "cannot open the event loop: the kernel refused epoll",
                "error=\"%s\"", strerror(errno));
        etd_loop_close(NULL);
    }
    return running;
}

bool etd_loop_failed(void)
{
    return failed;
}

void etd_loop_close(struct ev_loop *loop)
{
    if (loop != NULL)
        ev_loop_destroy(loop);
    running = NULL;
    free(reserve);
    reserve = NULL;
}
