/*
 * model/config_keys.c - reading single keys of a config.json.
 */
#include "model/config_keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

json_t *
ss_config_value(const json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    return value == NULL || json_is_null(value) ? NULL : value;
}

void
ss_config_show(char *out, size_t size, const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII);
    snprintf(out, size, "%.40s%s", text != NULL ? text : "?", text != NULL && strlen(text) > 40 ? "..." : "");
    free(text);
    ss_make_printable(out); /* JSON writes the delete character as it is */
}

int
ss_config_fail(const struct ss_config *config, const char *key, const json_t *value, const char *mend)
{
    char text[64];
    ss_config_show(text, sizeof text, value);
    return servsim_fail(config->err, EINVAL, "%s: %s is %s: write %s", config->path, key, text, mend);
}

static int
read_number(const struct ss_config *config, const char *key, const json_t *value, uint32_t least, uint32_t maximum,
            uint32_t *out)
{
    json_int_t number = json_is_integer(value) ? json_integer_value(value) : -1;
    char mend[64];
    if (number >= (json_int_t)least && number <= (json_int_t)maximum) {
        *out = (uint32_t)number;
        return 0;
    }
    snprintf(mend, sizeof mend, "a whole number from %" PRIu32 " to %" PRIu32, least, maximum);
    return ss_config_fail(config, key, value, mend);
}

int
ss_config_count(const struct ss_config *config, const char *key, uint32_t maximum, int required, uint32_t *out)
{
    const json_t *value = ss_config_value(config->model, key);
    if (value == NULL && required)
        return servsim_fail(config->err, EINVAL, "%s: no key '%s': write it as a whole number from 1 to %" PRIu32,
                            config->path, key, maximum);
    return value != NULL ? read_number(config, key, value, 1, maximum, out) : 0;
}

int
ss_config_first(const struct ss_config *config, const char *const *keys, uint32_t maximum, uint32_t *out)
{
    for (; *keys != NULL; keys++) {
        const json_t *value = ss_config_value(config->model, *keys);
        if (value != NULL)
            return read_number(config, *keys, value, 0, maximum, out);
    }
    return 0;
}

int
ss_config_flag(const struct ss_config *config, const char *key, uint32_t *out)
{
    const json_t *value = ss_config_value(config->model, key);
    if (value == NULL)
        return 0;
    if (!json_is_boolean(value))
        return ss_config_fail(config, key, value, "true or false");
    *out = (uint32_t)json_is_true(value);
    return 0;
}
