/*
 * unit/node_test.c - YAML into a tree: what is read, what is refused and at which line, and --set.
 */
#include "experiment/node.h"

#include <sys/stat.h>

#include "base/text.h"
#include "tests/unit/harness.h"
#include "tests/unit/scratch.h"

/* A tree in one line: {a: x, b: [y, {c: z}]} */
static void
show(struct ss_text *text, const struct ss_node *node)
{
    if (node->type == SS_NODE_SCALAR) {
        ss_text_puts(text, node->text);
        return;
    }
    ss_text_puts(text, node->type == SS_NODE_MAP ? "{" : "[");
    for (size_t i = 0; i < node->count; i++) {
        ss_text_puts(text, i > 0 ? ", " : "");
        if (node->type == SS_NODE_MAP)
            ss_text_printf(text, "%s: ", node->children[i]->key);
        show(text, node->children[i]);
    }
    ss_text_puts(text, node->type == SS_NODE_MAP ? "}" : "]");
}

static int
is_shown(const struct ss_node *node, const char *expected)
{
    struct ss_text text = {0};
    show(&text, node);
    int same = strcmp(text.data, expected) == 0;
    if (!same)
        printf("# %s instead of %s\n", text.data, expected);
    ss_text_free(&text);
    return same;
}

static int
parse(struct ss_node **out, const char *yaml, struct servsim_error *err)
{
    err->text[0] = '\0';
    return ss_node_parse(out, yaml, strlen(yaml), "f.yaml", err);
}

