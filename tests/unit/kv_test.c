/*
 * unit/kv_test.c - KV blocks with prefix caching against a plain reading of vLLM V1's block pool.
 *
 * The reference keeps lists of blocks, each with a copy of all tokens that it stands for; it compares texts, searches
 * by scanning, gives each decode its own block at its own step and names it when it is full. The engine names streams,
 * hashes, and only counts what nobody else can ask for. Over random traffic both must find the same,
 * drop the same, and have the same blocks free.
 */
#include "engine/kv.h"

#include <stdlib.h>

#include "harness.h"
#include "toy.h"

#define MOST_BLOCKS 64
#define MOST_TOKENS 640
#define MOST_REQUESTS 16

/* ---- the reference ---- */

struct plain_block {
    int32_t text[MOST_TOKENS];
    uint32_t length; /* 0: not cached */
    uint32_t holders;
    uint64_t cached_at; /* when it was indexed */
};

struct plain_pool {
    struct plain_block blocks[MOST_BLOCKS];
    uint32_t queue[MOST_BLOCKS], queued; /* free ones, first to be taken first */
    uint32_t total, block_size;
    uint64_t clock, evictions;
};

struct plain_request {
    int32_t text[MOST_TOKENS]; /* prompt and all that it will generate */
    uint32_t table[MOST_BLOCKS], count, named;
};

static uint32_t
plain_find(const struct plain_pool *pool, const int32_t *text, uint32_t length)
{
    uint32_t best = SS_POOL_NONE;
    for (uint32_t i = 0; i < pool->total; i++) {
        const struct plain_block *it = &pool->blocks[i];
        if (it->length != length || memcmp(it->text, text, length * sizeof *text) != 0)
            continue;
        if (best == SS_POOL_NONE || it->cached_at < pool->blocks[best].cached_at)
            best = i;
    }
    return best;
}

/* The cached prefix of the first `tokens` tokens, in blocks. */
static uint32_t
plain_hit(const struct plain_pool *pool, const struct plain_request *request, uint32_t tokens, uint32_t *found)
{
    uint32_t hits = 0;
    while ((hits + 1) * pool->block_size < tokens) {
        found[hits] = plain_find(pool, request->text, (hits + 1) * pool->block_size);
        if (found[hits] == SS_POOL_NONE)
            break;
        hits++;
    }
    return hits;
}

static void
plain_unqueue(struct plain_pool *pool, uint32_t at)
{
    pool->queued--;
    memmove(&pool->queue[at], &pool->queue[at + 1], (pool->queued - at) * sizeof pool->queue[0]);
}

static void
plain_share(struct plain_pool *pool, struct plain_request *request, uint32_t block)
{
    request->table[request->count++] = block;
    if (pool->blocks[block].holders++ > 0)
        return;
    uint32_t at = 0;
    while (pool->queue[at] != block)
        at++;
    plain_unqueue(pool, at);
}

/* Blocks for the first `tokens` tokens; those that are full by then are cached at once. */
static void
plain_allocate(struct plain_pool *pool, struct plain_request *request, uint32_t tokens)
{
    while (request->count * pool->block_size < tokens) {
        uint32_t block = pool->queue[0];
        plain_unqueue(pool, 0);
        pool->evictions += pool->blocks[block].length > 0;
        pool->blocks[block].length = 0;
        pool->blocks[block].holders = 1;
        request->table[request->count++] = block;
    }
    for (; (request->named + 1) * pool->block_size <= tokens; request->named++) {
        struct plain_block *it = &pool->blocks[request->table[request->named]];
        it->length = (request->named + 1) * pool->block_size;
        memcpy(it->text, request->text, it->length * sizeof it->text[0]);
        it->cached_at = ++pool->clock;
    }
}

static void
plain_free(struct plain_pool *pool, struct plain_request *request)
{
    while (request->count > 0) {
        uint32_t block = request->table[--request->count];
        if (--pool->blocks[block].holders == 0)
            pool->queue[pool->queued++] = block;
    }
    request->named = 0;
}

/* ---- both, side by side ---- */

struct pair {
    struct ss_request request; /* first; place and extras are those below */
    struct ss_place place;
    struct ss_extras extras;
    struct plain_request plain;
    uint32_t live, tokens; /* tokens: in the cache */
    uint64_t admitted;
};

struct trial {
    struct ss_kv kv;
    struct plain_pool plain;
    struct pair pairs[MOST_REQUESTS];
    struct servsim_random random;
    struct toy_prompts prompts;
    struct toy_storage storage;
    uint64_t requests, admissions;
    uint64_t hits, preemptions; /* of all trials: not cleared */
    uint64_t evictions;
    int same;
};

