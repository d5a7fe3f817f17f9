/* broken/nothing.c - an enumerator with nothing to hand out. */
#include "fit.h"

SERVSIM_EXPORT int32_t
servsim_plugin_at(uint32_t index, const struct servsim_plugin **out)
{
    (void)index;
    *out = &fit;
    return 0;
}
