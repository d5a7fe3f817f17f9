/*
 * broken/kit_load.c - crashes while it is loaded: the program that checks it must not.
 */
#include "servsim/plugin.h"

__attribute__((constructor)) static void
crash(void)
{
    abort();
}

SERVSIM_EXPORT int32_t
servsim_plugin_at(uint32_t index, const struct servsim_plugin **out)
{
    (void)index;
    (void)out;
    return 0;
}
