/* broken/endless.c - an enumerator that never ends. */
#include "fit.h"

SERVSIM_EXPORT int32_t
servsim_plugin_at(uint32_t index, const struct servsim_plugin **out)
{
    (void)index;
    *out = &fit;
    return 1;
}
