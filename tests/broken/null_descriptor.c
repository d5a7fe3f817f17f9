/* broken/null_descriptor.c - says that there is a plugin, and hands out none. */
#include "servsim/plugin.h"

SERVSIM_EXPORT int32_t
servsim_plugin_at(uint32_t index, const struct servsim_plugin **out)
{
    *out = NULL;
    return index == 0;
}
