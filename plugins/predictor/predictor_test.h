/*
 * predictor_test.h - asking a built predictor without the engine.
 */
#ifndef PREDICTOR_TEST_H
#define PREDICTOR_TEST_H

#include <math.h>

#include "tests/unit/fake_host.h"

struct asked {
    struct fake_plugin plugin;
    const struct servsim_predictor_ops *ops;
    struct servsim_error err;
};

FAKE_UNUSED static void
open_predictor(struct asked *asked, const char *name, const char *const *options)
{
    memset(asked, 0, sizeof *asked);
    asked->err.size = sizeof asked->err;
    CU_ASSERT_EQUAL_FATAL(fake_open(&asked->plugin, "predictor", name), 0);
    CU_ASSERT_EQUAL_FATAL(fake_create(&asked->plugin, NULL, options), 0);
    asked->ops = asked->plugin.descriptor->ops;
}

FAKE_UNUSED static struct servsim_sample
sample(const char *label, uint32_t prompt)
{
    return (struct servsim_sample){.size = sizeof(struct servsim_sample), .prompt_tokens = prompt, .label = label};
}

FAKE_UNUSED static struct servsim_prediction
predicted(struct asked *asked, const char *label, uint32_t prompt, uint32_t truth)
{
    struct servsim_prediction out = {.size = sizeof out};
    struct servsim_sample one = sample(label, prompt);
    CU_ASSERT_EQUAL(asked->ops->predict(asked->plugin.self, &one, truth, &out, &asked->err), 0);
    return out;
}

FAKE_UNUSED static void
seen(struct asked *asked, const char *label, uint32_t prompt, uint32_t output)
{
    struct servsim_sample one = sample(label, prompt);
    CU_ASSERT_EQUAL(asked->ops->observe(asked->plugin.self, &one, output, &asked->err), 0);
}

FAKE_UNUSED static void
minute(struct asked *asked, double requests, double prompt, double output)
{
    const struct servsim_minute totals = {requests, prompt, output};
    CU_ASSERT_EQUAL(asked->ops->minute(asked->plugin.self, &totals, &asked->err), 0);
}

FAKE_UNUSED static void
close_predictor(struct asked *asked)
{
    fake_destroy(&asked->plugin);
}

#endif
