/*
 * report/common/number.h - numbers as text: exact ones for machines, rounded ones for people.
 *
 * Each returns a small struct, so that a number can be used in place: rp_human(x).text. A value that is not finite
 * becomes an en dash for people; machines are never given one.
 */
#ifndef REPORT_COMMON_NUMBER_H
#define REPORT_COMMON_NUMBER_H

struct rp_word {
    char text[48];
};

/* The shortest text that reads back as the same double; integers without a fraction. Only for finite values. */
struct rp_word rp_exact(double value);

/* Three significant digits, thousands separated by commas: 0.0123, 4.56, 12,300. */
struct rp_word rp_human(double value);

/* Two significant digits: the half width of an interval. */
struct rp_word rp_rough(double value);

/* A mean beside the half width of its interval: as precise as that with two digits, three at least. */
struct rp_word rp_beside(double value, double half);

/* A count, all digits, thousands separated. */
struct rp_word rp_count(double value);

/* A fraction 0..1 as "97.3 %". Never rounds up to 100 % nor down to 0 %. */
struct rp_word rp_percent(double fraction);

/* Seconds as "123 ms", "12.3 s", "4 min 5 s", "2 h 13 min", "61 d 2 h". */
struct rp_word rp_duration(double seconds);

/* Milliseconds with the unit, as a sentence wants them: "12.3 ms", "4.56 s", "2 min 3 s". */
struct rp_word rp_milliseconds(double value);

/* A tick of an axis: as few digits as tell it, thousands separated: 0.05, 2.5, 20,000. */
struct rp_word rp_tick(double value);

/* An index from 0 to 1 whose distance from 1 counts, such as Jain's: five decimals. */
struct rp_word rp_index(double value);

/* A ratio: "3.98x" is written with the multiplication sign. */
struct rp_word rp_times(double ratio);

#endif
