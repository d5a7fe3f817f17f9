/*
 * Tests of report/html: that the page is well formed and says what report.md says, and that no label and no picture can
 * bring anything into it that runs or loads.
 */
#include <strings.h>
#include <unistd.h>

#include "report/common/report_test.h"
#include "report/common/text.h"
#include "report/html/html.h"

static int
is_void(const char *name)
{
    static const char *const names[] = {"meta", "br", "img", "!doctype"};
    for (size_t i = 0; i < 4; i++)
        if (strcasecmp(name, names[i]) == 0)
            return 1;
    return 0;
}

/* Every tag is closed in order. */
static int
well_formed(const char *page)
{
    char open[256][24];
    size_t depth = 0;
    for (const char *at = strchr(page, '<'); at != NULL; at = strchr(at, '<')) {
        char name[24] = "";
        int closing = at[1] == '/';
        at += 1 + closing;
        (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(at, " >/\n"), at);
        const char *end = strchr(at, '>');
        if (end == NULL || name[0] == '\0' || depth >= 255)
            return 0;
        if (closing && (depth == 0 || strcmp(open[--depth], name) != 0)) {
            printf("# </%s> where <%s> is open\n", name, depth < 255 ? open[depth] : "?");
            return 0;
        }
        if (!closing && end[-1] != '/' && !is_void(name))
            (void)snprintf(open[depth++], sizeof open[0], "%s", name);
        at = end;
    }
    return depth == 0;
}

static char *
page_of(const char *folder)
{
    must_run("json", folder);
    must_run("html", folder);
    char *page = fake_file_read(folder, "report.html");
    CU_ASSERT_PTR_NOT_NULL_FATAL(page);
    return page;
}

/* Nothing in it leads outside or runs. */
static void
check_closed(const char *page)
{
    static const char *const never[] = {"http://", "https://",    "<script", "<iframe", "<object",
                                        "<link",   "javascript:", "@import", "src=\"/", "url(h"};
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
        if (strstr(page, never[i]) != NULL)
            printf("# the page has %s\n", never[i]);
        CU_ASSERT_PTR_NULL(strstr(page, never[i]));
    }
}

static void
pages(void)
{
    struct fake_options trees[4] = {fake_options_scaling(), fake_options_single(), fake_options_matrix(),
                                    fake_options_replicates()};
    trees[0].both = 1;
    for (size_t i = 0; i < 4; i++) {
        trees[i].requests = 60;
        char *folder = fake_tree(&trees[i]), *page = page_of(folder);
        CU_ASSERT(well_formed(page));
        check_closed(page);
        CU_ASSERT(contains(page, "<h2 id=\"Summary-1\">Summary</h2>"));
        CU_ASSERT(contains(page, "<a href=\"#Summary-1\">Summary</a>"));
        CU_ASSERT_PTR_NULL(strstr(page, "**"));
        CU_ASSERT_PTR_NULL(strstr(page, "|---"));
        CU_ASSERT_PTR_NULL(strstr(page, "\\_"));
        free(page);
        fake_folder_remove(folder);
    }
}

/* Every field of every table of report.md stands in the page. */
static void
same_content(void)
{
    struct fake_options options = fake_options_scaling();
    char *folder = fake_tree(&options), *page = page_of(folder);
    must_run("markdown", folder);
    char *text = fake_file_read(folder, "report.md"), *rest = text, *line;
    size_t fields = 0;
    while ((line = strtok_r(rest, "\n", &rest)) != NULL) {
        if (line[0] != '|' || strncmp(line, "|---", 4) == 0 || strncmp(line, "| |", 3) == 0)
            continue;
        for (char *part = line, *field; (field = strtok_r(part, "|", &part)) != NULL;) {
            struct rp_text cell = {0};
            char *end = field + strlen(field);
            while (end > field && end[-1] == ' ')
                end--;
            field += strspn(field, " ");
            if (field >= end)
                continue;
            rp_puts(&cell, ">");
            html_inline(&cell, field, (size_t)(end - field), 0);
            rp_puts(&cell, "<");
            CU_ASSERT(contains(page, cell.data));
            rp_text_free(&cell);
            fields++;
        }
    }
    CU_ASSERT(fields > 200);
    free(text);
    free(page);
    fake_folder_remove(folder);
}

