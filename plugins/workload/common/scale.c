/*
 * scale.c - see scale.h.
 */
#include "scale.h"

#include <math.h>

#define SHIFT_MAX 54

struct wl_scale
wl_scale_of(double factor)
{
    int exponent = 0;
    uint64_t divisor = (uint64_t)ldexp(frexp(factor, &exponent), 53); /* factor = divisor * 2^(exponent - 53) */
    int shift = 53 - exponent;
    for (; (divisor & 1) == 0; divisor >>= 1)
        shift--;
    for (; shift > SHIFT_MAX; shift--)
        divisor = (divisor + 1) >> 1;
    return (struct wl_scale){divisor, shift};
}

wl_wide
wl_scale_time(const struct wl_scale *scale, wl_wide time_ps)
{
    wl_uwide dividend = (wl_uwide)time_ps, divisor = scale->divisor;
    if (scale->shift >= 0)
        dividend <<= scale->shift;
    else
        divisor <<= -scale->shift;
    if (divisor == 1)
        return (wl_wide)dividend;
    return (wl_wide)((dividend + divisor / 2) / divisor);
}

wl_wide
wl_ps_of(double seconds)
{
    double whole = floor(seconds);
    if (whole > 9e8)
        whole = 9e8;
    return (wl_wide)whole * WL_PS_PER_S + (wl_wide)((seconds - whole < 1.0 ? seconds - whole : 0.0) * 1e12);
}
