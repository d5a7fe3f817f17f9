/* broken/one_of_two.c - two plugins: one is fit, the other is not. */
#include "fit.h"

SERVSIM_EXPORT int32_t
servsim_plugin_at(uint32_t index, const struct servsim_plugin **out)
{
    static struct servsim_plugin plugins[2];
    if (index > 1)
        return 0;
    plugins[0] = plugins[1] = fit;
    plugins[0].kind = 4711;
    plugins[1].name = "sound";
    *out = &plugins[index];
    return 1;
}
