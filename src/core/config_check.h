#ifndef ECHOTIMED_CORE_CONFIG_CHECK_H
#define ECHOTIMED_CORE_CONFIG_CHECK_H

#include "echotimed/config_draft.h"

/* Checks what concerns several keys or sections together and adds a problem for each mistake, at
 * the later of the lines that do not go together. A key whose value was refused is left
 * out of it. */
void etd_draft_check(struct etd_config_draft *draft);

#endif
