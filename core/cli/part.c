/*
 * cli/part.c - which share of an experiment's cells this process runs: as it is told, or as Slurm has it.
 */
#include <errno.h>
#include <stdlib.h>

#include "cli/cli.h"

#define MOST_PARTS 1000000ul
#define NONE (MOST_PARTS + 1)

int
ss_part_read(const char *text, struct ss_part *out)
{
    char *slash, *end;
    unsigned long index = strtoul(text, &slash, 10);
    unsigned long count = *slash == '/' ? strtoul(slash + 1, &end, 10) : 0;
    if (*text < '0' || *text > '9' || *slash != '/' || slash[1] < '0' || slash[1] > '9' || *end != '\0' || index < 1 ||
        index > count || count > MOST_PARTS)
        return ss_complain_text("--part %s: not a share; write --part 1/4 to --part 4/4", text);
    *out = (struct ss_part){(uint32_t)(index - 1), (uint32_t)count};
    return 0;
}

/* A variable of the environment that holds a whole number; `missing` where it is not set, or holds something else. */
static unsigned long
number_of(const char *variable, unsigned long missing)
{
    const char *text = getenv(variable);
    char *end;
    if (text == NULL || *text < '0' || *text > '9')
        return missing;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    return *end == '\0' && errno == 0 && number <= MOST_PARTS ? number : missing;
}

/*
 * SLURM_NTASKS is set in a batch script, too, which is one process; SLURM_STEP_NUM_TASKS is set by srun alone, in each
 * of its tasks.
 */
int
ss_part_of_slurm(struct ss_part *out)
{
    unsigned long arrays = number_of("SLURM_ARRAY_TASK_COUNT", 1), first = number_of("SLURM_ARRAY_TASK_MIN", 0),
                  step = number_of("SLURM_ARRAY_TASK_STEP", 1),
                  id = number_of("SLURM_ARRAY_TASK_ID", arrays > 1 ? NONE : first),
                  tasks = number_of("SLURM_STEP_NUM_TASKS", 1), task = number_of("SLURM_PROCID", tasks > 1 ? NONE : 0);
    if ((arrays > 1 && id == NONE) || (tasks > 1 && task == NONE))
        return ss_complain_text("Slurm says that there are %lu tasks, and not which one this is; write --part I/N",
                                arrays > 1 ? arrays : tasks);
    if (tasks > 1 && task >= tasks)
        return ss_complain_text("Slurm says that this is task %lu of %lu, from 0; write --part I/N", task, tasks);
    unsigned long array = step > 0 && id >= first ? (id - first) / step : arrays;
    *out = (struct ss_part){0, 1};
    if (arrays < 1 || tasks < 1 || array >= arrays || task >= tasks || arrays * tasks > MOST_PARTS ||
        first + array * step != id)
        return ss_complain_text(
            "Slurm's task %lu is none of %lu from %lu in steps of %lu; write --part I/N, or an array "
            "without gaps",
            id, arrays, first, step);
    *out = (struct ss_part){(uint32_t)(array * tasks + task), (uint32_t)(arrays * tasks)};
    return 0;
}
