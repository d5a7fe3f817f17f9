/*
 * conform/predictor.c - the laws of predictors: answers that can be used, no look at what has not happened, and the
 * same in both modes.
 */
#include <math.h>
#include <stdlib.h>

#include "conform/laws.h"

#define RANDOM_CELLS 60
#define ROUNDS 600
#define PER_MINUTE 7
#define AHEAD 3u

/* One instance, asked directly. */
struct session {
    const struct servsim_predictor_ops *ops;
    void *self;
    struct servsim_random random;
    struct ss_text *out; /* what it answers; NULL: not kept */
    uint32_t hint;       /* the true length times this is passed to predict(); the host passes 0 to the blind */
    struct servsim_minute totals;
};

#define HAS(session_, entry_)                                                                                          \
    (SERVSIM_COVERS((session_)->ops, struct servsim_predictor_ops, entry_) && (session_)->ops->entry_ != NULL)

static int
failed(const char *entry, int32_t rc, struct servsim_error *err)
{
    char said[900];
    if (err->text[0] == '\0')
        return servsim_fail(err, EPROTO, "%s() answers %d and leaves no text", entry, rc);
    (void)snprintf(said, sizeof said, "%.890s", err->text);
    return servsim_fail(err, EPROTO, "%s() fails: %s", entry, said);
}

static int
sees_future(const struct ss_trial *trial)
{
    const struct servsim_predictor_ops *ops = trial->plugin.descriptor->ops;
    return (ops->flags & SERVSIM_PREDICTOR_SEES_FUTURE) != 0;
}

/* ---- what is legal to hand over, however unlikely ---- */

static struct servsim_sample
draw_sample(struct session *session, int64_t second)
{
    static const char *const labels[] = {"", "a", "b", "a label of thirty-one letters .."};
    struct servsim_random *random = &session->random;
    return (struct servsim_sample){.size = sizeof(struct servsim_sample),
                                   .prompt_tokens = SS_PICK(random, 1, 2, 100, 101, 5000, UINT32_MAX),
                                   .client = SS_PICK(random, 0, 1, 2),
                                   .arrival_s = second,
                                   .arrival_ps = 5,
                                   .label = labels[SS_PICK(random, 0, 1, 2, 3)]};
}

static int
ask_one(struct session *session, const struct servsim_sample *sample, uint32_t truth, struct servsim_error *err)
{
    struct servsim_prediction out = {.size = sizeof out};
    int32_t rc = session->ops->predict(session->self, sample, truth * session->hint, &out, err);
    if (rc < 0)
        return failed("predict", rc, err);
    if (!(out.confidence >= 0 && out.confidence <= 1))
        return servsim_fail(err, EPROTO, "predict() has a confidence of %g; 0 to 1 are allowed", out.confidence);
    if (session->out != NULL)
        ss_text_printf(session->out, "predict %u %u: %u %.17g\n", sample->prompt_tokens, truth, out.output_tokens,
                       out.confidence);
    return 0;
}

static int
check_minute(struct session *session, const struct servsim_minute *minute, struct servsim_error *err)
{
    const double totals[] = {minute->requests, minute->prompt_tokens, minute->output_tokens};
    for (size_t i = 0; i < 3; i++)
        if (!isfinite(totals[i]) || totals[i] < 0)
            return servsim_fail(err, EPROTO, "forecast() foretells a total of %g; they are finite and not below 0",
                                totals[i]);
    if (session->out != NULL)
        ss_text_printf(session->out, "forecast %.17g %.17g %.17g\n", totals[0], totals[1], totals[2]);
    return 0;
}

static int
ask_forecast(struct session *session, struct servsim_error *err)
{
    struct servsim_minute out[AHEAD + 1] = {{0, 0, 0}};
    out[AHEAD].requests = -1;
    if (!HAS(session, forecast))
        return 0;
    int32_t rc = session->ops->forecast(session->self, out, AHEAD, err);
    if (rc < 0)
        return failed("forecast", rc, err);
    if (rc > (int32_t)AHEAD || out[AHEAD].requests != -1)
        return servsim_fail(err, EPROTO, "forecast() fills in more than the %u minutes that it is asked for", AHEAD);
    int bad = 0;
    for (int32_t i = 0; i < rc && bad == 0; i++)
        bad = check_minute(session, &out[i], err);
    return bad;
}

static int
end_minute(struct session *session, struct servsim_error *err)
{
    int32_t rc = HAS(session, minute) ? session->ops->minute(session->self, &session->totals, err) : 0;
    session->totals = (struct servsim_minute){0, 0, 0};
    return rc < 0 ? failed("minute", rc, err) : ask_forecast(session, err);
}

