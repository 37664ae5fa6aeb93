/* The rows of the framing table, each in the file of its name. */
#ifndef ECHOTIMED_FRAMING_ROWS_H
#define ECHOTIMED_FRAMING_ROWS_H

#include "echotimed/framing.h"

extern const struct etd_framing etd_framing_raw;
extern const struct etd_framing etd_framing_line;
extern const struct etd_framing etd_framing_length16;
extern const struct etd_framing etd_framing_length32;

#endif