static void
test_read(void)
{
    static const struct {
        const char *yaml, *shown;
    } cases[] = {
        {"a: 1\nb:\n  - x\n  - {c: z}\n", "{a: 1, b: [x, {c: z}]}"},
        {"\xef\xbb\xbf"
         "a: 1",
         "{a: 1}"},
        {"--- # first\na: 'it''s'\n...\n", "{a: it's}"},
        {"%YAML 1.1\n---\na: \"q\\\"q\"", "{a: q\"q}"},
        {"a:\nb: ~\nc: ''", "{a: , b: ~, c: }"},
        {"a: data:x.csv\nb: 10:30", "{a: data:x.csv, b: 10:30}"},
        {"\r\na: 1\r\nb: 2\r\n", "{a: 1, b: 2}"},
        {"a: \xc3\xa4\xe2\x82\xac", "{a: \xc3\xa4\xe2\x82\xac}"},
        {"- 1\n- 2", "[1, 2]"},
        {"word", "word"},
        {"{a: {}, b: []}", "{a: {}, b: []}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ss_node *node = NULL, *copy;
        struct servsim_error err = {.size = sizeof err};
        CU_ASSERT_EQUAL(parse(&node, cases[i].yaml, &err), 0);
        if (node == NULL) {
            printf("# %s\n", err.text);
            continue;
        }
        CU_ASSERT_TRUE(is_shown(node, cases[i].shown));
        copy = ss_node_copy(node);
        ss_node_free(node);
        CU_ASSERT_TRUE(is_shown(copy, cases[i].shown));
        ss_node_free(copy);
    }
}

static void
test_lines(void)
{
    struct ss_node *node;
    struct servsim_error err = {.size = sizeof err};
    CU_ASSERT_EQUAL_FATAL(parse(&node, "# c\na: 1\n\nb:\n  c:\n    - x\n    - y\n", &err), 0);
    const struct ss_node *b = ss_node_get(node, "b"), *c = ss_node_get(b, "c");
    CU_ASSERT_EQUAL(ss_node_get(node, "a")->line, 2);
    CU_ASSERT_EQUAL(b->line, 4); /* the key's, not the value's */
    CU_ASSERT_EQUAL(c->line, 5);
    CU_ASSERT_EQUAL(c->children[1]->line, 7);
    CU_ASSERT_PTR_NULL(ss_node_get(c, "a"));
    CU_ASSERT_PTR_NULL(ss_node_get(node, "c"));
    CU_ASSERT_EQUAL(ss_node_fail(c, &err, EDOM, "%s %d", "no", 5), -EDOM);
    CU_ASSERT_STRING_EQUAL(err.text, "f.yaml:5: no 5");
    CU_ASSERT_EQUAL(ss_node_fail(NULL, &err, EDOM, "alone"), -EDOM);
    CU_ASSERT_STRING_EQUAL(err.text, "alone");
    ss_node_free(node);
}

static void
test_refused(void)
{
    static const struct {
        const char *yaml, *words;
    } cases[] = {
        {"", "f.yaml:1: |nothing in it|servsim: 1"},
        {"\n# only\n", "nothing in it"},
        {"\xef\xbb\xbf", "nothing in it"},
        {"a: 1\nb: 2\na: 3", "f.yaml:3: 'a' is given twice, first at line 1"},
        {"x:\n  k: 1\n  k: 2", "f.yaml:3: 'k' is given twice"},
        {"a: 1\n---\nb: 2", "f.yaml:2: a second document"},
        {"a: 1\n...\n---\n...", "a second document"},
        {"a: &x 1\nb: *x", "f.yaml:1: anchors and aliases"},
        {"a: &x [1]", "anchors and aliases"},
        {"a: &x {b: 1}", "anchors and aliases"},
        {"&k a: 1", "anchors and aliases"},
        {"a: *x", "f.yaml:1: anchors and aliases"},
        {"a: !!int 5", "f.yaml:1: tags"},
        {"a: !x {b: 1}", "tags"},
        {"!!map {a: 1}", "tags"},
        {"[a]: 1", "key that is a list or a map"},
        {"{a: 1}: 1", "key that is a list or a map"},
        {": 1", "not YAML"},
        {"'': 1", "empty key"},
        {"{? x, ? '': y}", "empty key"},
        {"a: [1", "not YAML"},
        {"a: 1\n b: 2", "f.yaml:2: not YAML"},
        {"a: \"x", "not YAML"},
        {"a:\n\t- 1", "f.yaml:2: not YAML"},
        {"a: \x01", "f.yaml:1: not YAML|UTF-8"},
        {"a: 1\nb: \xff\xfe", "f.yaml:2: not YAML|UTF-8"},
        {"\x7f"
         "ELF\x02\x01\x01",
         "not YAML"},
        {"a: |\n  two\n  lines\n", "f.yaml:1: a text with a line break"},
        {"a: \"x\\ny\"", "line break"},
        {"a: \"x\\0y\"", "line break or control character"},
        {"a: \"x\\ty\"", "control character"},
        {"\"a\\nb\": 1", "line break"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ss_node *node = NULL;
        struct servsim_error err = {.size = sizeof err};
        CU_ASSERT_TRUE(parse(&node, cases[i].yaml, &err) < 0);
        CU_ASSERT_PTR_NULL(node);
        CU_ASSERT_TRUE(scratch_says(err.text, cases[i].words));
        CU_ASSERT_TRUE(scratch_is_one_line(err.text));
        ss_node_free(node);
    }
}

/* `unit` again and again, with `before` and `behind` around it. */
static char *
repeat(const char *before, const char *unit, size_t times, const char *behind)
{
    struct ss_text text = {0};
    ss_text_puts(&text, before);
    for (size_t i = 0; i < times; i++)
        ss_text_puts(&text, unit);
    ss_text_puts(&text, behind);
    CU_ASSERT_FALSE_FATAL(text.failed);
    return text.data;
}

static void
expect_limit(char *yaml, const char *words)
{
    struct ss_node *node;
    struct servsim_error err = {.size = sizeof err};
    CU_ASSERT_TRUE(parse(&node, yaml, &err) < 0);
    CU_ASSERT_TRUE(scratch_says(err.text, words));
    CU_ASSERT_TRUE(scratch_is_one_line(err.text));
    free(yaml);
}

static void
test_limits(void)
{
    struct ss_node *node;
    struct servsim_error err = {.size = sizeof err};
    expect_limit(repeat("a: ", "[", 100000, ""), "nested too deeply");
    expect_limit(repeat("", "{a: ", 100000, ""), "nested too deeply");
    expect_limit(repeat("", "- - - - - - - - - - ", 1000, "x"), "nested too deeply");
    expect_limit(repeat("a: [", "1,", 200000, "]"), "more than 100000 values");
    expect_limit(repeat("", "x", 129, ": 1"), "a text of 129 bytes; 128");
    expect_limit(repeat("a: ", "x", 4097, ""), "a text of 4097 bytes; 4096");
    struct ss_text keys = {0};
    for (int i = 0; i < 5000; i++)
        ss_text_printf(&keys, "k%d: 1\n", i);
    expect_limit(keys.data, "f.yaml:4097: |more than 4096 keys");
    char *deep = repeat("", "[", 31, "x");
    struct ss_text closed = {0};
    ss_text_puts(&closed, deep);
    for (int i = 0; i < 31; i++)
        ss_text_puts(&closed, "]");
    CU_ASSERT_EQUAL(parse(&node, closed.data, &err), 0);
    ss_node_free(node);
    ss_text_free(&closed);
    free(deep);
}

static void
test_files(void)
{
    char folder[256], *large = calloc(1, (1 << 20) + 1);
    struct ss_node *node;
    struct servsim_error err = {.size = sizeof err};
    scratch_open(folder);
    CU_ASSERT_EQUAL(ss_node_read_file(&node, scratch_puts(folder, "a.yaml", "a: 1"), &err), 0);
    CU_ASSERT_TRUE(is_shown(node, "{a: 1}"));
    ss_node_free(node);
    CU_ASSERT_TRUE(ss_node_read_file(&node, scratch_path(folder, "none.yaml"), &err) < 0);
    CU_ASSERT_TRUE(scratch_says(err.text, "none.yaml: cannot be opened: No such file"));
    CU_ASSERT_TRUE(ss_node_read_file(&node, folder, &err) < 0);
    CU_ASSERT_TRUE(scratch_says(err.text, "is a folder"));
    CU_ASSERT_TRUE(ss_node_read_file(&node, scratch_write(folder, "z", "a\0b: 1", 6, 0644), &err) < 0);
    CU_ASSERT_TRUE(scratch_says(err.text, "z:1: binary data"));
    CU_ASSERT_PTR_NULL(node);
    memset(large, '#', 1 << 20);
    CU_ASSERT_TRUE(ss_node_read_file(&node, scratch_puts(folder, "limit", large), &err) < 0);
    CU_ASSERT_TRUE(scratch_says(err.text, "nothing in it"));
    large[1 << 20] = '#';
    CU_ASSERT_TRUE(ss_node_read_file(&node, scratch_write(folder, "large", large, (1 << 20) + 1, 0644), &err) < 0);
    CU_ASSERT_TRUE(scratch_says(err.text, "large: larger than the 1048576 bytes"));
    free(large);
    scratch_close(folder);
}

/* Junk of every kind: no answer is wrong but a crash, a leak or an error of more than a line. */
static void
test_junk(void)
{
    static const char alphabet[] = "{}[]:,-#&*!|>'\"%@`? \n\tab01\\\xc3\xa4\xef";
    struct servsim_random random = {11};
    for (int i = 0; i < 20000; i++) {
        char text[64];
        struct ss_node *node = NULL;
        struct servsim_error err = {.size = sizeof err};
        size_t length = servsim_random_u64(&random) % sizeof text;
        for (size_t j = 0; j < length; j++)
            text[j] = alphabet[servsim_random_u64(&random) % (sizeof alphabet - 1)];
        int rc = ss_node_parse(&node, text, length, "junk", &err);
        CU_ASSERT_TRUE_FATAL(rc == 0 ? node != NULL : node == NULL && strpbrk(err.text, "\n\r") == NULL);
        ss_node_free(node);
    }
}

static void
test_set(void)
{
    static const struct {
        const char *yaml, *set, *shown;
    } cases[] = {
        {"a: 1", "b=2", "{a: 1, b: 2}"},
        {"a: 1", "a=2", "{a: 2}"},
        {"s: {m: 1}", "s.m=64", "{s: {m: 64}}"},
        {"s: {m: 1}", "s.n=64", "{s: {m: 1, n: 64}}"},
        {"scheduler: fcfs", "scheduler.max_num_seqs=64", "{scheduler: {plugin: fcfs, max_num_seqs: 64}}"},
        {"model: llama", "model.dtype=fp16", "{model: {name: llama, dtype: fp16}}"},
        {"engine: ideal", "engine.step=1ms", "{engine: {name: ideal, step: 1ms}}"},
        {"a: 1", "x.y.z=[p, {q: r}]", "{a: 1, x: {y: {z: [p, {q: r}]}}}"},
        {"w: {path: a.csv}", "w.path=data:b.csv", "{w: {path: data:b.csv}}"},
        {"a: 1", "a=x=y", "{a: x=y}"},
        {"a: 1", "a=''", "{a: }"},
        {"a: {b: 1}", "a=5", "{a: 5}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ss_node *node;
        struct servsim_error err = {.size = sizeof err};
        CU_ASSERT_EQUAL_FATAL(parse(&node, cases[i].yaml, &err), 0);
        CU_ASSERT_EQUAL(ss_node_apply_set(node, cases[i].set, &err), 0);
        CU_ASSERT_TRUE(is_shown(node, cases[i].shown));
        ss_node_free(node);
    }
}

static void
test_set_origin(void)
{
    struct ss_node *node;
    struct servsim_error err = {.size = sizeof err};
    char assignment[] = "s.m=64";
    CU_ASSERT_EQUAL_FATAL(parse(&node, "\ns: fcfs", &err), 0);
    CU_ASSERT_EQUAL(ss_node_apply_set(node, assignment, &err), 0);
    memset(assignment, 'x', sizeof assignment - 1); /* the tree keeps nothing of it */
    (void)ss_node_fail(ss_node_get(ss_node_get(node, "s"), "m"), &err, EINVAL, "no");
    CU_ASSERT_STRING_EQUAL(err.text, "--set s.m=64: no");
    (void)ss_node_fail(ss_node_get(ss_node_get(node, "s"), "plugin"), &err, EINVAL, "no");
    CU_ASSERT_STRING_EQUAL(err.text, "f.yaml:2: no");
    ss_node_free(node);
}

static void
test_set_refused(void)
{
    static const struct {
        const char *yaml, *set, *words;
    } cases[] = {
        {"a: 1", "a", "--set a: no value"},
        {"a: 1", "a=", "no value"},
        {"a: 1", "=5", "--set =5: no key"},
        {"a: 1", "", "no value"},
        {"a: 1", "a..b=5", "no key"},
        {"a: 1", ".a=5", "no key"},
        {"a: 1", "a.=5", "no key"},
        {"a: [1]", "a.b=5", "through a list"},
        {"a: 1", "a=[1", "--set a=[1: not YAML"},
        {"a: 1", "a=&x 1", "anchors"},
        {"a: 1", "a=x\ny: 2", "not YAML"},
        {"a: 1", "a=#x", "nothing in it"},
        {"[a]", "a=1", "no map"},
        {"a: 1", "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a=1", "no key"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ss_node *node;
        struct servsim_error err = {.size = sizeof err};
        CU_ASSERT_EQUAL_FATAL(parse(&node, cases[i].yaml, &err), 0);
        err.text[0] = '\0';
        CU_ASSERT_TRUE(ss_node_apply_set(node, cases[i].set, &err) < 0);
        CU_ASSERT_TRUE(scratch_says(err.text, cases[i].words));
        CU_ASSERT_TRUE(scratch_is_one_line(err.text));
        ss_node_free(node);
    }
}

static void
test_building(void)
{
    struct ss_node *map = ss_node_new(SS_NODE_MAP, "--npu_num", 0);
    CU_ASSERT_PTR_NOT_NULL(ss_node_set_text(map, "gpus", "2", "--npu_num"));
    CU_ASSERT_PTR_NOT_NULL(ss_node_set_text(map, "tp", "2", "--npu_num"));
    CU_ASSERT_PTR_NOT_NULL(ss_node_set_text(map, "gpus", "4", "--npu_num"));
    CU_ASSERT_PTR_NOT_NULL(ss_node_set(map, "list", ss_node_new(SS_NODE_LIST, NULL, 0)));
    CU_ASSERT_TRUE(is_shown(map, "{gpus: 4, tp: 2, list: []}"));
    CU_ASSERT_PTR_NULL(ss_node_set(map, "x", NULL));
    ss_node_free(map);
    ss_node_free(NULL);
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"maps, lists and scalars", test_read},
        {"lines are those of the keys", test_lines},
        {"what is refused, at its line", test_refused},
        {"sizes are limited", test_limits},
        {"files", test_files},
        {"junk", test_junk},
        {"--set", test_set},
        {"--set in messages", test_set_origin},
        {"--set refused", test_set_refused},
        {"trees built by hand", test_building},
    };
    return ss_run_cases("node", cases, sizeof cases / sizeof cases[0]);
}
