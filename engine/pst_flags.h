/* What Outlook knows of an item and libpst does not give: answered, forwarded, flagged. */
#ifndef PST_FLAGS_H
#define PST_FLAGS_H

#include <stdint.h>

#include <libpst/libpst.h>

/* enum source_flag of the item whose properties stand in block `bid`; 0 where they cannot be read. Runs in the helper. */
uint32_t pst_flags(pst_file *pf, uint64_t bid);

#endif
