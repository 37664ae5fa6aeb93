#include "framing/rows.h"

const struct etd_framing *const etd_framings[ETD_FRAMING_COUNT] = {
    [ETD_FRAMING_RAW] = &etd_framing_raw,
    [ETD_FRAMING_LINE] = &etd_framing_line,
    [ETD_FRAMING_LENGTH16] = &etd_framing_length16,
    [ETD_FRAMING_LENGTH32] = &etd_framing_length32,
};
