/* What a draft says of sections and keys that it refuses. Each adds one problem at `origin`. */
#ifndef ECHOTIMED_CORE_CONFIG_REFUSE_H
#define ECHOTIMED_CORE_CONFIG_REFUSE_H

#include "echotimed/config_draft.h"

/* Writes a section's heading, "[daemon]" or "[tcp NAME]". */
void etd_refuse_title(const struct etd_config_draft_section *section, struct etd_writer *writer);

/* A heading whose first word is no section. */
void etd_refuse_section(struct etd_config_draft *draft, const char *text, struct etd_origin origin);

/* A heading whose NAME is none. */
void etd_refuse_section_name(struct etd_config_draft *draft, const char *text,
                             struct etd_origin origin);

/* A heading that stood in the file before. */
void etd_refuse_section_twice(struct etd_config_draft *draft,
                              const struct etd_config_draft_section *section,
                              struct etd_origin origin);

/* A key that the section does not know. */
void etd_refuse_key(struct etd_config_draft *draft, const struct etd_config_draft_section *section,
                    const char *name, struct etd_origin origin);

/* Starts a message about a known key: "[tcp] listen" and what follows. */
struct etd_writer *etd_refuse_key_begin(struct etd_config_message *message,
                                        const struct etd_config_draft_section *section,
                                        const struct etd_config_key *key, const char *follows);

#endif
