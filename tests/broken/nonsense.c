/* broken/nonsense.c - an enumerator that answers neither 1 nor 0. */
#include "fit.h"

SERVSIM_EXPORT int32_t
servsim_plugin_at(uint32_t index, const struct servsim_plugin **out)
{
    *out = &fit;
    return (int32_t)index - 7;
}