static int
tell_outcome(struct session *session, const struct servsim_sample *sample, uint32_t truth, int in_history,
             struct servsim_error *err)
{
    int32_t rc = 0;
    if (in_history && HAS(session, learn)) {
        rc = session->ops->learn(session->self, sample, truth, err);
        return rc < 0 ? failed("learn", rc, err) : 0;
    }
    if (HAS(session, observe))
        rc = session->ops->observe(session->self, sample, truth, err);
    return rc < 0 ? failed("observe", rc, err) : 0;
}

/* A request, its outcome, and now and then the end of a minute; every third minute is empty. */
static int
round_of(struct session *session, int round, int history, struct servsim_error *err)
{
    int in_history = round < history, rc = 0;
    struct servsim_sample sample = draw_sample(session, (int64_t)round - history);
    uint32_t truth = SS_PICK(&session->random, 1, 1, 7, 300, 301, 4000, 1u << 20);
    rc = ask_one(session, &sample, truth, err);
    session->totals.requests++;
    session->totals.prompt_tokens += sample.prompt_tokens;
    if (rc == 0)
        rc = tell_outcome(session, &sample, truth, in_history, err);
    session->totals.output_tokens += truth;
    for (int ends = round % PER_MINUTE == 0; ends > 0 && rc == 0; ends--)
        rc = end_minute(session, err);
    if (rc == 0 && round % (3 * PER_MINUTE) == 0)
        rc = end_minute(session, err);
    if (rc == 0 && history > 0 && round == history - 1 && HAS(session, train)) {
        rc = session->ops->train(session->self, err);
        rc = rc < 0 ? failed("train", rc, err) : 0;
    }
    return rc;
}

static int
hold_session(struct ss_trial *trial, const struct ss_use *use, int history, uint32_t hint, struct ss_text *out,
             struct servsim_error *err)
{
    struct session session = {.ops = trial->plugin.descriptor->ops, .random = {11}, .out = out, .hint = hint};
    int32_t rc = ss_trial_create(trial, use, &session.self, err);
    if (rc < 0)
        return failed("create", rc, err);
    rc = ask_forecast(&session, err);
    for (int round = 0; round < ROUNDS && rc == 0; round++) {
        if (out != NULL && round == ROUNDS / 2 && trial->midway != NULL)
            trial->midway(trial->midway_ctx);
        err->text[0] = '\0';
        rc = round_of(&session, round, history, err);
    }
    trial->plugin.descriptor->destroy(session.self);
    return rc;
}

/* ---- laws ---- */

/* With a history of no minute, of a few and of nearly all. */
static int
usable(struct ss_trial *trial, struct servsim_error *err)
{
    static const int histories[] = {0, 1, 50, ROUNDS - 10};
    int rc = 0;
    ss_trial_add_variants(trial);
    for (size_t variant = 0; variant < trial->variant_count && rc == 0; variant++)
        for (size_t i = 0; i < sizeof histories / sizeof histories[0] && rc == 0; i++)
            rc = hold_session(trial, &trial->variants[variant], histories[i], (uint32_t)sees_future(trial), NULL, err);
    return rc;
}

/* Told and not told true lengths: one that does not see the future answers the same. */
static int
blind(struct ss_trial *trial, struct servsim_error *err)
{
    struct ss_text told = {0}, untold = {0};
    char where[400];
    if (sees_future(trial))
        return ss_not_tried(err, "it declares SERVSIM_PREDICTOR_SEES_FUTURE");
    void (*midway)(void *) = trial->midway;
    trial->midway = NULL;
    int rc = hold_session(trial, &trial->use, 50, 0, &untold, err);
    if (rc == 0)
        rc = hold_session(trial, &trial->use, 50, 1, &told, err);
    trial->midway = midway;
    if (rc == 0 && strcmp(told.data, untold.data) != 0) {
        ss_trial_difference(untold.data, told.data, where, sizeof where);
        rc = servsim_fail(err, EPROTO,
                          "it uses true_output_tokens (%s); declare SERVSIM_PREDICTOR_SEES_FUTURE, or leave it alone",
                          where);
    }
    ss_text_free(&told);
    ss_text_free(&untold);
    return rc;
}

static int
fast_forward(struct ss_trial *trial, struct servsim_error *err)
{
    return ss_scenes_equal(trial, RANDOM_CELLS, err);
}

static int
transcript(struct ss_trial *trial, struct ss_text *out, struct servsim_error *err)
{
    int rc = hold_session(trial, &trial->use, 200, (uint32_t)sees_future(trial), out, err);
    return rc == 0 && out->failed ? servsim_fail(err, ENOMEM, "no memory for a transcript") : rc;
}

static const struct ss_law laws[] = {
    {"answers can be used", usable},
    {"sees no future", blind},
    {"fast-forward equals single steps", fast_forward},
};

const struct ss_kind_laws ss_predictor_laws = {SERVSIM_KIND_PREDICTOR, laws, sizeof laws / sizeof laws[0], transcript};
