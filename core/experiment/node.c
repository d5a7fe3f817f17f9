/*
 * experiment/node.c - YAML into a plain tree.
 *
 * The subset is what an experiment needs: one document of maps, lists and scalars. Anchors, aliases and tags are
 * refused, since they make a file mean something else than it says at that line; duplicate keys likewise. Scalars hold
 * no control characters, so that every message stays one line. Sizes are limited, so that no file can exhaust memory
 * or stack.
 *
 * Nodes own a copy of their origin's name.
 */
#include "experiment/node.h"

#include <yaml.h>

#include "base/text.h"

#define FILE_LIMIT (1u << 20) /* bytes */
#define DEPTH_LIMIT 32
#define NODE_LIMIT 100000
#define MAP_LIMIT 4096 /* keys of one map: each is compared with all before it */
#define KEY_LIMIT 128
#define SCALAR_LIMIT 4096

/* ---- errors ---- */

static int
fail_at(const char *origin, uint32_t line, struct servsim_error *err, int code, const char *text)
{
    if (origin == NULL || origin[0] == '\0')
        return servsim_fail(err, code, "%s", text);
    if (line == 0)
        return servsim_fail(err, code, "%.500s: %s", origin, text);
    return servsim_fail(err, code, "%.500s:%u: %s", origin, line, text);
}

int
ss_node_fail(const struct ss_node *node, struct servsim_error *err, int code, const char *format, ...)
{
    char text[sizeof err->text];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return node != NULL ? fail_at(node->origin, node->line, err, code, text) : fail_at(NULL, 0, err, code, text);
}

/* ---- building ---- */

struct ss_node *
ss_node_new(uint32_t type, const char *origin, uint32_t line)
{
    struct ss_node *node = calloc(1, sizeof *node);
    if (node == NULL)
        return NULL;
    node->type = type;
    node->line = line;
    node->origin = strdup(origin != NULL ? origin : "");
    if (node->origin == NULL) {
        free(node);
        return NULL;
    }
    return node;
}

void
ss_node_free(struct ss_node *node)
{
    if (node == NULL)
        return;
    for (size_t i = 0; i < node->count; i++)
        ss_node_free(node->children[i]);
    free(node->children);
    free(node->key);
    free(node->text);
    free((void *)(uintptr_t)node->origin);
    free(node);
}

static int
append(struct ss_node *parent, struct ss_node *child)
{
    if ((parent->count & (parent->count - 1)) == 0) { /* room is a power of two */
        size_t room = parent->count > 0 ? parent->count * 2 : 1;
        struct ss_node **children = realloc(parent->children, room * sizeof *children);
        if (children == NULL)
            return -ENOMEM;
        parent->children = children;
    }
    parent->children[parent->count++] = child;
    return 0;
}

static struct ss_node *
new_scalar(const char *text, size_t length, const char *origin, uint32_t line)
{
    struct ss_node *node = ss_node_new(SS_NODE_SCALAR, origin, line);
    if (node != NULL && (node->text = strndup(text, length)) == NULL) {
        ss_node_free(node);
        return NULL;
    }
    return node;
}

struct ss_node *
ss_node_copy(const struct ss_node *node)
{
    struct ss_node *copy = ss_node_new(node->type, node->origin, node->line);
    if (copy == NULL)
        return NULL;
    int failed = (node->text != NULL && (copy->text = strdup(node->text)) == NULL) ||
                 (node->key != NULL && (copy->key = strdup(node->key)) == NULL);
    for (size_t i = 0; !failed && i < node->count; i++) {
        struct ss_node *child = ss_node_copy(node->children[i]);
        if (child == NULL || append(copy, child) != 0) {
            ss_node_free(child);
            failed = 1;
        }
    }
    if (failed) {
        ss_node_free(copy);
        return NULL;
    }
    return copy;
}

static size_t
index_of(const struct ss_node *map, const char *key)
{
    for (size_t i = 0; i < map->count; i++)
        if (map->children[i]->key != NULL && strcmp(map->children[i]->key, key) == 0)
            return i;
    return SIZE_MAX;
}

struct ss_node *
ss_node_get(const struct ss_node *map, const char *key)
{
    size_t index = map->type == SS_NODE_MAP ? index_of(map, key) : SIZE_MAX;
    return index != SIZE_MAX ? map->children[index] : NULL;
}

struct ss_node *
ss_node_set(struct ss_node *map, const char *key, struct ss_node *child)
{
    if (child == NULL)
        return NULL;
    char *copy = strdup(key);
    size_t index = index_of(map, key);
    if (copy == NULL || (index == SIZE_MAX && append(map, child) != 0)) {
        free(copy);
        ss_node_free(child);
        return NULL;
    }
    free(child->key);
    child->key = copy;
    if (index != SIZE_MAX) {
        ss_node_free(map->children[index]);
        map->children[index] = child;
    }
    return child;
}

