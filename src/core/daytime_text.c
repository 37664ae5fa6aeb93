#include "echotimed/daytime_text.h"

#include <strings.h>

enum {
    SECONDS_PER_DAY = 86400,
    NS_PER_S = 1000000000,
    WORD = 40, /* characters; 2026-11-22T13:33:35.123456789+01:00 is the longest that counts */
    YEAR_MAX = 9999
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static uint8_t days_of(int64_t year, unsigned month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return (uint8_t)(days[month - 1] + (month == 2 && leap));
}

bool etd_civil_to_seconds(const struct etd_civil *date, int64_t *seconds)
{
    if (date->year < 0 || date->year > YEAR_MAX || date->month < 1 || date->month > 12 ||
        date->day < 1 || date->day > days_of(date->year, date->month) || date->hour > 23 ||
        date->minute > 59 || date->second > 60)
        return false;
    /* Years begin in March here, so that the leap day is the last of its year. */
    int64_t year = date->year - (date->month <= 2) + 400; /* not negative */
    int64_t month = (date->month + 9) % 12;
    int64_t days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 +
                   date->day - 1 - 146097 - 719468; /* 400 years; 0000-03-01 to 1970-01-01 */
    *seconds = days * SECONDS_PER_DAY + date->hour * 3600 + date->minute * 60 + date->second;
    return true;
}

/* What has been made out so far. */
struct findings {
    struct etd_civil date;
    bool day, month, year, clock, zone;
    int32_t offset; /* seconds east of UTC */
};

/* Reads exactly `count` digits and moves on; -1 when they are not there. */
static int take_digits(const char **at, unsigned count)
{
    int value = 0;
    for (; count > 0; count--, (*at)++) {
        if (!is_digit(**at))
            return -1;
        value = value * 10 + (**at - '0');
    }
    return value;
}

static bool take_sign(const char **at, char sign)
{
    if (**at != sign)
        return false;
    (*at)++;
    return true;
}

/* "+01:00", "-0800", "Z", "UTC", "GMT", "UTC(NIST)". */
static bool take_zone(struct findings *found, const char *word)
{
    if (word[0] == '+' || word[0] == '-') {
        const char *at = word + 1;
        int hours = take_digits(&at, 2);
        (void)take_sign(&at, ':');
        int minutes = hours >= 0 ? take_digits(&at, 2) : -1;
        if (hours > 23 || minutes < 0 || minutes > 59 || *at != '\0')
            return false;
        found->offset = (hours * 60 + minutes) * (word[0] == '-' ? -60 : 60);
        found->zone = true;
        return true;
    }
    if (strcasecmp(word, "Z") == 0 || strcasecmp(word, "UTC") == 0 ||
        strcasecmp(word, "GMT") == 0 || strcasecmp(word, "UTC(NIST)") == 0)
        found->zone = true;
    return found->zone;
}

/* "13:33:35", with or without a fraction and a zone right behind. */
static bool take_clock(struct findings *found, const char *word)
{
    int hour = take_digits(&word, 2);
    if (hour < 0 || !take_sign(&word, ':'))
        return false;
    int minute = take_digits(&word, 2);
    if (minute < 0 || !take_sign(&word, ':'))
        return false;
    int second = take_digits(&word, 2);
    if (second < 0)
        return false;
    if (take_sign(&word, '.')) {
        while (is_digit(*word))
            word++;
    }
    found->date.hour = (uint8_t)hour;
    found->date.minute = (uint8_t)minute;
    found->date.second = (uint8_t)second;
    found->clock = true;
    return *word == '\0' || take_zone(found, word);
}

/* "2026-11-22", and "26-11-22" of this century; behind a T the time of day may follow. */
static bool take_date(struct findings *found, const char *word)
{
    bool is_short = strlen(word) >= 3 && word[2] == '-';
    int year = take_digits(&word, is_short ? 2 : 4);
    if (year < 0 || !take_sign(&word, '-'))
        return false;
    int month = take_digits(&word, 2);
    if (month < 0 || !take_sign(&word, '-'))
        return false;
    int day = take_digits(&word, 2);
    if (day < 0 || (*word != '\0' && !take_sign(&word, 'T')))
        return false;
    found->date.year = is_short ? 2000 + year : year;
    found->date.month = (uint8_t)month;
    found->date.day = (uint8_t)day;
    found->day = found->month = found->year = true;
    return *word == '\0' || take_clock(found, word);
}

/* The day, of one or two digits, or the year, of four. Other numbers mean nothing here. */
static void take_number(struct findings *found, const char *word)
{
    size_t length = strlen(word);
    int value = length <= 4 ? take_digits(&word, (unsigned)length) : -1;
    if (value < 0)
        return;
    if (length <= 2 && !found->day) {
        found->date.day = (uint8_t)value;
        found->day = true;
    } else if (length == 4 && !found->year) {
        found->date.year = value;
        found->year = true;
    }
}

static void take_word(struct findings *found, const char *word)
{
    if (strlen(word) > 3 && word[2] == ':') {
        (void)take_clock(found, word);
    } else if (is_digit(word[0]) && strchr(word, '-') != NULL) {
        (void)take_date(found, word);
    } else if (is_digit(word[0])) {
        take_number(found, word);
    } else if (!take_zone(found, word)) {
        for (uint8_t month = 1; month <= 12 && !found->month; month++) {
            /* "Nov" and "November". */
            if (strlen(word) >= 3 && strncasecmp(word, etd_month_name(month), 3) == 0) {
                found->date.month = month;
                found->month = true;
            }
        }
    }
}

bool etd_daytime_parse(struct etd_bytes text, struct etd_timestamp *time)
{
    struct findings found = {.day = false};
    char word[WORD + 1];
    size_t length = 0;
    int64_t seconds;
    for (size_t i = 0; i <= text.size; i++) {
        char c = i < text.size ? (char)text.data[i] : ' ';
        if (c != ' ' && c != ',' && c != '\r' && c != '\n' && c != '\t' && c != '\0') {
            if (length < WORD)
                word[length] = c;
            length++;
            continue;
        }
        if (length > 0 && length <= WORD) {
            word[length] = '\0';
            take_word(&found, word);
        }
        length = 0;
    }
    if (!found.day || !found.month || !found.year || !found.clock || !found.zone ||
        !etd_civil_to_seconds(&found.date, &seconds))
        return false;
    *time = (struct etd_timestamp){.seconds = seconds - found.offset};
    return true;
}

bool etd_unix_ns_parse(struct etd_bytes text, struct etd_timestamp *time)
{
    size_t size = text.size, i = 0;
    while (size > 0 && (text.data[size - 1] == '\n' || text.data[size - 1] == '\r'))
        size--;
    bool negative = size > 0 && text.data[0] == '-';
    int64_t value = 0;
    i += negative;
    if (i == size)
        return false;
    for (; i < size; i++) {
        if (!is_digit((char)text.data[i]) || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, text.data[i] - '0', &value))
            return false;
    }
    value = negative ? -value : value;
    int64_t rest = value % NS_PER_S;
    bool borrow = rest < 0;
    *time = (struct etd_timestamp){.seconds = value / NS_PER_S - borrow,
                                   .nanoseconds = (uint32_t)(rest + (borrow ? NS_PER_S : 0))};
    return true;
}
