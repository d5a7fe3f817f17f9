/*
 * report/html/convert.c - the report's Markdown as HTML.
 *
 * The Markdown comes from our own writer, which escapes all that users wrote: so each line tells by its first
 * characters what it is, and inside a line only `**`, backquotes, a backslash and `&lt;`-like entities mean anything.
 */
#include "report/html/html.h"

/* ---- inside a line ---------------------------------------------------------------------------------------------- */

static void
put_char(struct rp_text *out, char c)
{
    if (c == '<')
        rp_puts(out, "&lt;");
    else if (c == '>')
        rp_puts(out, "&gt;");
    else if (c == '&')
        rp_puts(out, "&amp;");
    else if (c == '"')
        rp_puts(out, "&quot;");
    else
        rp_add(out, &c, 1);
}

/* Length of an entity that the writer of the Markdown makes, 0 for any other text. */
static size_t
entity(const char *text, size_t length)
{
    static const char *const known[] = {"&lt;", "&gt;", "&amp;"};
    for (size_t i = 0; i < 3; i++) {
        size_t size = strlen(known[i]);
        if (length >= size && memcmp(text, known[i], size) == 0)
            return size;
    }
    return 0;
}

/* Code from a backquote to the next. Returns the characters taken, 0 where there is no end. */
static size_t
put_code(struct rp_text *out, const char *text, size_t length, int plain)
{
    const char *end = length > 1 ? memchr(text + 1, '`', length - 1) : NULL;
    if (end == NULL)
        return 0;
    rp_puts(out, plain ? "" : "<code>");
    for (const char *at = text + 1; at < end; at++)
        put_char(out, *at);
    rp_puts(out, plain ? "" : "</code>");
    return (size_t)(end - text) + 1;
}

void
html_inline(struct rp_text *out, const char *text, size_t length, int plain)
{
    int bold = 0;
    for (size_t i = 0; i < length;) {
        size_t taken = 1;
        if (text[i] == '\\' && i + 1 < length) {
            put_char(out, text[i + 1]);
            taken = 2;
        } else if (text[i] == '*' && i + 1 < length && text[i + 1] == '*') {
            bold = !bold;
            rp_puts(out, plain ? "" : bold ? "<strong>" : "</strong>");
            taken = 2;
        } else if (text[i] == '`' && (taken = put_code(out, text + i, length - i, plain)) > 0) {
            /* all done */
        } else if ((taken = entity(text + i, length - i)) > 0) {
            rp_add(out, text + i, taken);
        } else {
            put_char(out, text[i]);
            taken = 1;
        }
        i += taken;
    }
    if (bold && !plain)
        rp_puts(out, "</strong>");
}

/* ---- headings --------------------------------------------------------------------------------------------------- */

/* Level of a heading, 0 for any other line. */
static size_t
heading(const char *line, size_t length)
{
    size_t level = 0;
    while (level < length && line[level] == '#')
        level++;
    return level > 0 && level <= 3 && level < length && line[level] == ' ' ? level : 0;
}

static void
put_anchor(struct rp_text *out, size_t number, const char *text, size_t length)
{
    char name[65], slug[65];
    (void)snprintf(name, sizeof name, "%.*s", (int)(length < 48 ? length : 48), text);
    rp_slug(slug, name);
    rp_printf(out, "%s-%zu", slug, number);
}

/* The next line; its length is stored, and the answer is where the one after begins. */
static const char *
line_at(const char *at, size_t *length)
{
    *length = strcspn(at, "\n");
    return at + *length + (at[*length] == '\n');
}

void
html_contents(struct rp_text *out, const char *markdown)
{
    size_t length, number = 0, depth = 0;
    for (const char *line = markdown, *next; *line != '\0'; line = next) {
        next = line_at(line, &length);
        size_t level = heading(line, length);
        number += level > 1;
        if (level < 2)
            continue;
        for (; depth >= level; depth--)
            rp_puts(out, depth == 3 ? "</li></ul>" : "</li>\n");
        for (size_t open = depth + 1; open <= level; open++)
            rp_puts(out, open == 3 ? "<ul>" : "");
        rp_puts(out, "<li><a href=\"#");
        put_anchor(out, number, line + level + 1, length - level - 1);
        rp_puts(out, "\">");
        html_inline(out, line + level + 1, length - level - 1, 1);
        rp_puts(out, "</a>");
        depth = level;
    }
    for (; depth >= 2; depth--)
        rp_puts(out, depth == 3 ? "</li></ul>" : "</li>\n");
}

static void
put_heading(struct rp_text *out, const char *line, size_t length, size_t level, size_t number)
{
    rp_printf(out, "<h%zu", level);
    if (level > 1) {
        rp_puts(out, " id=\"");
        put_anchor(out, number, line + level + 1, length - level - 1);
        rp_puts(out, "\"");
    }
    rp_puts(out, ">");
    html_inline(out, line + level + 1, length - level - 1, 0);
    rp_printf(out, "</h%zu>\n", level);
}

/* ---- tables ----------------------------------------------------------------------------------------------------- */

#define MOST_COLUMNS 64u

/* The field that begins at `at` ends at the next bar that is not escaped. */
static size_t
field_length(const char *at, size_t length)
{
    size_t i = 0;
    while (i < length && at[i] != '|')
        i += at[i] == '\\' && i + 1 < length ? 2 : 1;
    return i;
}

