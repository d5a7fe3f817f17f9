/*
 * fuzz/config_json.c - a model's config.json, and all that is worked out from one that is taken.
 */
#include "cli/models.h"
#include "fuzz.h"

static void
check_cut(const struct ss_model *model, const struct ss_cut *cut)
{
    uint32_t layers = 0;
    for (uint32_t i = 0; i < cut->pp; i++) {
        struct ss_stage stage;
        ss_model_stage(model, cut->pp, i, &stage);
        layers += stage.layers;
        if (stage.expert_layers > stage.layers || stage.window_layers > stage.layers)
            fuzz_fail("stage %u has more layers of a kind than layers", i);
        (void)ss_model_stage_bytes(model, cut, &stage);
        (void)ss_model_stage_active(model, &stage);
    }
    if (layers != model->layers)
        fuzz_fail("%u stages hold %u of %u layers", cut->pp, layers, model->layers);
    (void)ss_model_expert_bytes(model, cut);
    (void)ss_cut_expert_ffn(model, cut);
    (void)ss_cut_experts(model, cut);
    (void)ss_model_vocab_per_gpu(model, cut->tp);
    (void)ss_model_weight_bytes_per_gpu(model, cut->tp);
    (void)ss_model_kv_heads_per_gpu(model, cut->tp);
    (void)ss_model_kv_bytes_per_layer(model, cut->tp);
    (void)ss_model_kv_bytes_per_token_per_gpu(model, cut->tp);
}

static void
check_model(struct ss_model *model)
{
    static const struct ss_cut cuts[] = {{1, 1, 1, 1}, {2, 1, 1, 1}, {8, 2, 1, 1}, {4, 3, 2, 8}, {1, 1, 16, 16}};
    static const uint32_t weights[] = {0, SERVSIM_DTYPE_FP8, SERVSIM_DTYPE_INT4, SERVSIM_DTYPE_MXFP4};
    for (size_t i = 0; i < sizeof weights / sizeof weights[0]; i++) {
        if (weights[i] != 0)
            ss_model_set_weights(model, weights[i]);
        if (ss_model_active_parameters(model) > ss_model_parameters(model))
            fuzz_fail("a token meets %llu of %llu parameters", (unsigned long long)ss_model_active_parameters(model),
                      (unsigned long long)ss_model_parameters(model));
        json_decref(ss_model_json("fuzz", model));
        for (size_t j = 0; j < sizeof cuts / sizeof cuts[0]; j++)
            if (cuts[j].pp <= model->layers)
                check_cut(model, &cuts[j]);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ss_model model;
    struct servsim_error err = {.size = sizeof err};
    int rc = ss_model_read(&model, fuzz_file(0, data, size), &err);
    fuzz_check_answer(rc, &err);
    if (rc == 0)
        check_model(&model);
    return 0;
}
