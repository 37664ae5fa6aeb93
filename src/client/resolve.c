#include "client/resolve.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* getaddrinfo(3) knows no time-out, so it runs in a thread of its own. Whichever of the two is done
 * last, the thread or the one who waits, frees this. */
struct question {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool answered;
    bool given_up;
    bool found;
    struct etd_endpoint endpoint;
    struct etd_socket_addresses addresses;
    char error[ETD_SOCKET_ERROR];
};

static void destroy(struct question *question)
{
    pthread_cond_destroy(&question->changed);
    pthread_mutex_destroy(&question->lock);
    free(question);
}

static void *resolve(void *argument)
{
    struct question *question = argument;
    bool found = etd_socket_resolve(&question->endpoint, &question->addresses, question->error);
    pthread_mutex_lock(&question->lock);
    /* Of very many addresses the first ones do: one of them is enough. */
    question->found = found || question->addresses.overfull;
    question->answered = true;
    bool alone = question->given_up;
    pthread_cond_signal(&question->changed);
    pthread_mutex_unlock(&question->lock);
    if (alone)
        destroy(question);
    return NULL;
}

static struct question *ask(const struct etd_url *url)
{
    pthread_condattr_t clock;
    pthread_attr_t detached;
    pthread_t thread;
    struct question *question = calloc(1, sizeof *question);
    if (question == NULL)
        return NULL;
    question->endpoint.kind = ETD_ENDPOINT_HOST;
    question->endpoint.address.port = url->port;
    memcpy(question->endpoint.name, url->host, sizeof url->host);
    pthread_mutex_init(&question->lock, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&question->changed, &clock);
    pthread_condattr_destroy(&clock);
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    int failure = pthread_create(&thread, &detached, resolve, question);
    pthread_attr_destroy(&detached);
    if (failure == 0)
        return question;
    destroy(question);
    errno = failure;
    return NULL;
}

_Static_assert(sizeof((struct etd_url *)0)->host == sizeof((struct etd_endpoint *)0)->name,
               "a host of a URL is a name of an endpoint");

bool etd_resolve_within(const struct etd_url *url, uint64_t deadline,
                        struct etd_socket_addresses *found, char error[ETD_COMPLAINT])
{
    const struct timespec until = {.tv_sec = (time_t)(deadline / 1000000),
                                   .tv_nsec = (long)(deadline % 1000000) * 1000};
    struct question *question = ask(url);
    if (question == NULL) {
        snprintf(error, ETD_COMPLAINT,
                 "no address for %s port %u (%s): no thread to resolve it: %s", url->host,
                 url->port, etd_transport_name(url->transport), strerror(errno));
        return false;
    }
    pthread_mutex_lock(&question->lock);
    while (!question->answered &&
           pthread_cond_timedwait(&question->changed, &question->lock, &until) == 0)
        ;
    bool answered = question->answered, good = answered && question->found;
    question->given_up = !answered;
    pthread_mutex_unlock(&question->lock);
    if (!answered) {
        snprintf(
            error, ETD_COMPLAINT,
            "no address for %s port %u (%s): cannot resolve \"%s\" in time; a longer --timeout "
            "waits longer, \"getent ahosts %s\" shows what the resolver says, and a numeric "
            "address needs none",
            url->host, url->port, etd_transport_name(url->transport), url->host, url->host);
        return false;
    }
    *found = question->addresses;
    if (!good)
        snprintf(error, ETD_COMPLAINT, "no address for %s port %u (%s): %s", url->host, url->port,
                 etd_transport_name(url->transport), question->error);
    destroy(question);
    return good;
}