static uint32_t
below(struct trial *trial, uint32_t limit)
{
    return (uint32_t)(servsim_random_u64(&trial->random) % limit);
}

/* The text that an arrival stands for, each way of naming it spelled out in tokens. */
static void
spell(struct plain_request *out, const struct servsim_arrival *arrival, uint64_t id)
{
    for (uint32_t i = 0; i < MOST_TOKENS; i++) {
        int32_t own = (int32_t)(1000000 + id * 1000 + i);
        if (i >= arrival->prompt_tokens)
            out->text[i] = own;
        else if (arrival->token_ids != NULL)
            out->text[i] = arrival->token_ids[i];
        else if (arrival->block_hashes != NULL)
            out->text[i] = (int32_t)(arrival->block_hashes[i / arrival->block_hash_tokens] % 2147483647);
        else if (i < arrival->prefix_tokens)
            out->text[i] = (int32_t)(100000 + arrival->prefix_id * 1000 + i);
        else
            out->text[i] = arrival->prompt_id != 0 ? (int32_t)(200000 + arrival->prompt_id * 1000 + i) : own;
    }
}

static void
arrive(struct trial *trial, struct pair *pair)
{
    struct servsim_arrival arrival = {.size = sizeof arrival};
    uint32_t room = trial->plain.total * trial->plain.block_size;
    memset(&pair->plain, 0, sizeof pair->plain);
    pair->request = (struct ss_request){.place = &pair->place, .extras = &pair->extras};
    pair->place = (struct ss_place){0};
    pair->request.seen.id = trial->requests++;
    arrival.prompt_tokens = pair->request.seen.prompt_tokens = 1 + below(trial, room / 2);
    pair->request.output_tokens = 1 + below(trial, room / 3 + 1);
    if (trial->prompts.identity != TOY_UNKNOWN)
        toy_identify(&arrival, &trial->prompts, &trial->random, &trial->storage);
    CU_ASSERT_EQUAL_FATAL(ss_prefix_name(&pair->extras.prefix, pair->request.seen.id, &arrival, trial->kv.block_size),
                          0);
    spell(&pair->plain, &arrival, pair->request.seen.id);
    pair->live = 1;
}

static void
expect(struct trial *trial, uint64_t engine, uint64_t plain, const char *what)
{
    if (engine == plain)
        return;
    if (trial->same)
        (void)printf("# %s: %llu, reference %llu\n", what, (unsigned long long)engine, (unsigned long long)plain);
    trial->same = 0;
}

static void
admit(struct trial *trial, struct pair *pair)
{
    struct ss_request *request = &pair->request;
    uint32_t found[MOST_BLOCKS];
    uint64_t needed;
    uint32_t target = pair->place.target = request->seen.prompt_tokens + request->generated;
    int64_t cached = ss_kv_find(&trial->kv, request, target, &needed);
    uint32_t hits = plain_hit(&trial->plain, &pair->plain, target, found), unheld = 0;
    for (uint32_t i = 0; i < hits; i++)
        unheld += trial->plain.blocks[found[i]].holders == 0;
    uint64_t whole = (target + trial->plain.block_size - 1) / trial->plain.block_size;
    expect(trial, (uint64_t)cached, (uint64_t)hits * trial->plain.block_size, "cached tokens");
    expect(trial, needed, whole - hits + unheld, "blocks needed");
    if (needed > trial->kv.free || !trial->same)
        return;
    ss_kv_share(&trial->kv, request);
    for (uint32_t i = 0; i < hits; i++)
        plain_share(&trial->plain, &pair->plain, found[i]);
    pair->plain.named = hits;
    pair->place.computed = (uint32_t)cached;
    request->state = SS_PREFILLING;
    pair->admitted = ++trial->admissions;
    trial->hits += hits;
}

/* A chunk, sometimes taken back. At the end of the prompt a token comes out. */
static void
prefill(struct trial *trial, struct pair *pair)
{
    struct ss_request *request = &pair->request;
    struct ss_place *place = &pair->place;
    place->chunk = 1 + below(trial, place->target - place->computed);
    if (ss_kv_chunk_blocks(&trial->kv, request, place->chunk) > trial->kv.free)
        return;
    ss_kv_take_chunk(&trial->kv, request);
    plain_allocate(&trial->plain, &pair->plain, place->computed + place->chunk);
    place->computed += place->chunk;
    if (place->computed < place->target)
        return;
    request->state = SS_DECODING;
    request->generated++;
    pair->tokens = place->target;
}