static void
conversion(void)
{
    static const struct {
        const char *markdown, *html;
    } cases[] = {
        {"# a\n", "<h1>a</h1>\n"},
        {"a **b** `<c>` \\*d\\* &lt;e&gt; & \"f\"\n",
         "<p>a <strong>b</strong> <code>&lt;c&gt;</code> *d* &lt;e&gt; &amp; &quot;f&quot;</p>\n"},
        {"a\nb\n\nc", "<p>a<br>\nb</p>\n<p>c</p>\n"},
        {"- a\n- b\n\nc\n", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n<p>c</p>\n"},
        {"| a | b |\n|---|---:|\n| x\\|y | 1 |\n",
         "<div class=\"table\"><table>\n<thead><tr><th>a</th><th class=\"n\">b</th></tr>\n</thead><tbody>\n<tr><th "
         "scope=\"row\">x|y</th><td class=\"n\">1</td></tr>\n</tbody></table></div>\n"},
        {"| | |\n|---|---|\n| a | b |\n", "<div class=\"table\"><table>\n<tbody>\n<tr><th "
                                          "scope=\"row\">a</th><td>b</td></tr>\n</tbody></table></div>\n"},
        {"![t](plots/none.svg)\n\n*why*\n\nx\n",
         "<figure><p>The picture plots/none.svg is missing.</p><figcaption>why</figcaption></figure>\n<p>x</p>\n"},
        {"![t](../../etc/passwd)\n", "<figure><p>The picture ../../etc/passwd is missing.</p></figure>\n"},
        {"<b>raw</b> <!-- x -->", "<p>&lt;b&gt;raw&lt;/b&gt; &lt;!-- x --&gt;</p>\n"},
        {"`open **b", "<p>`open <strong>b</strong></p>\n"},
        {"![broken", "<p>![broken</p>\n"},
        {"![", "<p>![</p>\n"},
        {"!", "<p>!</p>\n"},
        {"|", "<div class=\"table\"><table>\n<tbody>\n<tr></tr>\n</tbody></table></div>\n"},
        {"## ", "<h2 id=\"_-1\"></h2>\n"},
        {"\\", "<p>\\</p>\n"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct html_pictures pictures = {.folder = "/nonexistent"};
        struct rp_text out = {0};
        html_body(&out, cases[i].markdown, &pictures);
        rp_puts(&out, "");
        if (strcmp(out.data, cases[i].html) != 0)
            printf("# is:     %s\n# wanted: %s\n", out.data, cases[i].html);
        CU_ASSERT_STRING_EQUAL(out.data, cases[i].html);
        rp_text_free(&out);
    }
}

#define ROOT "<svg width=\"9\" height=\"9\" viewBox=\"0 0 9 9\" xmlns=\"http://www.w3.org/2000/svg\">"

/* What is drawn by shapes alone is put into the page; the rest becomes an image, in which nothing runs. */
static void
pictures(void)
{
    static const struct {
        const char *svg, *inside; /* NULL: a data URL */
    } cases[] = {
        {"<?xml version=\"1.0\"?>\n" ROOT
         "<title>T</title><g id='a'><path d='M0,0'/><use xlink:href='#a'/></g></svg>\n",
         "viewBox=\"0 0 9 9\"><g id='p1-a'><path d='M0,0'/><use href='#p1-a'/></g></svg>"},
        {ROOT "<g transform=\"rotate(45)\" fill='rgb(1,2,3)' filter='url(#f)'><text>a &lt; b</text></g></svg>",
         "filter='url(#p1-f)'><text>a &lt; b</text></g></svg>"},
        {ROOT "<script>alert(1)</script></svg>", NULL},
        {ROOT "<g onclick=\"alert(1)\"/></svg>", NULL},
        {ROOT "<g ONLOAD='x'/></svg>", NULL},
        {ROOT "<foreignObject><p/></foreignObject></svg>", NULL},
        {ROOT "<use xlink:href='http://x/y#z'/></svg>", NULL},
        {ROOT "<a href='javascript:x'><text>t</text></a></svg>", NULL},
        {ROOT "<path style='background:url(http://x)'/></svg>", NULL},
        {ROOT "<path fill='url(http://x)'/></svg>", NULL},
        {ROOT "<!DOCTYPE x></svg>", NULL},
        {ROOT "<g a='1' b=></g></svg>", NULL},
        {ROOT "<g a='1", NULL},
        {ROOT "<g", NULL},
        {ROOT "<svg></svg></svg>", NULL},
        {ROOT "<title>never ends", NULL},
        {"</svg>", NULL},
        {"text alone", NULL},
    };
    char *folder = fake_folder_make();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct html_pictures here = {.folder = folder};
        struct rp_text out = {0};
        fake_file_write(folder, "x.svg", cases[i].svg);
        CU_ASSERT_EQUAL(html_picture(&out, &here, "x.svg", "a \\\"b\\\" <c>", 12), 1);
        int as_image = strncmp(out.data, "<img alt=\"a &quot;b&quot; &lt;c&gt;\" src=\"data:image/svg+xml;base64,", 50);
        if (cases[i].inside != NULL) {
            CU_ASSERT(contains(out.data, cases[i].inside));
            CU_ASSERT_PTR_NULL(strstr(out.data, "http://"));
        } else {
            CU_ASSERT_EQUAL(as_image, 0);
        }
        rp_text_free(&out);
    }
    struct html_pictures here = {.folder = folder};
    struct rp_text out = {0};
    fake_file_write(folder, "x.png", "\x89PNGab"); /* 6 bytes: 8 digits; 5: a sign that fills up */
    CU_ASSERT_EQUAL(html_picture(&out, &here, "x.png", "p", 1), 1);
    CU_ASSERT(contains(out.data, "<img alt=\"p\" src=\"data:image/png;base64,iVBOR2Fi\">"));
    rp_text_free(&out);
    CU_ASSERT_EQUAL(html_picture(&out, &here, "/etc/passwd", "p", 1), 0);
    fake_folder_remove(folder);
}

/* Pictures that gnuplot drew stand in the page as they are. */
static void
drawn(void)
{
    static const char *const svg[] = {"formats=svg", NULL};
    struct fake_plugin plugin;
    struct fake_options options = fake_options_scaling();
    options.requests = 100;
    char *folder = fake_tree(&options);
    must_run("json", folder);
    CU_ASSERT_EQUAL(run_report(&plugin, "plots", folder, svg), 0);
    char *page = page_of(folder), name[300];
    (void)snprintf(name, sizeof name, "%s/plots/throughput.svg", folder);
    if (access(name, R_OK) == 0) {
        CU_ASSERT(well_formed(page));
        check_closed(page);
        CU_ASSERT(contains(page, "<svg role=\"img\" aria-label=\"Throughput against the number of GPUs\""));
        CU_ASSERT(contains(page, "<text>ideal</text>"));
        CU_ASSERT(contains(page, "<figcaption>Output tokens per second"));
        CU_ASSERT_PTR_NULL(strstr(page, "data:image/svg+xml;base64"));
        CU_ASSERT_PTR_NULL(strstr(page, "is missing."));
    } else {
        printf("# gnuplot is not installed: no pictures to look at\n");
    }
    free(page);
    fake_folder_remove(folder);
}

static void
hostile_names(void)
{
    char *folder = fake_folder_make();
    fake_file_write(
        folder, "results.json",
        "{\"servsim_results\": 1, \"name\": \"</title><script>x</script>\", \"axes\": [{\"name\": \"a\", \"values\": "
        "[]}], \"cells\": [{\"name\": \"<img src=x onerror=y>\", \"labels\": {\"a\": \"`<script>`\"}, \"status\": "
        "\"failed\", \"reason\": \"[l](javascript:x) \\\"q\\\"\", \"dir\": \"c\", \"summary\": null}]}");
    must_run("html", folder);
    char *page = fake_file_read(folder, "report.html");
    CU_ASSERT_PTR_NOT_NULL_FATAL(page);
    CU_ASSERT(well_formed(page));
    CU_ASSERT_PTR_NULL(strstr(page, "<script"));
    CU_ASSERT_PTR_NULL(strstr(page, "<img"));
    CU_ASSERT(contains(page, "[l](javascript:x) &quot;q&quot;"));
    free(page);
    must_refuse("html", "/nonexistent", "results.json: cannot be opened");
    fake_folder_remove(folder);
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"pages", pages},       {"same content", same_content}, {"conversion", conversion},
        {"pictures", pictures}, {"drawn pictures", drawn},      {"hostile names", hostile_names},
    };
    return ss_run_cases("report_html", cases, sizeof cases / sizeof cases[0]);
}
