/*
 * report/html - report.html: the report as one page that opens from disk, pictures inside, nothing loaded from
 * anywhere.
 *
 * Its text is that of the Markdown report, made by the same functions and turned into HTML here.
 */
#include "report/html/html.h"
#include "report/markdown/markdown.h"

static void
put_page(struct rp_text *out, const struct md *md)
{
    struct html_pictures pictures = {.folder = md->folder};
    const char *name = md->results.name[0] != '\0' ? md->results.name : "servsim results";
    struct rp_text title = {0};
    md_escape(&title, name);
    rp_puts(out,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
            "content=\"width=device-width,initial-scale=1\">\n"
            /* Nothing is loaded and nothing runs, whatever a label may say. */
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
            "img-src data:\">\n<title>");
    html_inline(out, title.failed ? "" : title.data, title.failed ? 0 : title.length, 1);
    rp_puts(out, "</title>\n<style>\n");
    rp_puts(out, html_style);
    rp_puts(out, "</style>\n</head>\n<body>\n<div class=\"page\">\n<nav aria-label=\"Contents\"><ul>\n");
    html_contents(out, md->out.data);
    rp_puts(out, "</ul></nav>\n<main>\n");
    html_body(out, md->out.data, &pictures);
    rp_puts(out, "</main>\n</div>\n</body>\n</html>\n");
    rp_text_free(&title);
}

static int32_t
render(void *self, const struct servsim_report_input *input, struct servsim_error *err)
{
    (void)self;
    struct md md;
    struct rp_text page = {0};
    int status = md_make(&md, input, err);
    char *path = rp_join(input->output_dir, "report.html");
    if (status == 0) {
        put_page(&page, &md);
        status = path != NULL ? rp_file_write(path, &page, err)
                              : servsim_fail(err, ENOMEM, "%s: no memory for the report", input->output_dir);
    }
    free(path);
    rp_text_free(&page);
    md_free(&md);
    return status;
}

static const struct servsim_report_ops ops = {.size = sizeof ops, .flags = SERVSIM_REPORT_LAST, .render = render};

static const struct servsim_plugin html_plugin = {
    SERVSIM_PLUGIN_HEAD_PLAIN(SERVSIM_KIND_REPORT),
    .name = "html",
    .version = "1.0",
    .summary = "report.html: the Markdown report as one page with its pictures inside, which opens from disk",
    .licence = "Apache-2.0",
    .page = "The same text, tables and pictures as report.md. The page loads nothing and runs no script; it has a dark "
            "look where the reader's system asks for one, and prints. Pictures are those of the plots report, so name "
            "it too.",
    .create = servsim_create_nothing,
    .destroy = servsim_destroy_nothing,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(html_plugin)
