/*
 * base/time.h - simulated time.
 *
 * 64-bit picoseconds end after 106 days and published traces run for longer, so clocks and sums of durations are 128
 * bits wide. Prices of single steps stay 64-bit.
 */
#ifndef SS_BASE_TIME_H
#define SS_BASE_TIME_H

#include <stdint.h>

__extension__ typedef __int128 ss_wide;           /* sums of products */
__extension__ typedef unsigned __int128 ss_uwide; /* the same, never negative */

typedef ss_wide ss_time; /* picoseconds from the first row of the traffic */

#define SS_PS_PER_S ((ss_time)1000000000000)
#define SS_PS_PER_MS ((ss_time)1000000000)
#define SS_NEVER (((ss_time)1) << 120)

static inline ss_time
ss_time_of(int64_t seconds, int64_t picoseconds)
{
    return (ss_time)seconds * SS_PS_PER_S + picoseconds;
}

/*
 * time / (divisor * 2^shift), `time` not negative, for a constant divisor: a division of 64 bits, which compilers turn
 * into a multiplication, where one of 128 bits is a call that takes ten times as long.
 */
static inline ss_time
ss_time_divide(ss_time time, uint64_t divisor, unsigned shift)
{
    ss_time shifted = time >> shift;
    if (shifted <= UINT64_MAX)
        return (uint64_t)shifted / divisor;
    return shifted / (ss_time)divisor;
}

/* Splits for the ABI's {seconds, picoseconds}; `time` is not negative. */
static inline void
ss_time_split(ss_time time, int64_t *seconds, int64_t *picoseconds)
{
    ss_time whole = ss_time_divide(time, 244140625, 12); /* 10^12 = 5^12 * 2^12 */
    *seconds = (int64_t)whole;
    *picoseconds = (int64_t)(time - whole * SS_PS_PER_S);
}

static inline double
ss_time_seconds(ss_time time)
{
    return (double)time / 1e12;
}

#endif