struct ss_node *
ss_node_set_text(struct ss_node *map, const char *key, const char *text, const char *origin)
{
    return ss_node_set(map, key, new_scalar(text, strlen(text), origin, 0));
}

/* ---- parsing ---- */

struct reader {
    yaml_parser_t parser;
    const char *origin;
    int lineless; /* not from a file: no line numbers */
    size_t nodes;
    struct servsim_error *err;
};

static uint32_t
line_of(const struct reader *reader, yaml_mark_t mark)
{
    return reader->lineless ? 0 : (uint32_t)mark.line + 1;
}

static int
fail_event(const struct reader *reader, const yaml_event_t *event, const char *text)
{
    return fail_at(reader->origin, line_of(reader, event->start_mark), reader->err, EINVAL, text);
}

/* What to write instead, of what people get wrong most; libyaml says what it saw, not what was meant. */
static const char *
mend_of(const char *problem)
{
    static const struct {
        const char *part, *mend;
    } rows[] = {
        {"cannot start any token", "; indent with spaces, no tabs, and quote text that begins with @, ` or %"},
        {"could not find expected ':'", "; write key: value, with a space behind the colon, here or on the line above"},
        {"mapping values are not allowed", "; keys of one map begin in one column, and text with ': ' in it is quoted"},
        {"did not find expected ',' or", "; a { or [ is not closed, or a comma is missing"},
        {"did not find expected key", "; keys of one map begin in one column"},
    };
    for (size_t i = 0; problem != NULL && i < sizeof rows / sizeof rows[0]; i++)
        if (strstr(problem, rows[i].part) != NULL)
            return rows[i].mend;
    return "";
}

/* libyaml's own complaint. Errors of its reader come with a byte offset in place of a line. */
static int
fail_parser(const struct reader *reader, const char *text)
{
    const yaml_parser_t *parser = &reader->parser;
    if (parser->error == YAML_MEMORY_ERROR)
        return servsim_fail(reader->err, ENOMEM, "out of memory");
    yaml_mark_t mark = parser->problem_mark;
    if (parser->error == YAML_READER_ERROR) {
        mark.line = 0;
        for (size_t i = 0; i < parser->problem_offset && text[i] != '\0'; i++)
            mark.line += text[i] == '\n';
    }
    char line[320];
    (void)snprintf(line, sizeof line, "not YAML: %.150s%s", parser->problem != NULL ? parser->problem : "unreadable",
                   parser->error == YAML_READER_ERROR ? "; write plain UTF-8 text" : mend_of(parser->problem));
    return fail_at(reader->origin, line_of(reader, mark), reader->err, EINVAL, line);
}

/* Anchors and tags on any kind of event. */
static int
check_plain(const struct reader *reader, const yaml_event_t *event)
{
    const void *anchor = NULL, *tag = NULL;
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    }
    if (anchor != NULL || event->type == YAML_ALIAS_EVENT)
        return fail_event(reader, event, "anchors and aliases (&name, *name) are not read here; write the value out");
    if (tag != NULL)
        return fail_event(reader, event, "tags (!name) are not read here; write the value alone");
    return 0;
}

static int
check_scalar(const struct reader *reader, const yaml_event_t *event, size_t limit)
{
    const unsigned char *text = event->data.scalar.value;
    if (event->data.scalar.length > limit) {
        char message[96];
        (void)snprintf(message, sizeof message, "a text of %zu bytes; %zu is the most here", event->data.scalar.length,
                       limit);
        return fail_event(reader, event, message);
    }
    for (size_t i = 0; i < event->data.scalar.length; i++)
        if (text[i] < 0x20 || text[i] == 0x7f)
            return fail_event(reader, event, "a text with a line break or control character; write it on one line");
    return 0;
}

static int
next_event(struct reader *reader, yaml_event_t *event, const char *text)
{
    return yaml_parser_parse(&reader->parser, event) ? 0 : fail_parser(reader, text);
}

static int parse_value(struct reader *reader, const yaml_event_t *event, const char *text, int depth,
                       struct ss_node **out);

static int
parse_list(struct reader *reader, struct ss_node *list, const char *text, int depth)
{
    for (;;) {
        yaml_event_t event;
        struct ss_node *child = NULL;
        int rc = next_event(reader, &event, text);
        if (rc != 0)
            return rc;
        int done = event.type == YAML_SEQUENCE_END_EVENT;
        if (!done)
            rc = parse_value(reader, &event, text, depth, &child);
        yaml_event_delete(&event);
        if (rc == 0 && !done && append(list, child) != 0) {
            ss_node_free(child);
            rc = servsim_fail(reader->err, ENOMEM, "out of memory");
        }
        if (done || rc != 0)
            return rc;
    }
}

