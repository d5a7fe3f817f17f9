/* broken/no_symbol.c - a shared object that is no plugin. */
#include "servsim/plugin.h"

SERVSIM_EXPORT int32_t servsim_plugin_ad(uint32_t index, const struct servsim_plugin **out);

int32_t
servsim_plugin_ad(uint32_t index, const struct servsim_plugin **out)
{
    (void)index;
    (void)out;
    return 0;
}
