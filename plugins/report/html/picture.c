/*
 * report/html/picture.c - pictures inside the page.
 *
 * An SVG becomes part of the page only if it is made of shapes and text alone: elements and attributes that could run
 * or load something, or that are not known, send it into a data URL, where a browser runs nothing. Its identifiers get
 * a prefix, since those of several pictures would be the same.
 */
#include "report/html/html.h"

#include <strings.h>

#define LARGEST_PICTURE ((size_t)16 << 20)
#define LONGEST_NAME 40u

/* One SVG on its way into the page. */
struct svg {
    struct rp_text *out;
    const char *at, *end;
    size_t number; /* of the picture */
    int hidden;    /* inside an element that is left out */
    int begun;
};

static int
is_one_of(const char *name, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, list[i]) == 0)
            return 1;
    return 0;
}

static int
is_known(const char *name)
{
    static const char *const known[] = {"g",       "path",     "rect",   "circle", "ellipse",     "line", "polyline",
                                        "polygon", "text",     "tspan",  "defs",   "use",         "svg",  "filter",
                                        "feFlood", "clipPath", "symbol", "title",  "feComposite", "desc"};
    return is_one_of(name, known, sizeof known / sizeof known[0]);
}

/* What a browser would show as a tooltip and nobody wrote for readers. */
static int
is_left_out(const char *name)
{
    return strcmp(name, "title") == 0 || strcmp(name, "desc") == 0;
}

static int
name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == ':';
}

static int
read_name(struct svg *svg, char name[LONGEST_NAME])
{
    size_t length = 0;
    for (; svg->at < svg->end && name_char(*svg->at) && length + 1 < LONGEST_NAME; svg->at++)
        name[length++] = *svg->at;
    name[length] = '\0';
    return length > 0 && svg->at < svg->end;
}

static void
skip_blanks(struct svg *svg)
{
    while (svg->at < svg->end && strchr(" \t\r\n", *svg->at) != NULL)
        svg->at++;
}

/* One attribute, checked and written. The root keeps its viewBox alone. */
static int
copy_attribute(struct svg *svg, int root)
{
    char name[LONGEST_NAME];
    if (!read_name(svg, name))
        return 0;
    skip_blanks(svg);
    if (svg->at + 1 >= svg->end || *svg->at != '=')
        return 0;
    svg->at++;
    skip_blanks(svg);
    char quote = svg->at < svg->end ? *svg->at : '\0';
    const char *value = svg->at + 1;
    const char *end = quote == '"' || quote == '\'' ? memchr(value, quote, (size_t)(svg->end - value)) : NULL;
    if (end == NULL || memchr(value, '<', (size_t)(end - value)) != NULL)
        return 0;
    svg->at = end + 1;
    int link = strcmp(name, "href") == 0 || strcmp(name, "xlink:href") == 0;
    int refers = (size_t)(end - value) > 5 && strncmp(value, "url(#", 5) == 0;
    if (strncasecmp(name, "on", 2) == 0 || (link && (value == end || value[0] != '#')) ||
        (!refers && !link && memchr(value, '(', (size_t)(end - value)) != NULL && strcmp(name, "transform") != 0 &&
         strncmp(value, "rgb(", 4) != 0))
        return 0;
    if (svg->hidden > 0 || (root && strcmp(name, "viewBox") != 0))
        return 1;
    size_t skip = link ? 1 : refers ? 5 : 0;
    rp_printf(svg->out, " %s=%c%.*s", link ? "href" : name, quote, (int)skip, value);
    if (link || refers || strcmp(name, "id") == 0)
        rp_printf(svg->out, "p%zu-", svg->number);
    rp_printf(svg->out, "%.*s%c", (int)(end - value - (ptrdiff_t)skip), value + skip, quote);
    return 1;
}

static int
copy_end_tag(struct svg *svg)
{
    char name[LONGEST_NAME];
    svg->at += 2;
    if (!read_name(svg, name) || !is_known(name))
        return 0;
    skip_blanks(svg);
    if (svg->at >= svg->end || *svg->at != '>')
        return 0;
    svg->at++;
    if (is_left_out(name))
        svg->hidden -= svg->hidden > 0;
    else if (svg->hidden == 0)
        rp_printf(svg->out, "</%s>", name);
    return 1;
}

