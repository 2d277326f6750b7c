/* patch.h - what the engine's own replacements (dl.c) ask of it. */
#ifndef PATCH_ENGINE_PATCH_H
#define PATCH_ENGINE_PATCH_H

#include <stdbool.h>

#include "patch/engine/row.h"

/* Apply the rules to what was loaded since the last time.  Quick if nothing
 * was; errno stays. */
void patch_catch_up(void);

/* The groups replaced in the object that has this code; 0 too if it is none of
 * ours to patch. */
unsigned patch_groups_at(const void *code);

/* Whether there are rules. */
bool patch_stands(void);

#endif