static void
leave(struct trial *trial, struct pair *pair, int comes_back)
{
    uint32_t tokens = pair->request.state == SS_DECODING ? pair->tokens : pair->place.computed;
    if (comes_back)
        ss_kv_give_up(&trial->kv, &pair->request, tokens);
    else
        ss_kv_release(&trial->kv, &pair->request, tokens);
    plain_free(&trial->plain, &pair->plain);
    pair->request.state = SS_WAITING;
    pair->place.computed = 0;
}

static void
preempt_last(struct trial *trial)
{
    struct pair *last = NULL;
    for (uint32_t i = 0; i < MOST_REQUESTS; i++) {
        struct pair *pair = &trial->pairs[i];
        if (pair->live && pair->request.state != SS_WAITING && (last == NULL || pair->admitted > last->admitted))
            last = pair;
    }
    if (last == NULL)
        return;
    leave(trial, last, 1);
    trial->preemptions++;
}

static uint32_t
crossing(const struct trial *trial)
{
    uint32_t blocks = 0;
    for (uint32_t i = 0; i < MOST_REQUESTS; i++)
        blocks += trial->pairs[i].live && trial->pairs[i].request.state == SS_DECODING &&
                  trial->pairs[i].tokens % trial->plain.block_size == 0;
    return blocks;
}

/* A run of steps of all that decode: the engine takes its blocks at once, the reference step by step. */
static void
decode(struct trial *trial)
{
    uint32_t steps = 1 + below(trial, 3 * trial->plain.block_size), taken = 0;
    for (uint32_t step = 0; step < steps; step++) {
        uint32_t blocks = crossing(trial);
        if (taken + blocks > trial->kv.free)
            break;
        taken += blocks;
        for (uint32_t i = 0; i < MOST_REQUESTS; i++) {
            struct pair *pair = &trial->pairs[i];
            if (!pair->live || pair->request.state != SS_DECODING)
                continue;
            plain_allocate(&trial->plain, &pair->plain, ++pair->tokens);
            if (++pair->request.generated >= pair->request.output_tokens)
                steps = 0;
        }
    }
    ss_kv_take_decodes(&trial->kv, taken);
}

static void
finish(struct trial *trial)
{
    for (uint32_t i = 0; i < MOST_REQUESTS; i++) {
        struct pair *pair = &trial->pairs[i];
        if (!pair->live || pair->request.state != SS_DECODING || pair->request.generated < pair->request.output_tokens)
            continue;
        leave(trial, pair, 0);
        ss_prefix_clear(&pair->extras.prefix);
        pair->live = 0;
    }
}

/* Everything that is alive has the same prefix cached on both sides, and the pool adds up. */
static void
compare(struct trial *trial)
{
    uint32_t found[MOST_BLOCKS];
    struct ss_request *previous = NULL;
    expect(trial, trial->kv.free, trial->plain.queued, "free blocks");
    expect(trial, trial->kv.pool.evictions, trial->plain.evictions, "evictions");
    for (uint32_t i = 0; i < MOST_REQUESTS; i++) {
        struct pair *pair = &trial->pairs[i];
        if (!pair->live || pair->request.state != SS_WAITING)
            continue;
        uint64_t needed;
        uint32_t tokens = pair->request.seen.prompt_tokens + pair->request.generated;
        uint32_t hits = plain_hit(&trial->plain, &pair->plain, tokens, found);
        expect(trial, (uint64_t)ss_kv_find(&trial->kv, &pair->request, tokens, &needed),
               (uint64_t)hits * trial->plain.block_size, "cached tokens of a waiting request");
    }
    for (uint32_t i = 0; i < MOST_REQUESTS; i++)
        if (trial->pairs[i].live && trial->pairs[i].request.state != SS_WAITING) {
            trial->pairs[i].request.next = previous;
            previous = &trial->pairs[i].request;
        }
    const struct ss_request *const lists[] = {previous};
    const char *wrong = ss_kv_check(&trial->kv, lists, 1);
    if (wrong != NULL) {
        (void)printf("# check: %s\n", wrong);
        trial->same = 0;
    }
}

static void
act(struct trial *trial)
{
    struct pair *pair = &trial->pairs[below(trial, MOST_REQUESTS)];
    if (!pair->live)
        arrive(trial, pair);
    else if (pair->request.state == SS_WAITING)
        admit(trial, pair);
    else if (pair->request.state == SS_PREFILLING)
        prefill(trial, pair);
    else
        decode(trial);
    finish(trial);
    if (below(trial, 12) == 0 || crossing(trial) > trial->kv.free)
        preempt_last(trial);
}

