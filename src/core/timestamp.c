#include "echotimed/timestamp.h"

enum { SECONDS_PER_DAY = 86400, NANOSECONDS_PER_US = 1000, NANOSECONDS_PER_MS = 1000000 };

static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

/* What floor_divide leaves, 0 to by - 1. */
static int64_t floor_rest(int64_t value, int64_t by)
{
    int64_t rest = value % by;
    return rest < 0 ? rest + by : rest;
}

/* Days since 1970-01-01 to a date. Counts in eras of 400 years (146,097 days) that begin on the 1st
 * of March of year 0, so that the leap day is the last of its year. */
struct etd_civil etd_civil_from_seconds(int64_t seconds, int32_t utc_offset)
{
    /* The offset is added to the seconds of a day, where it cannot overflow. */
    int64_t days = floor_divide(seconds, SECONDS_PER_DAY);
    int64_t local = floor_rest(seconds, SECONDS_PER_DAY) + utc_offset;
    days += floor_divide(local, SECONDS_PER_DAY);
    int64_t rest = floor_rest(local, SECONDS_PER_DAY);

    int64_t since_march = days + 719468; /* days from 0000-03-01 to 1970-01-01 */
    int64_t era = floor_divide(since_march, 146097);
    int64_t day_of_era = floor_rest(since_march, 146097);
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    int64_t month = month_from_march + (month_from_march < 10 ? 3 : -9);

    return (struct etd_civil){
        .year = era * 400 + year_of_era + (month <= 2),
        .month = (uint8_t)month,
        .day = (uint8_t)(day_of_year - (153 * month_from_march + 2) / 5 + 1),
        .hour = (uint8_t)(rest / 3600),
        .minute = (uint8_t)(rest / 60 % 60),
        .second = (uint8_t)(rest % 60),
        .weekday = (uint8_t)floor_rest(days + 4, 7), /* 1970-01-01: Thursday */
    };
}

static void write_signed(struct etd_writer *writer, int64_t value, size_t width)
{
    if (value < 0)
        etd_write_text(writer, "-");
    etd_write_decimal(writer, value < 0 ? -(uint64_t)value : (uint64_t)value, width);
}

void etd_write_clock(struct etd_writer *writer, const struct etd_civil *date)
{
    etd_write_decimal(writer, date->hour, 2);
    etd_write_text(writer, ":");
    etd_write_decimal(writer, date->minute, 2);
    etd_write_text(writer, ":");
    etd_write_decimal(writer, date->second, 2);
}

static void write_rfc3339(struct etd_writer *writer, const struct etd_timestamp *time,
                          int32_t utc_offset)
{
    struct etd_civil date = etd_civil_from_seconds(time->seconds, utc_offset);
    write_signed(writer, date.year, 4);
    etd_write_text(writer, "-");
    etd_write_decimal(writer, date.month, 2);
    etd_write_text(writer, "-");
    etd_write_decimal(writer, date.day, 2);
    etd_write_text(writer, "T");
    etd_write_clock(writer, &date);
    etd_write_text(writer, ".");
    etd_write_decimal(writer, time->nanoseconds / NANOSECONDS_PER_US, 6);
}

static void write_utc(struct etd_writer *writer, const struct etd_clock_reading *reading)
{
    write_rfc3339(writer, &reading->now, 0);
    etd_write_text(writer, "Z");
}

static void write_local(struct etd_writer *writer, const struct etd_clock_reading *reading)
{
    /* RFC 3339 has offsets of whole minutes alone. Some historical zones have seconds in theirs:
     * the offset is cut to minutes and the time is told in the zone that is left. */
    int32_t minutes = reading->utc_offset / 60;
    write_rfc3339(writer, &reading->now, minutes * 60);
    etd_write_text(writer, minutes < 0 ? "-" : "+");
    uint32_t magnitude = (uint32_t)(minutes < 0 ? -minutes : minutes);
    etd_write_decimal(writer, magnitude / 60, 2);
    etd_write_text(writer, ":");
    etd_write_decimal(writer, magnitude % 60, 2);
}

