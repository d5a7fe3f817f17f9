/*
 * report/html/html.h - what the parts of the HTML report share.
 */
#ifndef REPORT_HTML_H
#define REPORT_HTML_H

#include "report/common/text.h"

/* Where pictures are found, and how many have been shown. */
struct html_pictures {
    const char *folder; /* of the results; pictures stand at relative paths below it */
    size_t count;
};

/*
 * Turns a report's Markdown into HTML: headings (with anchors), paragraphs, lists, tables, pictures with their
 * captions, bold, code and escapes. Exactly what the reports of servsim write, not Markdown at large; what is not known
 * is shown as the text that it is.
 */
void html_body(struct rp_text *out, const char *markdown, struct html_pictures *pictures);

/* The list of headings that html_body() gives anchors to. */
void html_contents(struct rp_text *out, const char *markdown);

/* Text with bold, code and escapes; `plain` leaves the marks away, for titles. */
void html_inline(struct rp_text *out, const char *text, size_t length, int plain);

/*
 * The picture at a path, within the page: an SVG as it is, where it holds nothing but what gnuplot draws with, anything
 * else as an image in a data URL. Returns 0 where there is no such picture.
 */
int html_picture(struct rp_text *out, struct html_pictures *pictures, const char *path, const char *title,
                 size_t title_length);

extern const char html_style[];

#endif
