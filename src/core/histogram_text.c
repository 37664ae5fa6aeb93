#include "echotimed/histogram_text.h"

enum {
    ROWS_MOST = 16,
    ROWS_LEAST = 5, /* fewer on a logarithmic scale: a linear one shows more */
    WIDTH_MOST = 512,
    BARS_LEAST = 8,  /* less room for bars: the shares make way */
    BOUND_WIDTH = 7, /* "12.3 us" */
    RANGE_WIDTH = 2 * BOUND_WIDTH + 3,
    SHARE_WIDTH = 7, /* "100.0 %" */
    GAP = 2
};

static const char colour_bar[] = "\033[36m", colour_head[] = "\033[1m", colour_off[] = "\033[0m";

void etd_write_duration(struct etd_writer *writer, uint64_t nanoseconds)
{
    static const struct {
        uint64_t unit; /* in nanoseconds */
        const char *name;
    } units[] = {{1, " ns"}, {1000, " us"}, {1000000, " ms"}, {1000000000, " s"}};
    const size_t last = sizeof units / sizeof *units - 1;
    for (size_t i = 0; i <= last; i++) {
        /* As many decimals, 2 at most, as make three digits; what rounds to 1000 takes the next. */
        for (unsigned decimals = i == 0 ? 0 : 2, scale = i == 0 ? 1 : 100;;
             decimals--, scale /= 10) {
            uint64_t whole = nanoseconds / units[i].unit * scale;
            uint64_t rest = nanoseconds % units[i].unit * scale;
            uint64_t digits = whole + (rest + units[i].unit / 2) / units[i].unit;
            if (digits >= 1000 && decimals > 0)
                continue;
            if (digits >= 1000 && i < last)
                break;
            etd_write_decimal(writer, digits / scale, 1);
            if (decimals > 0) {
                etd_write_text(writer, ".");
                etd_write_decimal(writer, digits % scale, decimals);
            }
            etd_write_text(writer, units[i].name);
            return;
        }
    }
}

/* Writes text, to the right of `width` columns or to the left. */
static void write_column(struct etd_writer *writer, struct etd_bytes text, size_t width, bool right)
{
    if (!right)
        etd_write_bytes(writer, text);
    for (size_t i = text.size; i < width; i++)
        etd_write_text(writer, " ");
    if (right)
        etd_write_bytes(writer, text);
}

static void write_duration_column(struct etd_writer *writer, uint64_t nanoseconds, size_t width)
{
    uint8_t room[ETD_DURATION_TEXT + 16];
    struct etd_writer text = etd_writer(room, sizeof room);
    etd_write_duration(&text, nanoseconds);
    write_column(writer, etd_writer_bytes(&text), width, true);
}

static void write_number_column(struct etd_writer *writer, uint64_t number, size_t width)
{
    uint8_t room[20];
    struct etd_writer text = etd_writer(room, sizeof room);
    etd_write_decimal(&text, number, 1);
    write_column(writer, etd_writer_bytes(&text), width, true);
}

static void write_coloured(struct etd_writer *writer, const char *code, bool colour)
{
    if (colour)
        etd_write_text(writer, code);
}

void etd_write_quantiles(struct etd_writer *writer, const struct etd_histogram *histogram,
                         const struct etd_histogram_style *style)
{
    if (histogram->count == 0)
        return;
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"mean", (uint64_t)(etd_histogram_mean(histogram) + 0.5)},
        {"deviation", (uint64_t)(etd_histogram_deviation(histogram) + 0.5)},
        {"min", histogram->least},
        {"p50", etd_histogram_quantile(histogram, 0.5)},
        {"p90", etd_histogram_quantile(histogram, 0.9)},
        {"p99", etd_histogram_quantile(histogram, 0.99)},
        {"p99.9", etd_histogram_quantile(histogram, 0.999)},
        {"max", histogram->greatest},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        etd_write_text(writer, "  ");
        write_column(writer, etd_bytes_text(rows[i].name), 12, false);
        write_coloured(writer, colour_head, style->colour);
        write_duration_column(writer, rows[i].value, BOUND_WIDTH + 1);
        write_coloured(writer, colour_off, style->colour);
        etd_write_text(writer, "\n");
    }
}

/* Bounds of rows: row i is from bounds[i], below bounds[i + 1]. */
struct scale {
    uint64_t bounds[ROWS_MOST + 1];
    size_t rows;
};

/* Round times within a decade, by tenths, from coarse to fine; 0 ends each. */
static const uint8_t grids[][12] = {
    {10},
    {10, 30},
    {10, 20, 50},
    {10, 15, 20, 30, 50, 70},
    {10, 12, 15, 20, 25, 30, 40, 50, 60, 80},
};

/* Lays the grid over the least to the greatest. False: more rows than there may be. */
static bool lay_grid(struct scale *scale, const uint8_t grid[12], uint64_t least, uint64_t greatest)
{
    uint64_t decade = 1, bound = 0;
    size_t at = 0;
    scale->rows = 0;
    scale->bounds[0] = 0;
    for (;;) {
        /* Below 10 ns a grid's tenths of nanoseconds would fall on one another. */
        uint64_t next = grid[at] * decade / 10;
        if (grid[++at] == 0) {
            at = 0;
            if (__builtin_mul_overflow(decade, 10, &decade) || decade > UINT64_MAX / 100)
                return false;
        }
        if (next <= bound)
            continue;
        bound = next;
        if (bound <= least) {
            scale->bounds[0] = bound;
            continue;
        }
        if (scale->rows == ROWS_MOST)
            return false;
        scale->bounds[++scale->rows] = bound;
        if (bound > greatest)
            return true;
    }
}

