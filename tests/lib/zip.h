/* zip.h - tests of what is compressed, where zlib is. */
#ifndef ZIP_H
#define ZIP_H

#include "test.h"

static inline void need_zlib(void)
{
#ifndef RAMET_COMPRESS
	test_skip("built without zlib");
#endif
}

#endif
