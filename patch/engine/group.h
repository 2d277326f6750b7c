/* group.h - what groups are called, besides ramet_patch_groups. */
#ifndef PATCH_ENGINE_GROUP_H
#define PATCH_ENGINE_GROUP_H

#include "ramet/patch.h"

/* The name of a group: "socket"; NULL if it is none.  For the command. */
RAMET_API const char *ramet__patch_group_name(unsigned group);

#endif