static int
check_key(const struct reader *reader, const struct ss_node *map, const yaml_event_t *event)
{
    int rc = check_plain(reader, event);
    if (rc != 0)
        return rc;
    if (event->type != YAML_SCALAR_EVENT)
        return fail_event(reader, event, "a key that is a list or a map; write a plain word before the ':'");
    rc = check_scalar(reader, event, KEY_LIMIT);
    if (rc != 0)
        return rc;
    const char *key = (const char *)event->data.scalar.value;
    if (key[0] == '\0')
        return fail_event(reader, event, "an empty key; write a word before the ':'");
    size_t before = index_of(map, key);
    if (before != SIZE_MAX) {
        char message[KEY_LIMIT + 96];
        (void)snprintf(message, sizeof message, "'%s' is given twice, first at line %u; remove one", key,
                       map->children[before]->line);
        return fail_event(reader, event, message);
    }
    if (map->count >= MAP_LIMIT)
        return fail_event(reader, event, "a map with more than 4096 keys; that is no experiment");
    return 0;
}

/* One "key: value", the key's event in hand. */
static int
parse_entry(struct reader *reader, struct ss_node *map, const yaml_event_t *key, const char *text, int depth)
{
    yaml_event_t event;
    struct ss_node *child = NULL;
    int rc = check_key(reader, map, key);
    if (rc == 0)
        rc = next_event(reader, &event, text);
    if (rc != 0)
        return rc;
    rc = parse_value(reader, &event, text, depth, &child);
    yaml_event_delete(&event);
    if (rc != 0)
        return rc;
    child->line = line_of(reader, key->start_mark); /* a reader looks for the key */
    child->key = strdup((const char *)key->data.scalar.value);
    if (child->key == NULL || append(map, child) != 0) {
        ss_node_free(child);
        return servsim_fail(reader->err, ENOMEM, "out of memory");
    }
    return 0;
}

static int
parse_map(struct reader *reader, struct ss_node *map, const char *text, int depth)
{
    for (;;) {
        yaml_event_t event;
        int rc = next_event(reader, &event, text);
        if (rc != 0)
            return rc;
        int done = event.type == YAML_MAPPING_END_EVENT;
        if (!done)
            rc = parse_entry(reader, map, &event, text, depth);
        yaml_event_delete(&event);
        if (done || rc != 0)
            return rc;
    }
}

static int
parse_value(struct reader *reader, const yaml_event_t *event, const char *text, int depth, struct ss_node **out)
{
    uint32_t line = line_of(reader, event->start_mark);
    int rc = check_plain(reader, event);
    if (rc == 0 && depth >= DEPTH_LIMIT)
        rc = fail_event(reader, event, "nested too deeply; that is no experiment");
    if (rc == 0 && ++reader->nodes > NODE_LIMIT)
        rc = fail_event(reader, event, "more than 100000 values; that is no experiment");
    if (rc == 0 && event->type == YAML_SCALAR_EVENT)
        rc = check_scalar(reader, event, SCALAR_LIMIT);
    if (rc != 0)
        return rc;
    struct ss_node *node;
    if (event->type == YAML_SCALAR_EVENT)
        node = new_scalar((const char *)event->data.scalar.value, event->data.scalar.length, reader->origin, line);
    else
        node = ss_node_new(event->type == YAML_MAPPING_START_EVENT ? SS_NODE_MAP : SS_NODE_LIST, reader->origin, line);
    if (node == NULL)
        return servsim_fail(reader->err, ENOMEM, "out of memory");
    if (node->type == SS_NODE_MAP)
        rc = parse_map(reader, node, text, depth + 1);
    else if (node->type == SS_NODE_LIST)
        rc = parse_list(reader, node, text, depth + 1);
    if (rc != 0) {
        ss_node_free(node);
        return rc;
    }
    *out = node;
    return 0;
}

/* Events of the stream, down to the one document in it. */
static int
parse_stream(struct reader *reader, const char *text, struct ss_node **out)
{
    for (;;) {
        yaml_event_t event;
        int rc = next_event(reader, &event, text);
        if (rc != 0)
            return rc;
        yaml_event_type_t type = event.type;
        if (type == YAML_DOCUMENT_START_EVENT && *out != NULL)
            rc = fail_event(reader, &event, "a second document begins here; write one experiment to a file");
        else if (type == YAML_DOCUMENT_START_EVENT) {
            yaml_event_t first;
            rc = next_event(reader, &first, text);
            if (rc == 0) {
                rc = parse_value(reader, &first, text, 0, out);
                yaml_event_delete(&first);
            }
        }
        yaml_event_delete(&event);
        if (rc != 0 || type == YAML_STREAM_END_EVENT)
            return rc;
    }
}

