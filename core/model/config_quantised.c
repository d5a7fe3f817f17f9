/*
 * model/config_quantised.c - in which types the weights of a config.json lie: its quantization_config.
 */
#include <stdio.h>
#include <string.h>

#include "model/config_keys.h"

/* The type of weights, and whether activations are quantised as well. */
struct scheme {
    uint32_t dtype;
    int activations;
};

static const struct {
    const char *method;
    uint32_t dtype; /* 0: the file says how many bits */
    int activations;
} methods[] = {
    {"fp8", SERVSIM_DTYPE_FP8, 1},     {"fbgemm_fp8", SERVSIM_DTYPE_FP8, 1}, {"awq", 0, 0}, {"gptq", 0, 0},
    {"mxfp4", SERVSIM_DTYPE_MXFP4, 0},
};

#define METHOD_COUNT (sizeof methods / sizeof methods[0])
#define KNOWN "fp8, fbgemm_fp8, awq, gptq, mxfp4, compressed-tensors or modelopt"

/* Integers of 8 bits are priced as fp8: as many bytes. */
static uint32_t
dtype_of_bits(json_int_t bits)
{
    return bits == 4 ? SERVSIM_DTYPE_INT4 : bits == 8 ? SERVSIM_DTYPE_FP8 : 0;
}

static int
read_bits(const struct ss_config *config, const json_t *map, const char *key, struct scheme *out)
{
    const json_t *bits = ss_config_value(map, key);
    out->dtype = dtype_of_bits(json_is_integer(bits) ? json_integer_value(bits) : -1);
    if (out->dtype != 0)
        return 0;
    return servsim_fail(config->err, ENOTSUP, "%s: quantization_config has no %s of 4 or 8", config->path, key);
}

/* The first group stands for all. */
static int
read_groups(const struct ss_config *config, const json_t *map, struct scheme *out)
{
    json_t *groups = ss_config_value(map, "config_groups");
    const json_t *group = json_object_iter_value(json_object_iter(groups));
    const json_t *weights = ss_config_value(group, "weights");
    const json_t *format = ss_config_value(group, "format");
    if (format == NULL)
        format = ss_config_value(map, "format");
    int rc = read_bits(config, weights, "num_bits", out);
    out->activations = rc == 0 && ss_config_value(group, "input_activations") != NULL;
    if (rc == 0 && json_is_string(format) && strncmp(json_string_value(format), "nvfp4", 5) == 0)
        out->dtype = SERVSIM_DTYPE_NVFP4;
    return rc;
}

static int
read_modelopt(const struct ss_config *config, const json_t *map, struct scheme *out)
{
    const json_t *inner = ss_config_value(map, "quantization");
    const json_t *algorithm = ss_config_value(inner != NULL ? inner : map, "quant_algo");
    const char *name = json_is_string(algorithm) ? json_string_value(algorithm) : "";
    out->activations = 1;
    out->dtype = strcmp(name, "FP8") == 0 ? SERVSIM_DTYPE_FP8 : strcmp(name, "NVFP4") == 0 ? SERVSIM_DTYPE_NVFP4 : 0;
    if (out->dtype != 0)
        return 0;
    return servsim_fail(config->err, ENOTSUP, "%s: quantization_config: quant_algo is neither \"FP8\" nor \"NVFP4\"",
                        config->path);
}

static int
read_scheme(const struct ss_config *config, const json_t *map, struct scheme *out)
{
    const json_t *method = ss_config_value(map, "quant_method");
    const char *name = json_is_string(method) ? json_string_value(method) : "";
    if (strcmp(name, "compressed-tensors") == 0)
        return read_groups(config, map, out);
    if (strcmp(name, "modelopt") == 0)
        return read_modelopt(config, map, out);
    for (size_t i = 0; i < METHOD_COUNT; i++) {
        if (strcmp(methods[i].method, name) != 0)
            continue;
        *out = (struct scheme){methods[i].dtype, methods[i].activations};
        return out->dtype != 0 ? 0 : read_bits(config, map, "bits", out);
    }
    return servsim_fail(config->err, ENOTSUP,
                        "%s: quantization_config: quant_method '%.30s' is not known: write " KNOWN, config->path, name);
}

/* Does a list of what stays as it is name this part of a layer? */
static int
spares(const json_t *map, const char *part)
{
    static const char *const keys[] = {"modules_to_not_convert", "ignore", "exclude_modules"};
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
        const json_t *list = ss_config_value(map, keys[k]);
        for (size_t i = 0; i < json_array_size(list); i++) {
            const json_t *entry = json_array_get(list, i);
            if (json_is_string(entry) && strstr(json_string_value(entry), part) != NULL)
                return 1;
        }
    }
    return 0;
}

int
ss_config_quantisation(const struct ss_config *config, struct ss_model *model)
{
    const json_t *map = ss_config_value(config->root, "quantization_config");
    struct scheme scheme = {0, 0};
    if (map == NULL)
        map = ss_config_value(config->model, "quantization_config");
    if (map == NULL)
        return 0;
    if (!json_is_object(map))
        return ss_config_fail(config, "quantization_config", map, "a map with quant_method");
    int rc = read_scheme(config, map, &scheme);
    if (rc != 0)
        return rc;
    ss_model_set_weights(model, scheme.dtype);
    model->asked_weights = 0;
    model->gemm_dtype = scheme.activations ? scheme.dtype : 0;
    if (spares(map, "self_attn"))
        model->attention_dtype = 0;
    if (spares(map, "shared_expert"))
        model->weight_dtype = 0;
    return 0;
}