/* Equal steps of 1, 2 or 5 times a power of ten, the finest that is not too fine. */
static void lay_line(struct scale *scale, uint64_t least, uint64_t greatest)
{
    static const uint64_t factors[] = {1, 2, 5};
    for (uint64_t power = 1;; power *= 10) {
        for (size_t i = 0; i < sizeof factors / sizeof *factors; i++) {
            uint64_t step = factors[i] * power, first = least / step * step;
            uint64_t rows = (greatest - first) / step + 1;
            if (rows > ROWS_MOST)
                continue;
            scale->rows = (size_t)rows;
            for (uint64_t row = 0; row <= rows; row++)
                scale->bounds[row] = first + row * step;
            return;
        }
    }
}

static void choose_scale(struct scale *scale, const struct etd_histogram *histogram)
{
    struct scale finer;
    scale->rows = 0;
    for (size_t i = 0; i < sizeof grids / sizeof *grids; i++) {
        if (!lay_grid(&finer, grids[i], histogram->least, histogram->greatest))
            break;
        *scale = finer;
    }
    /* With no row at all the times are beyond what a grid can hold; a line holds any. */
    if (scale->rows < ROWS_LEAST)
        lay_line(scale, histogram->least, histogram->greatest);
}

static size_t decimal_width(uint64_t number)
{
    size_t width = 1;
    while (number >= 10) {
        number /= 10;
        width++;
    }
    return width;
}

/* The share in tenths of a percent, rounded; what is not nothing does not look like it. */
static void write_share(struct etd_writer *writer, uint64_t part, uint64_t whole)
{
    uint8_t room[24];
    struct etd_writer text = etd_writer(room, sizeof room);
    uint64_t tenths = (uint64_t)((double)part * 1000 / (double)whole + 0.5);
    if (part > 0 && tenths == 0) {
        etd_write_text(&text, "< 0.1 %");
    } else {
        etd_write_decimal(&text, tenths / 10, 1);
        etd_write_text(&text, ".");
        etd_write_decimal(&text, tenths % 10, 1);
        etd_write_text(&text, " %");
    }
    write_column(writer, etd_writer_bytes(&text), SHARE_WIDTH, true);
}

static void write_bar(struct etd_writer *writer, size_t length, bool colour)
{
    if (length == 0)
        return;
    etd_write_text(writer, "  ");
    write_coloured(writer, colour_bar, colour);
    while (length-- > 0)
        etd_write_text(writer, "#");
    write_coloured(writer, colour_off, colour);
}

/* The columns of the table, as wide as what stands in them. */
struct layout {
    size_t count_width;
    bool shares;
    size_t bars; /* columns that the longest bar takes; 0: no bars */
};

static struct layout lay_out(const struct etd_histogram_style *style, uint64_t most)
{
    struct layout layout = {.count_width = decimal_width(most)};
    if (strlen(style->noun) > layout.count_width)
        layout.count_width = strlen(style->noun);
    size_t width = style->width < ETD_HISTOGRAM_WIDTH_MIN ? ETD_HISTOGRAM_WIDTH_MIN : style->width;
    width = width > WIDTH_MOST ? WIDTH_MOST : width;
    size_t taken = GAP + RANGE_WIDTH + GAP + layout.count_width;
    layout.shares = taken + GAP + SHARE_WIDTH + GAP + BARS_LEAST <= width;
    if (layout.shares)
        taken += GAP + SHARE_WIDTH;
    if (taken + GAP < width)
        layout.bars = width - taken - GAP;
    return layout;
}

static void write_heading(struct etd_writer *writer, const struct layout *layout,
                          const struct etd_histogram_style *style)
{
    etd_write_text(writer, "  ");
    write_coloured(writer, colour_head, style->colour);
    write_column(writer, etd_bytes_text("time"), RANGE_WIDTH, false);
    etd_write_text(writer, "  ");
    write_column(writer, etd_bytes_text(style->noun), layout->count_width, true);
    if (layout->shares) {
        etd_write_text(writer, "  ");
        write_column(writer, etd_bytes_text("share"), SHARE_WIDTH, true);
    }
    write_coloured(writer, colour_off, style->colour);
    etd_write_text(writer, "\n");
}

void etd_write_histogram(struct etd_writer *writer, const struct etd_histogram *histogram,
                         const struct etd_histogram_style *style)
{
    struct scale scale;
    uint64_t counts[ROWS_MOST], most = 0;
    if (histogram->count == 0)
        return;
    choose_scale(&scale, histogram);
    for (size_t i = 0; i < scale.rows; i++) {
        counts[i] = etd_histogram_between(histogram, scale.bounds[i], scale.bounds[i + 1]);
        most = counts[i] > most ? counts[i] : most;
    }
    struct layout layout = lay_out(style, most);
    write_heading(writer, &layout, style);
    for (size_t i = 0; i < scale.rows; i++) {
        etd_write_text(writer, "  ");
        write_duration_column(writer, scale.bounds[i], BOUND_WIDTH);
        etd_write_text(writer, " - ");
        write_duration_column(writer, scale.bounds[i + 1], BOUND_WIDTH);
        etd_write_text(writer, "  ");
        write_number_column(writer, counts[i], layout.count_width);
        if (layout.shares) {
            etd_write_text(writer, "  ");
            write_share(writer, counts[i], histogram->count);
        }
        size_t bar = (size_t)((double)counts[i] * (double)layout.bars / (double)most + 0.5);
        if (counts[i] > 0 && bar == 0 && layout.bars > 0)
            bar = 1;
        write_bar(writer, bar, style->colour);
        etd_write_text(writer, "\n");
    }
}
