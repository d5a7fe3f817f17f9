/*
 * jsonl.h - rows of a trace out of JSON lines: one object a line, streamed.
 *
 * Two vocabularies: token traces (input_toks|input_tokens, output_toks|output_tokens, arrival_time_ns|arrival_s,
 * input_tok_ids, prompt_id, hash_ids, session_id) and Mooncake's (timestamp in milliseconds, input_length,
 * output_length, hash_ids). Keys that are not ours are passed over. Memory: one line.
 *
 * Whole numbers are exact. A JSON number with a point or an exponent passes through a double, of which 15 significant
 * digits are kept: exact for what people write.
 */
#ifndef WL_JSONL_H
#define WL_JSONL_H

#include "row.h"

/* The context of wl_jsonl_ops. */
struct wl_jsonl_source {
    const char *path;
    uint32_t hash_tokens; /* that one of hash_ids stands for */
};

extern const struct wl_reader_ops wl_jsonl_ops;

/* True where the first line of `head` begins an object that names prompt tokens. */
int wl_jsonl_recognise(const char *head, uint64_t length);

#endif
