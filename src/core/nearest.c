#include "nearest.h"

#include <string.h>

/* Longer words are no mistyped names; the rows of the matrix below hold so many. */
enum { WORD_MAX = 40 };

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters must be added, left out, changed, or swapped with their neighbour to make one
 * word of the other (optimal string alignment); upper and lower case are the same. */
static size_t distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t rows[3][WORD_MAX + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b_size; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        size_t *spare = before;
        before = above;
        above = row;
        row = spare;
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            char x = lower(a[i - 1]), y = lower(b[j - 1]);
            row[j] = least(above[j - 1] + (x != y), least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && x == lower(b[j - 2]) && y == lower(a[i - 2]))
                row[j] = least(row[j], before[j - 2] + 1);
        }
    }
    return row[b_size];
}

struct etd_nearest etd_nearest_begin(const char *word)
{
    return (struct etd_nearest){.word = word};
}

void etd_nearest_offer(struct etd_nearest *nearest, const char *name)
{
    size_t word_size = strlen(nearest->word);
    size_t name_size = strlen(name);
    if (word_size > WORD_MAX || name_size > WORD_MAX)
        return;
    size_t away = distance(nearest->word, word_size, name, name_size);
    /* Words that differ in half of their letters have nothing to do with each other. */
    if (2 * away >= (word_size > name_size ? word_size : name_size))
        return;
    if (nearest->best == NULL || away < nearest->distance) {
        nearest->best = name;
        nearest->distance = away;
    }
}