static void
begin(struct trial *trial, uint64_t seed)
{
    static const uint32_t sizes[] = {1, 2, 3, 4, 7, 10};
    static const int identities[] = {TOY_UNKNOWN, TOY_PROMPTS, TOY_SHARED, TOY_TOKENS, TOY_PIECES};
    struct servsim_error err = {.size = sizeof err};
    trial->random.state = seed;
    trial->same = 1;
    trial->requests = trial->admissions = 0;
    memset(&trial->plain, 0, sizeof trial->plain);
    trial->plain.block_size = sizes[below(trial, 6)];
    trial->plain.total = trial->plain.queued = 6 + below(trial, MOST_BLOCKS - 6);
    for (uint32_t i = 0; i < trial->plain.total; i++)
        trial->plain.queue[i] = i;
    trial->prompts = (struct toy_prompts){
        .identity = identities[below(trial, 5)], .distinct = 1 + below(trial, 6), .prefix_tokens = below(trial, 100)};
    ss_kv_init(&trial->kv, trial->plain.total, 0, trial->plain.block_size);
    CU_ASSERT_EQUAL_FATAL(ss_kv_cache(&trial->kv, &err), 0);
}

static void
end(struct trial *trial)
{
    trial->evictions += trial->kv.pool.evictions;
    for (uint32_t i = 0; i < MOST_REQUESTS; i++) {
        ss_prefix_clear(&trial->pairs[i].extras.prefix);
        memset(&trial->pairs[i], 0, sizeof trial->pairs[i]);
    }
    ss_kv_free(&trial->kv);
}

static void
test_against_reference(void)
{
    struct trial *trial = calloc(1, sizeof *trial);
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        begin(trial, seed);
        for (uint32_t i = 0; i < 150 && trial->same; i++) {
            act(trial);
            compare(trial);
        }
        if (!trial->same)
            (void)printf("# seed %llu differs\n", (unsigned long long)seed);
        CU_ASSERT(trial->same);
        end(trial);
    }
    (void)printf("# 3000 trials: %llu blocks found, %llu evicted, %llu preemptions\n", (unsigned long long)trial->hits,
                 (unsigned long long)trial->evictions, (unsigned long long)trial->preemptions);
    CU_ASSERT(trial->hits > 10000);
    CU_ASSERT(trial->evictions > 10000);
    CU_ASSERT(trial->preemptions > 10000);
    free(trial);
}

/* ---- by hand ---- */

static struct ss_request *
request_of(struct ss_kv *kv, uint64_t id, uint64_t prompt_id, uint32_t tokens)
{
    struct pair *pair = calloc(1, sizeof *pair);
    struct ss_request *request = &pair->request;
    const struct servsim_arrival arrival = {.size = sizeof arrival, .prompt_tokens = tokens, .prompt_id = prompt_id};
    request->seen.id = id;
    request->place = &pair->place;
    request->extras = &pair->extras;
    request->place->target = tokens;
    CU_ASSERT_EQUAL_FATAL(ss_prefix_name(&request->extras->prefix, id, &arrival, kv->block_size), 0);
    return request;
}

static int64_t
start(struct ss_kv *kv, struct ss_request *request)
{
    uint64_t needed;
    struct ss_place *place = request->place;
    int64_t cached = ss_kv_find(kv, request, place->target, &needed);
    ss_kv_share(kv, request);
    place->computed = (uint32_t)cached;
    place->chunk = place->target - place->computed;
    ss_kv_take_chunk(kv, request);
    return cached;
}

static void
drop(struct ss_request *request)
{
    ss_prefix_clear(&request->extras->prefix);
    free(request);
}

/* The last token of a prompt is always computed, in a block of its own, which then is a second copy. */
static void
test_last_token(void)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_kv kv;
    ss_kv_init(&kv, 10, 0, 4);
    CU_ASSERT_EQUAL_FATAL(ss_kv_cache(&kv, &err), 0);
    struct ss_request *a = request_of(&kv, 0, 7, 8), *b = request_of(&kv, 1, 7, 8), *c = request_of(&kv, 2, 7, 9);
    CU_ASSERT_EQUAL(start(&kv, a), 0);
    CU_ASSERT_EQUAL(start(&kv, b), 4); /* in the same step already */
    CU_ASSERT_EQUAL(start(&kv, c), 8);
    CU_ASSERT_EQUAL(ss_kv_used(&kv), 4); /* A's two, B's copy, C's last */
    ss_kv_release(&kv, a, 8);
    CU_ASSERT_EQUAL(ss_kv_used(&kv), 4); /* B holds the first block, C both */
    ss_kv_release(&kv, b, 8);
    CU_ASSERT_EQUAL(ss_kv_used(&kv), 3);
    ss_kv_release(&kv, c, 9);
    CU_ASSERT_EQUAL(kv.free, 10);
    drop(a);
    drop(b);
    drop(c);
    ss_kv_free(&kv);
}