static int
parse_text(struct ss_node **out, const char *text, size_t length, const char *origin, int lineless,
           struct servsim_error *err)
{
    struct reader reader = {.origin = origin, .lineless = lineless, .err = err};
    *out = NULL;
    if (memchr(text, '\0', length) != NULL)
        return fail_at(origin, lineless ? 0 : 1, err, EINVAL, "binary data; write plain UTF-8 text");
    if (!yaml_parser_initialize(&reader.parser))
        return servsim_fail(err, ENOMEM, "out of memory");
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
        length -= 3;
    }
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, length);
    int rc = parse_stream(&reader, text, out);
    yaml_parser_delete(&reader.parser);
    if (rc == 0 && *out == NULL)
        rc = fail_at(origin, lineless ? 0 : 1, err, EINVAL, "nothing in it; an experiment begins with servsim: 1");
    if (rc != 0) {
        ss_node_free(*out);
        *out = NULL;
    }
    return rc;
}

int
ss_node_parse(struct ss_node **out, const char *text, size_t length, const char *origin, struct servsim_error *err)
{
    return parse_text(out, text, length, origin, 0, err);
}

int
ss_node_read_file(struct ss_node **out, const char *path, struct servsim_error *err)
{
    char *data;
    size_t length;
    *out = NULL;
    int rc = ss_file_read(path, FILE_LIMIT, &data, &length, err);
    if (rc != 0)
        return rc;
    rc = ss_node_parse(out, data, length, path, err);
    free(data);
    return rc;
}

/* ---- --set ---- */

/* What a bare name stands for in a map of this key. */
static const char *
name_key(const char *key)
{
    return strcmp(key, "model") == 0 || strcmp(key, "engine") == 0 ? "name" : "plugin";
}

/* The map under `key`, made where it is missing; a name there becomes {plugin: name}. */
static int
descend(struct ss_node **map, const char *key, const char *origin, struct servsim_error *err)
{
    struct ss_node *child = ss_node_get(*map, key);
    if (child != NULL && child->type == SS_NODE_LIST)
        return fail_at(origin, 0, err, EINVAL, "the way leads through a list; set the whole list: key=[a, b]");
    if (child == NULL || child->type == SS_NODE_SCALAR) {
        struct ss_node *made =
            ss_node_new(SS_NODE_MAP, child != NULL ? child->origin : origin, child != NULL ? child->line : 0);
        if (made != NULL && child != NULL && child->text[0] != '\0' &&
            ss_node_set(made, name_key(key),
                        new_scalar(child->text, strlen(child->text), child->origin, child->line)) == NULL) {
            ss_node_free(made);
            made = NULL;
        }
        child = ss_node_set(*map, key, made);
        if (child == NULL)
            return servsim_fail(err, ENOMEM, "out of memory");
    }
    *map = child;
    return 0;
}

static int
apply(struct ss_node *root, char *path, struct ss_node *value, const char *origin, struct servsim_error *err)
{
    struct ss_node *map = root;
    char *key = path;
    for (int depth = 0;; depth++) {
        char *dot = strchr(key, '.');
        if (dot != NULL)
            *dot = '\0';
        if (key[0] == '\0' || strlen(key) > KEY_LIMIT || depth >= DEPTH_LIMIT) {
            ss_node_free(value);
            return fail_at(origin, 0, err, EINVAL, "no key there; write --set key.key=value");
        }
        if (dot == NULL)
            return ss_node_set(map, key, value) != NULL ? 0 : servsim_fail(err, ENOMEM, "out of memory");
        int rc = descend(&map, key, origin, err);
        if (rc != 0) {
            ss_node_free(value);
            return rc;
        }
        key = dot + 1;
    }
}

int
ss_node_apply_set(struct ss_node *root, const char *assignment, struct servsim_error *err)
{
    struct ss_text origin = {0};
    struct ss_node *value = NULL;
    const char *equals = strchr(assignment, '=');
    ss_text_printf(&origin, "--set %.200s", assignment);
    for (char *at = origin.data; at != NULL && *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = ' ';
    char *path = strndup(assignment, equals != NULL ? (size_t)(equals - assignment) : 0);
    int rc;
    if (origin.failed || path == NULL)
        rc = servsim_fail(err, ENOMEM, "out of memory");
    else if (equals == NULL || equals[1] == '\0')
        rc = fail_at(origin.data, 0, err, EINVAL, "no value; write --set key.key=value");
    else if (root->type != SS_NODE_MAP)
        rc = ss_node_fail(root, err, EINVAL, "the file holds no map; an experiment begins with servsim: 1");
    else
        rc = parse_text(&value, equals + 1, strlen(equals + 1), origin.data, 1, err);
    if (rc == 0)
        rc = apply(root, path, value, origin.data, err);
    free(path);
    ss_text_free(&origin);
    return rc;
}
