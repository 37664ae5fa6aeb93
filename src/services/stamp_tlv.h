/* The part of service stamp that answers what stands behind the base packet. */
#ifndef ECHOTIMED_SERVICES_STAMP_TLV_H
#define ECHOTIMED_SERVICES_STAMP_TLV_H

#include "echotimed/service.h"

/* Writes as many bytes as `tlvs` has, which are those of the request behind its base packet: the
 * same TLVs, with their flags and the values that a reflector fills in. */
void etd_stamp_write_tlvs(const struct etd_request *request, struct etd_bytes tlvs,
                          struct etd_writer *reply);

#endif
