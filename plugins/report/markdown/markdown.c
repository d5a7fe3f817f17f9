/*
 * report/markdown - report.md: what a stranger needs to see what was run, what came out, and what to do about it.
 *
 * Everything is computed from results.json and the files of each cell. Pictures are linked where the plots report has
 * drawn them for these very results.
 */
#include "report/markdown/markdown.h"

static int32_t
render(void *self, const struct servsim_report_input *input, struct servsim_error *err)
{
    (void)self;
    struct md md;
    int status = md_make(&md, input, err);
    char *path = rp_join(input->output_dir, "report.md");
    if (status == 0)
        status = path != NULL ? rp_file_write(path, &md.out, err)
                              : servsim_fail(err, ENOMEM, "%s: no memory for the report", input->output_dir);
    free(path);
    md_free(&md);
    return status;
}

static const struct servsim_report_ops ops = {.size = sizeof ops, .flags = SERVSIM_REPORT_LAST, .render = render};

static const struct servsim_plugin markdown_plugin = {
    SERVSIM_PLUGIN_HEAD_PLAIN(SERVSIM_KIND_REPORT),
    .name = "markdown",
    .version = "1.1",
    .summary = "report.md: tables, scaling, pictures, and advice that quotes the figures it rests on",
    .licence = "Apache-2.0",
    .page =
        "Cells are compared where they served the same traffic, and scaling is judged against the smallest number of "
        "GPUs. Pictures are linked when the plots report has drawn them for the same results, so let it run first.",
    .create = servsim_create_nothing,
    .destroy = servsim_destroy_nothing,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(markdown_plugin)
