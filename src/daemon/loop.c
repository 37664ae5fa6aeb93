#include "daemon/loop.h"

#include "platform/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* libev ends the process when it gets no memory. So some is laid by for the moment when there is
 * none: what libev asks for while it serves is a few times its tables' growth. */
enum { RESERVE = 1 << 20 };

static void *reserve;
static struct ev_loop *running;
static bool failed;

static void *allocate(void *old, long size) EV_NOEXCEPT
{
    if (size == 0) {
        free(old);
        return NULL;
    }
    void *piece = realloc(old, (size_t)size);
    if (piece == NULL && reserve != NULL) {
        free(reserve);
        reserve = NULL;
        etd_log(ETD_LOG_WARNING, "out of memory: living on the reserve", "size=%ld", size);
        piece = realloc(old, (size_t)size);
    }
    return piece;
}

/* libev goes on when this returns: for a failing epoll_wait that would be a busy loop. */
static void system_error(const char *message) EV_NOEXCEPT
{
    etd_log(ETD_LOG_ERROR, "the event loop failed", "call=\"%s\" error=\"%s\"", message,
            strerror(errno));
    failed = true;
    if (running != NULL)
        ev_break(running, EVBREAK_ALL);
}

struct ev_loop *etd_loop_open(void)
{
    reserve = malloc(RESERVE);
    ev_set_allocator(allocate);
    ev_set_syserr_cb(system_error);
    /* NOENV: LIBEV_FLAGS shall not choose another backend. */
    running = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    if (running == NULL)
        etd_log(ETD_LOG_ERROR, "cannot open the event loop: the kernel refused epoll",
                "error=\"%s\"", strerror(errno));
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
