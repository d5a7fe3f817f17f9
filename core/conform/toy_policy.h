/*
 * conform/toy_policy.h - the toy cell's own scheduler and router.
 */
#ifndef SS_CONFORM_TOY_POLICY_H
#define SS_CONFORM_TOY_POLICY_H

#include "plugin/registry.h"

extern const struct ss_plugin ss_toy_scheduler; /* first come, first served */
extern const struct ss_plugin ss_toy_router;    /* one replica after another */

#endif