/* Seconds and a fraction of `digits` decimal digits as one integer. An instant before 1970 is the
 * negative of what is left to it, so -1 ns is -0.000000001 s and not -1 s and 999,999,999 ns. */
static void write_scaled(struct etd_writer *writer, const struct etd_timestamp *time,
                         uint32_t unit_ns, size_t digits)
{
    int64_t seconds = time->seconds;
    uint32_t fraction = time->nanoseconds / unit_ns;
    uint32_t units_per_second = 1000000000u / unit_ns;
    if (seconds < 0 && fraction > 0) {
        seconds++;
        fraction = units_per_second - fraction;
        if (seconds == 0)
            etd_write_text(writer, "-");
    }
    if (seconds == 0) {
        etd_write_decimal(writer, fraction, 1);
        return;
    }
    write_signed(writer, seconds, 1);
    etd_write_decimal(writer, fraction, digits);
}

static void write_unix(struct etd_writer *writer, const struct etd_clock_reading *reading)
{
    write_signed(writer, reading->now.seconds, 1);
}

static void write_unix_ms(struct etd_writer *writer, const struct etd_clock_reading *reading)
{
    write_scaled(writer, &reading->now, NANOSECONDS_PER_MS, 3);
}

static void write_unix_us(struct etd_writer *writer, const struct etd_clock_reading *reading)
{
    write_scaled(writer, &reading->now, NANOSECONDS_PER_US, 6);
}

static void write_unix_ns(struct etd_writer *writer, const struct etd_clock_reading *reading)
{
    write_scaled(writer, &reading->now, 1, 9);
}

static void write_http(struct etd_writer *writer, const struct etd_clock_reading *reading)
{
    static const char days[7][5] = {"Sun,", "Mon,", "Tue,", "Wed,", "Thu,", "Fri,", "Sat,"};
    struct etd_civil date = etd_civil_from_seconds(reading->now.seconds, 0);
    etd_write_text(writer, days[date.weekday]);
    etd_write_text(writer, " ");
    etd_write_decimal(writer, date.day, 2);
    etd_write_text(writer, " ");
    etd_write_text(writer, etd_month_name(date.month));
    etd_write_text(writer, " ");
    write_signed(writer, date.year, 4);
    etd_write_text(writer, " ");
    etd_write_clock(writer, &date);
    etd_write_text(writer, " GMT");
}

static const struct {
    const char *name;
    void (*write)(struct etd_writer *writer, const struct etd_clock_reading *reading);
} formats[ETD_TIME_FORMATS] = {
    [ETD_TIME_RFC3339] = {"rfc3339", write_utc},
    [ETD_TIME_RFC3339_LOCAL] = {"rfc3339_local", write_local},
    [ETD_TIME_UNIX] = {"unix", write_unix},
    [ETD_TIME_UNIX_MS] = {"unix_ms", write_unix_ms},
    [ETD_TIME_UNIX_US] = {"unix_us", write_unix_us},
    [ETD_TIME_UNIX_NS] = {"unix_ns", write_unix_ns},
    [ETD_TIME_HTTP] = {"http", write_http},
};

const char *etd_month_name(uint8_t month)
{
    static const char names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    return names[month - 1];
}

const char *etd_time_format_name(enum etd_time_format format)
{
    return formats[format].name;
}

bool etd_time_format_find(struct etd_bytes name, enum etd_time_format *format)
{
    for (size_t i = 0; i < ETD_TIME_FORMATS; i++) {
        if (etd_bytes_equal(name, etd_bytes_text(formats[i].name))) {
            *format = (enum etd_time_format)i;
            return true;
        }
    }
    return false;
}

void etd_time_write(struct etd_writer *writer, enum etd_time_format format,
                    const struct etd_clock_reading *reading)
{
    formats[format].write(writer, reading);
}
