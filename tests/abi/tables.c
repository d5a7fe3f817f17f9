/*
 * abi/tables.c - all tables of the plugin ABI in one object, for abidw and abidiff. Never run.
 */
#include "servsim/plugin.h"

#define SHOW(name_) SERVSIM_EXPORT struct servsim_##name_ *show_##name_(void)
#define TABLE(name_)                                                                                                   \
    SHOW(name_);                                                                                                       \
    SHOW(name_)                                                                                                        \
    {                                                                                                                  \
        return (struct servsim_##name_ *)0;                                                                            \
    }

TABLE(error)
TABLE(option)
TABLE(value)
TABLE(create)
TABLE(request)
TABLE(replica_state)
TABLE(host)
TABLE(plugin)
TABLE(hardware_context)
TABLE(device)
TABLE(gemm)
TABLE(moe)
TABLE(elementwise)
TABLE(collective)
TABLE(attention)
TABLE(line)
TABLE(hardware_ops)
TABLE(scheduler_context)
TABLE(step_ops)
TABLE(step)
TABLE(scheduler_ops)
TABLE(router_context)
TABLE(router_ops)
TABLE(arrival)
TABLE(workload_stats)
TABLE(workload_ops)
TABLE(report_input)
TABLE(report_ops)
TABLE(minute)
TABLE(quality)
TABLE(sample)
TABLE(prediction)
TABLE(predictor_ops)
