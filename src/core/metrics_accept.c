/* Which format of the metrics a client wants: its Accept header (RFC 9110 section 12.5.1). */
#include "echotimed/metrics.h"

#include <strings.h>

/* Weights in thousandths, as RFC 9110 section 12.4.2 has them. */
enum { WEIGHT_MOST = 1000, WEIGHT_UNNAMED = -1 };

static struct etd_bytes trimmed(const char *text, size_t size)
{
    while (size > 0 && (text[0] == ' ' || text[0] == '\t')) {
        text++;
        size--;
    }
    while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\t'))
        size--;
    return etd_bytes(text, size);
}

/* Cuts what stands before `end` off the front of `text`. */
static struct etd_bytes cut(const char **text, const char *limit, char end)
{
    const char *at = memchr(*text, end, (size_t)(limit - *text));
    const char *stop = at != NULL ? at : limit;
    struct etd_bytes piece = trimmed(*text, (size_t)(stop - *text));
    *text = at != NULL ? at + 1 : limit;
    return piece;
}

static bool is(struct etd_bytes text, const char *word)
{
    return text.size == strlen(word) && strncasecmp((const char *)text.data, word, text.size) == 0;
}

/* "0.75" is 750; what is no weight counts as the most. */
static int weight_of(struct etd_bytes text)
{
    int weight = 0, unit = WEIGHT_MOST;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (i == 1 && c == '.')
            continue;
        if (c < '0' || c > '9')
            return WEIGHT_MOST;
        weight += (c - '0') * unit;
        unit /= 10;
    }
    return text.size == 0 || weight > WEIGHT_MOST ? WEIGHT_MOST : weight;
}

/* The greatest weight of a media type in the header. */
static int weight_in(const char *accept, const char *type)
{
    const char *end = accept + strlen(accept);
    int weight = WEIGHT_UNNAMED;
    while (accept < end) {
        struct etd_bytes range = cut(&accept, end, ',');
        const char *at = (const char *)range.data, *limit = at + range.size;
        if (!is(cut(&at, limit, ';'), type))
            continue;
        int one = WEIGHT_MOST;
        while (at < limit) {
            struct etd_bytes parameter = cut(&at, limit, ';');
            if (parameter.size >= 2 && strncasecmp((const char *)parameter.data, "q=", 2) == 0)
                one = weight_of(etd_bytes(parameter.data + 2, parameter.size - 2));
        }
        if (one > weight)
            weight = one;
    }
    return weight;
}

enum etd_metrics_format etd_metrics_format_wanted(const char *accept)
{
    if (accept == NULL)
        return ETD_METRICS_PROMETHEUS;
    int openmetrics = weight_in(accept, "application/openmetrics-text");
    return openmetrics > 0 && openmetrics >= weight_in(accept, "text/plain")
               ? ETD_METRICS_OPENMETRICS
               : ETD_METRICS_PROMETHEUS;
}
