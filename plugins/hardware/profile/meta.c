/*
 * profile/meta.c - see meta.h.
 */
#include "hardware/profile/meta.h"

#include <math.h>

#define BYTES_MAX (UINT64_C(1) << 20)

static int32_t
parse(struct meta *meta, FILE *file, struct servsim_error *err)
{
    yaml_parser_t parser;
    yaml_document_t second;
    int32_t rc = 0;
    if (!yaml_parser_initialize(&parser))
        return servsim_fail(err, ENOMEM, "%s: out of memory", meta->path);
    yaml_parser_set_input_file(&parser, file);
    if (!yaml_parser_load(&parser, &meta->document)) {
        rc = servsim_fail(err, EINVAL, "%s:%llu: no valid YAML: %s", meta->path,
                          (unsigned long long)parser.problem_mark.line + 1,
                          parser.problem != NULL ? parser.problem : "out of memory");
        yaml_parser_delete(&parser);
        return rc;
    }
    meta->loaded = 1;
    const yaml_node_t *root = yaml_document_get_root_node(&meta->document);
    if (root == NULL || root->type != YAML_MAPPING_NODE) {
        rc = servsim_fail(err, EINVAL, "%s:1: a bundle's meta.yaml is a map of keys and values", meta->path);
    } else if (yaml_parser_load(&parser, &second)) {
        if (yaml_document_get_root_node(&second) != NULL)
            rc = servsim_fail(err, EINVAL, "%s: a second document; leave one of them out", meta->path);
        yaml_document_delete(&second);
    } else {
        rc = servsim_fail(err, EINVAL, "%s:%llu: no valid YAML: %s", meta->path,
                          (unsigned long long)parser.problem_mark.line + 1,
                          parser.problem != NULL ? parser.problem : "out of memory");
    }
    yaml_parser_delete(&parser);
    return rc;
}

int32_t
meta_read(struct meta *meta, const char *path, struct servsim_error *err)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return servsim_fail(err, errno, "%s: cannot be opened: %s; a bundle needs it", path, strerror(errno));
    int32_t rc = 0;
    meta->path = strdup(path);
    if (meta->path == NULL)
        rc = servsim_fail(err, ENOMEM, "out of memory");
    else if (fseek(file, 0, SEEK_END) == 0 && (uint64_t)ftell(file) > BYTES_MAX)
        rc = servsim_fail(err, EFBIG, "%s: more than 1 MiB; this is no meta.yaml of a bundle", path);
    rewind(file);
    if (rc == 0)
        rc = parse(meta, file, err);
    (void)fclose(file);
    return rc;
}

void
meta_free(struct meta *meta)
{
    if (meta->loaded)
        yaml_document_delete(&meta->document);
    free(meta->path);
    meta->path = NULL;
    meta->loaded = 0;
}

/* libyaml's getters take documents that are not const, and change nothing. */
static const yaml_node_t *
node_of(const struct meta *meta, int index)
{
    return yaml_document_get_node((yaml_document_t *)(uintptr_t)&meta->document, index);
}

static const char *
scalar_of(const yaml_node_t *node)
{
    return node != NULL && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

static const yaml_node_t *
child_of(const struct meta *meta, const yaml_node_t *map, const char *key, size_t length)
{
    if (map == NULL || map->type != YAML_MAPPING_NODE)
        return NULL;
    for (const yaml_node_pair_t *pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top; pair++) {
        const char *name = scalar_of(node_of(meta, pair->key));
        if (name != NULL && strlen(name) == length && memcmp(name, key, length) == 0)
            return node_of(meta, pair->value);
    }
    return NULL;
}

struct meta_value
meta_get(const struct meta *meta, const char *keys)
{
    const yaml_node_t *node = node_of(meta, 1);
    while (node != NULL) {
        size_t length = strcspn(keys, ".");
        node = child_of(meta, node, keys, length);
        if (keys[length] == '\0')
            break;
        keys += length + 1;
    }
    return (struct meta_value){node, node != NULL ? (uint64_t)node->start_mark.line + 1 : 0};
}

const char *
meta_text(const struct meta *meta, const char *keys)
{
    return scalar_of(meta_get(meta, keys).node);
}

uint32_t
meta_length(const struct meta_value *value)
{
    const yaml_node_t *node = value->node;
    if (node == NULL || node->type != YAML_SEQUENCE_NODE)
        return 0;
    return (uint32_t)(node->data.sequence.items.top - node->data.sequence.items.start);
}

const char *
meta_entry(const struct meta *meta, const struct meta_value *value, uint32_t index)
{
    return scalar_of(node_of(meta, value->node->data.sequence.items.start[index]));
}

int32_t
meta_number(const struct meta *meta, const char *keys, double minimum, double maximum, double *out,
            struct servsim_error *err)
{
    struct meta_value value = meta_get(meta, keys);
    if (value.node == NULL)
        return 0;
    const char *text = scalar_of(value.node);
    char *end = NULL;
    double number = text != NULL ? strtod(text, &end) : NAN;
    if (text == NULL || end == text || *end != '\0' || !(number >= minimum && number <= maximum))
        return servsim_fail(err, EINVAL, "%s:%llu: %s is '%.40s'; write a number from %g to %g", meta->path,
                            (unsigned long long)value.line, keys, text != NULL ? text : "a list or map", minimum,
                            maximum);
    *out = number;
    return 0;
}

int32_t
meta_flag(const struct meta *meta, const char *keys, int *out, struct servsim_error *err)
{
    struct meta_value value = meta_get(meta, keys);
    const char *text = scalar_of(value.node);
    if (value.node == NULL)
        return 0;
    if (text == NULL || (strcmp(text, "true") != 0 && strcmp(text, "false") != 0))
        return servsim_fail(err, EINVAL, "%s:%llu: %s is '%.40s'; write true or false", meta->path,
                            (unsigned long long)value.line, keys, text != NULL ? text : "a list or map");
    *out = text[0] == 't';
    return 0;
}