/* What a step was given and lost again was never computed: nobody may find it. */
static void
test_undone_chunk(void)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_kv kv;
    ss_kv_init(&kv, 10, 0, 4);
    CU_ASSERT_EQUAL_FATAL(ss_kv_cache(&kv, &err), 0);
    struct ss_request *a = request_of(&kv, 0, 7, 30), *b = request_of(&kv, 1, 7, 30);
    a->place->chunk = 6;
    uint64_t needed;
    CU_ASSERT_EQUAL(ss_kv_find(&kv, a, 30, &needed), 0);
    CU_ASSERT_EQUAL(needed, 8);
    ss_kv_share(&kv, a);
    ss_kv_take_chunk(&kv, a);
    a->place->computed = 6;
    a->place->chunk = 10;
    ss_kv_take_chunk(&kv, a);
    CU_ASSERT_EQUAL(ss_kv_used(&kv), 4);
    CU_ASSERT_EQUAL(ss_kv_find(&kv, b, 30, &needed), 16);
    ss_kv_undo_chunk(&kv, a);
    CU_ASSERT_EQUAL(ss_kv_used(&kv), 2);
    CU_ASSERT_EQUAL(ss_kv_find(&kv, b, 30, &needed), 4);
    CU_ASSERT_EQUAL(needed, 7);
    a->next = NULL;
    const struct ss_request *const lists[] = {a};
    CU_ASSERT_PTR_NULL(ss_kv_check(&kv, lists, 1));
    ss_kv_release(&kv, a, 6);
    CU_ASSERT_EQUAL(kv.free, 10);
    CU_ASSERT_EQUAL(ss_kv_find(&kv, b, 30, &needed), 4);
    drop(a);
    drop(b);
    ss_kv_free(&kv);
}

/* Equal numbers of different kinds are different things, and so are equal tokens behind different ones. */
static void
test_names(void)
{
    static const int32_t tokens[] = {1, 2, 3, 4, 1, 2, 3, 4}, shifted[] = {5, 2, 3, 4, 1, 2, 3, 4};
    static const uint64_t pieces[] = {7, 7};
    const struct servsim_arrival kinds[] = {
        {.size = sizeof kinds[0], .prompt_tokens = 8},
        {.size = sizeof kinds[0], .prompt_tokens = 8, .prompt_id = 7},
        {.size = sizeof kinds[0], .prompt_tokens = 8, .prefix_id = 7, .prefix_tokens = 8},
        {.size = sizeof kinds[0], .prompt_tokens = 8, .token_ids = tokens},
        {.size = sizeof kinds[0], .prompt_tokens = 8, .token_ids = shifted},
        {.size = sizeof kinds[0],
         .prompt_tokens = 8,
         .block_hashes = pieces,
         .block_hash_count = 2,
         .block_hash_tokens = 4},
    };
    enum { COUNT = sizeof kinds / sizeof kinds[0] };
    uint64_t keys[COUNT][2];
    for (size_t i = 0; i < COUNT; i++) {
        struct ss_prefix prefix = {0};
        CU_ASSERT_EQUAL_FATAL(ss_prefix_name(&prefix, 7, &kinds[i], 4), 0);
        struct ss_prefix_keys of = {&prefix, 4, 0, 0, 0, 0};
        keys[i][0] = ss_prefix_key(&of, 0);
        keys[i][1] = ss_prefix_key(&of, 1);
        ss_prefix_clear(&prefix);
    }
    for (size_t i = 0; i < 2 * COUNT; i++)
        for (size_t j = 0; j < i; j++)
            CU_ASSERT_NOT_EQUAL(keys[i / 2][i % 2], keys[j / 2][j % 2]);
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"the same hits, evictions and free blocks as a plain block pool over texts", test_against_reference},
        {"the last token is computed, equal blocks are shared", test_last_token},
        {"a chunk that a step takes back was never there", test_undone_chunk},
        {"names of contents do not run into each other", test_names},
    };
    return ss_run_cases("kv", cases, sizeof cases / sizeof cases[0]);
}