static int
copy_tag(struct svg *svg, const char *label)
{
    char name[LONGEST_NAME];
    svg->at++;
    if (!read_name(svg, name) || !is_known(name) || (strcmp(name, "svg") == 0) == svg->begun)
        return 0;
    int root = !svg->begun, out = is_left_out(name), closed = 0;
    svg->begun = 1;
    svg->hidden += out;
    if (svg->hidden == 0)
        rp_printf(svg->out, "<%s", name);
    if (root)
        rp_printf(svg->out, " role=\"img\" aria-label=\"%s\"", label);
    for (skip_blanks(svg); svg->at < svg->end && *svg->at != '>' && *svg->at != '/'; skip_blanks(svg))
        if (!copy_attribute(svg, root))
            return 0;
    if (svg->at < svg->end && *svg->at == '/') {
        closed = 1;
        svg->at++;
    }
    if (svg->at >= svg->end || *svg->at != '>')
        return 0;
    svg->at++;
    if (svg->hidden == 0)
        rp_puts(svg->out, closed ? "/>" : ">");
    svg->hidden -= out && closed;
    return 1;
}

/* Everything before the root: a declaration may stand there, nothing else. */
static int
skip_prolog(struct svg *svg)
{
    skip_blanks(svg);
    if (svg->end - svg->at > 2 && strncmp(svg->at, "<?", 2) == 0) {
        const char *end = memchr(svg->at, '>', (size_t)(svg->end - svg->at));
        if (end == NULL)
            return 0;
        svg->at = end + 1;
    }
    skip_blanks(svg);
    return 1;
}

static int
put_svg(struct rp_text *out, const struct rp_text *file, size_t number, const char *label)
{
    struct svg svg = {.out = out, .at = file->data, .end = file->data + file->length, .number = number};
    if (memchr(file->data, '\0', file->length) != NULL || !skip_prolog(&svg))
        return 0;
    while (svg.at < svg.end) {
        if (*svg.at == '<') {
            int end_tag = svg.at + 1 < svg.end && svg.at[1] == '/';
            if (!(end_tag ? svg.begun && copy_end_tag(&svg) : copy_tag(&svg, label)))
                return 0;
            continue;
        }
        const char *next = memchr(svg.at, '<', (size_t)(svg.end - svg.at));
        size_t length = (size_t)((next != NULL ? next : svg.end) - svg.at);
        if (svg.hidden == 0 && svg.begun)
            rp_add(out, svg.at, length);
        svg.at += length;
    }
    return svg.begun && svg.hidden == 0;
}

static void
put_base64(struct rp_text *out, const char *data, size_t length)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < length; i += 3) {
        uint32_t bits = 0;
        for (size_t b = 0; b < 3; b++)
            bits = bits << 8 | (i + b < length ? (unsigned char)data[i + b] : 0u);
        char four[4];
        for (size_t d = 0; d < 4; d++)
            four[d] = i + d > length ? '=' : digits[bits >> (18 - 6 * d) & 63u];
        rp_add(out, four, 4);
    }
}

int
html_picture(struct rp_text *out, struct html_pictures *pictures, const char *path, const char *title,
             size_t title_length)
{
    struct rp_text file = {0}, label = {0};
    struct servsim_error ignored = {.size = sizeof ignored};
    char *whole = strstr(path, "..") == NULL && path[0] != '/' ? rp_join(pictures->folder, path) : NULL;
    int found = whole != NULL && rp_file_read(&file, whole, LARGEST_PICTURE, &ignored) == 0 && file.length > 0;
    free(whole);
    if (!found) {
        rp_text_free(&file);
        return 0;
    }
    size_t before = out->length, length = strlen(path);
    int is_svg = length > 4 && strcmp(path + length - 4, ".svg") == 0;
    html_inline(&label, title, title_length, 1);
    rp_puts(&label, "");
    out->failed |= label.failed;
    pictures->count++;
    if (!is_svg || label.failed || !put_svg(out, &file, pictures->count, label.data)) {
        if (!out->failed)
            out->length = before;
        rp_printf(out, "<img alt=\"%s\" src=\"data:image/%s;base64,", label.failed ? "" : label.data,
                  is_svg ? "svg+xml" : "png");
        put_base64(out, file.data, file.length);
        rp_puts(out, "\">");
    }
    rp_text_free(&label);
    rp_text_free(&file);
    return 1;
}
