/*
 * engine/kv.c - counts of KV blocks.
 */
#include "engine/kv.h"

void
ss_kv_init(struct ss_kv *kv, uint64_t total, uint64_t host_total, uint32_t block_size)
{
    *kv = (struct ss_kv){
        .total = total, .free = total, .host_total = host_total, .host_free = host_total, .block_size = block_size};
}

uint64_t
ss_kv_chunk_blocks(const struct ss_kv *kv, const struct ss_request *request, uint32_t tokens)
{
    return ss_kv_blocks_of(kv, (uint64_t)request->computed + tokens) - ss_kv_blocks_of(kv, request->computed);
}

void
ss_kv_take_chunk(struct ss_kv *kv, struct ss_request *request)
{
    kv->free -= ss_kv_chunk_blocks(kv, request, request->chunk);
}

void
ss_kv_undo_chunk(struct ss_kv *kv, struct ss_request *request)
{
    kv->free += ss_kv_chunk_blocks(kv, request, request->chunk);
}

void
ss_kv_take_decodes(struct ss_kv *kv, uint64_t blocks)
{
    kv->free -= blocks;
}

void
ss_kv_undo_decodes(struct ss_kv *kv, uint64_t blocks)
{
    kv->free += blocks;
}

void
ss_kv_release(struct ss_kv *kv, struct ss_request *request, uint64_t tokens)
{
    (void)request;
    kv->free += ss_kv_blocks_of(kv, tokens);
}

uint64_t
ss_kv_swap_out(struct ss_kv *kv, struct ss_request *request)
{
    uint64_t blocks = ss_kv_blocks_of(kv, request->computed);
    ss_kv_release(kv, request, request->computed);
    kv->host_free -= blocks;
    return blocks;
}

uint64_t
ss_kv_swap_in(struct ss_kv *kv, struct ss_request *request)
{
    uint64_t blocks = ss_kv_blocks_of(kv, request->computed);
    kv->free -= blocks;
    kv->host_free += blocks;
    return blocks;
}

void
ss_kv_drop_swapped(struct ss_kv *kv, const struct ss_request *request)
{
    kv->host_free += ss_kv_blocks_of(kv, request->computed);
}