static void
put_row(struct rp_text *out, const char *line, size_t length, const char *tag, const int *numeric)
{
    rp_puts(out, "<tr>");
    size_t column = 0;
    for (size_t at = 1; at < length && column < MOST_COLUMNS; column++) {
        size_t size = field_length(line + at, length - at), from = at, to = at + size;
        while (from < to && line[from] == ' ')
            from++;
        while (to > from && line[to - 1] == ' ')
            to--;
        const char *cell = column == 0 && tag[1] == 'd' ? "th scope=\"row\"" : tag;
        rp_printf(out, "<%s%s>", cell, numeric[column] ? " class=\"n\"" : "");
        html_inline(out, line + from, to - from, 0);
        rp_printf(out, "</%.2s>", cell);
        at += size + 1;
    }
    rp_puts(out, "</tr>\n");
}

/* "|---|---:|": which columns are numbers. Returns 0 where the line is no such thing. */
static int
read_rule(const char *line, size_t length, int *numeric)
{
    if (length < 4 || strspn(line, "|-:") < length)
        return 0;
    size_t column = 0;
    for (size_t at = 1; at < length && column < MOST_COLUMNS; column++) {
        size_t size = field_length(line + at, length - at);
        numeric[column] = size > 0 && line[at + size - 1] == ':';
        at += size + 1;
    }
    return 1;
}

/* The table whose first line is at `line`. Returns where it ends. */
static const char *
put_table(struct rp_text *out, const char *line)
{
    int numeric[MOST_COLUMNS] = {0};
    size_t length, rule_length;
    const char *rule = line_at(line, &length), *next = line_at(rule, &rule_length);
    int headed = read_rule(rule, rule_length, numeric);
    rp_puts(out, "<div class=\"table\"><table>\n");
    if (headed && strspn(line, "| ") < length) {
        rp_puts(out, "<thead>");
        put_row(out, line, length, "th", numeric);
        rp_puts(out, "</thead>");
    }
    rp_puts(out, "<tbody>\n");
    for (line = headed ? next : line; *line == '|'; line = next) {
        next = line_at(line, &length);
        put_row(out, line, length, "td", numeric);
    }
    rp_puts(out, "</tbody></table></div>\n");
    return line;
}

/* ---- blocks ----------------------------------------------------------------------------------------------------- */

static const char *
skip_empty(const char *line)
{
    while (*line == '\n')
        line++;
    return line;
}

/* A line "*text*" under a picture is its caption. Returns where the text after it begins. */
static const char *
put_caption(struct rp_text *out, const char *line)
{
    size_t length;
    const char *caption = skip_empty(line), *next = line_at(caption, &length);
    if (length < 3 || caption[0] != '*' || caption[1] == '*' || caption[length - 1] != '*')
        return line;
    rp_puts(out, "<figcaption>");
    html_inline(out, caption + 1, length - 2, 0);
    rp_puts(out, "</figcaption>");
    return next;
}

/* "![title](path)". Returns where the text after picture and caption begins, NULL where it is no picture. */
static const char *
put_figure(struct rp_text *out, const char *line, struct html_pictures *pictures)
{
    size_t length;
    const char *next = line_at(line, &length), *middle = NULL;
    for (size_t i = 2; i + 1 < length && middle == NULL; i += line[i] == '\\' ? 2 : 1)
        middle = line[i] == ']' && line[i + 1] == '(' ? line + i : NULL;
    if (strncmp(line, "![", 2) != 0 || middle == NULL || line[length - 1] != ')')
        return NULL;
    char path[400];
    (void)snprintf(path, sizeof path, "%.*s", (int)(line + length - 1 - (middle + 2)), middle + 2);
    rp_puts(out, "<figure>");
    if (!html_picture(out, pictures, path, line + 2, (size_t)(middle - line - 2))) {
        rp_puts(out, "<p>The picture ");
        html_inline(out, path, strlen(path), 1);
        rp_puts(out, " is missing.</p>");
    }
    next = put_caption(out, next);
    rp_puts(out, "</figure>\n");
    return next;
}

static const char *
put_list(struct rp_text *out, const char *line)
{
    size_t length;
    rp_puts(out, "<ul>\n");
    for (const char *next; strncmp(line, "- ", 2) == 0; line = next) {
        next = line_at(line, &length);
        rp_puts(out, "<li>");
        html_inline(out, line + 2, length - 2, 0);
        rp_puts(out, "</li>\n");
    }
    rp_puts(out, "</ul>\n");
    return line;
}

static const char *
put_paragraph(struct rp_text *out, const char *line)
{
    size_t length;
    rp_puts(out, "<p>");
    for (const char *next; *line != '\0' && *line != '\n'; line = next) {
        next = line_at(line, &length);
        html_inline(out, line, length, 0);
        rp_puts(out, *next != '\0' && *next != '\n' ? "<br>\n" : "");
    }
    rp_puts(out, "</p>\n");
    return line;
}

void
html_body(struct rp_text *out, const char *markdown, struct html_pictures *pictures)
{
    size_t number = 0, length;
    for (const char *line = skip_empty(markdown); *line != '\0' && !out->failed; line = skip_empty(line)) {
        const char *next = line_at(line, &length), *after = NULL;
        size_t level = heading(line, length);
        if (level > 0) {
            number += level > 1;
            put_heading(out, line, length, level, number);
            line = next;
        } else if (line[0] == '|') {
            line = put_table(out, line);
        } else if (strncmp(line, "- ", 2) == 0) {
            line = put_list(out, line);
        } else if (line[0] == '!' && (after = put_figure(out, line, pictures)) != NULL) {
            line = after;
        } else {
            line = put_paragraph(out, line);
        }
    }
}
