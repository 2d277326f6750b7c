/* mask.h - masking (RFC 6455, 5.3), which is its own inverse. */
#ifndef HTTP_WS_MASK_H
#define HTTP_WS_MASK_H

#include "base/base.h"

/* Mask `size` bytes from `from` to `to`, which may be the same; they are those
 * of the payload from byte `at` on. */
void ramet__ws_mask(void *to, const void *from, size_t size,
		    const uint8_t mask[4], uint64_t at);

#endif
