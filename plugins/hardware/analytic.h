/*
 * hardware/analytic.h - a GPU as a datasheet plus measured efficiencies: the model that all devices but profile share.
 *
 * A kernel costs a fixed time plus arithmetic and memory traffic, each at a measured share of the datasheet's peak, and
 * how the two overlap depends on the kernel. A plugin fills a profile and hands it to analytic_create(); the operations
 * are the same for all. tools/fit_kernels.py fits the constants of a profile to measured kernels.
 */
#ifndef HARDWARE_ANALYTIC_H
#define HARDWARE_ANALYTIC_H

#include "servsim/plugin.h"

#define ANALYTIC_DTYPES 7u       /* peak_flops is indexed by SERVSIM_DTYPE_* */
#define ANALYTIC_ALL_REDUCES 16u /* rows of measured all-reduces at most */

/* Kernels differ by the bits of what they multiply, or of the KV that they read. */
#define ANALYTIC_16BIT 0u
#define ANALYTIC_8BIT 1u
#define ANALYTIC_4BIT 2u
#define ANALYTIC_WIDTHS 3u

/*
 * A matrix multiplication: launch + soft maximum of arithmetic and traffic, (a^s + b^s)^(1/s) with s the softness, or
 * the plain maximum where that is 0.
 *
 * Arithmetic is flops / (compute_efficiency peak), or, where max_split is given, the cheapest way to cover the product
 * with tiles of 64 x 64 to 256 x 128 (from 16 x 64 where weights are narrower than what is multiplied) and to cut K
 * into 1, 2, 4 .. max_split parts: whole waves of tiles over the SMs, each paying fill_us; a tile of a x b is 1 +
 * tile_loss (128 / a + 128 / b - 1.5) times slower than its share of the SMs' peak (so 256 x 128 is the measure); parts
 * cost one more fill, and their sums go through the L2.
 *
 * Traffic is bytes / (memory_efficiency bandwidth). Blocks of columns read the input again, mostly from the L2: for
 * each 128 columns of the result as if `reread` of it came from memory once more.
 */
struct analytic_kernel {
    double launch_us;
    double compute_efficiency;
    double memory_efficiency;
    double softness;
    double reread;
    double tile_loss;
    double fill_us;
    uint32_t max_split; /* 0: no tiles */
    /* Of experts: kernels that gather and quantise rows, activate them and add up results run beside those that
       multiply, and nothing hides their traffic, which takes as long as `spread` times as much at the bandwidth. 0: it
       is hidden as that of weights is. all_rows: rows of experts on other GPUs, too, since these kernels do not tell
       them apart. */
    double spread;
    uint32_t all_rows;
};

/*
 * Decode attention: launch + ramp + bytes / (memory_efficiency bandwidth). Thread blocks, one for each KV head of each
 * request, take their time to begin and to end: ramp_us in all with ramp_blocks and more of them on each SM, in
 * proportion with fewer (0: nothing).
 * Kernels before FlashAttention 3 split the contexts of a small batch over SMs only where queries share KV heads; else
 * each KV head of each request is read by one thread block, at block_bytes_per_s (0: they always split).
 *
 * Unequal contexts leave SMs idle at the end: the batch takes as long as if `skew` of the gap between the mean and the
 * longest context were filled. All grow by one token a step, so that the gap stays, and a line stays a line.
 *
 * Where the batch has prefill beside decodes, one joint kernel may do both: it is launched once, without the ramp, and
 * each decode is a chunk of one token, padded to padded_rows queries, over its context and padded_keys more, at the
 * rate of prefill. Reading its KV may take longer than that.
 */
struct analytic_decode {
    double launch_us;
    double ramp_us, ramp_blocks;
    double memory_efficiency;
    double compute_efficiency; /* on latents alone; 0: prefill_attention's */
    double block_bytes_per_s;
    double skew;
    double padded_rows, padded_keys;
    uint32_t joint; /* 1: decodes beside prefill are in its kernel */
};

/*
 * Latent attention (MLA) with all that an engine runs between its four GEMMs, where that was measured: products with
 * the absorbed matrices, copies, the write to the cache, splits and their sum.
 *
 * Decode: launch + request_us for each request and 64 of its heads (or part of 64) over the SMs + `passes` times the
 * traffic of queries and results + the context's, or its arithmetic where that is more. Prefill: attention as of any
 * other model + token_us for each new token + head_us for each of its heads, and a launch where no decodes are beside
 * it.
 */
struct analytic_latent {
    double launch_us;
    double request_us;
    double passes;
    double memory_efficiency;
    double compute_efficiency;
};

struct analytic_latent_prefill {
    double launch_us;
    double token_us;
    double head_us;
};

/*
 * Prefill attention: launch + flops / (compute_efficiency peak) + chain times the time of one tile of 128 queries over
 * the keys that a query sees on average, on one SM at its peak + bytes / (memory_efficiency bandwidth). The chain is
 * what a single tile takes from its first key to its last, and bounds short chunks behind long contexts.
 */
struct analytic_prefill {
    double launch_us;
    double compute_efficiency;
    double chain;             /* 0: none */
    double memory_efficiency; /* 0: no traffic counted */
};

/* A measured collective has a time for 4 KiB, 8 KiB .. 256 MiB. */
#define ANALYTIC_SIZES 17u
#define ANALYTIC_SMALLEST 4096.0

/* One measured rank count: time = alpha + bytes / rate, with the bytes of the whole message; or, where there is a
   table, straight lines between its sizes. */
struct analytic_all_reduce {
    uint32_t ranks;
    double alpha_us;
    double bytes_per_s;
    const double *us; /* [ANALYTIC_SIZES], growing; or NULL */
};

/* One measured all-gather, reduce-scatter or all-to-all: NCCL changes its ways with the size, and no line follows. */
struct analytic_shuffle {
    uint32_t kind; /* SERVSIM_COLLECTIVE_* */
    uint32_t ranks;
    double us[ANALYTIC_SIZES]; /* growing */
};

/* A collective's launch, and one step of its ring: latency + bytes sent / rate, in one direction. */
struct analytic_link {
    double latency_us;
    double bytes_per_s;
    double launch_us;
    double pair_launch_us; /* of an all-reduce of two, which peers do in one kernel of the engine's own */
};

/* What one GPU draws, as struct servsim_device has it; an operation's energy is that of 16 bits. All 0: not known. */
struct analytic_power {
    double limit_w, idle_w, busy_w;
    double per_flop_pj, per_byte_pj;
    double host_w;
    double electricity_usd_per_kwh;
};

struct analytic_profile {
    char name[64];
    uint64_t memory_bytes;
    double memory_bytes_per_s;
    double peak_flops[ANALYTIC_DTYPES]; /* dense, per second; 0: the device has no rate for it */
    uint32_t sms;                       /* needed for tiles and chains */
    double l2_bytes;                    /* needed for small kernels; 0: they cost nothing but the engine's overhead */
    struct analytic_kernel gemm[ANALYTIC_WIDTHS]; /* without compute_efficiency: as the wider one */
    struct analytic_kernel moe[ANALYTIC_WIDTHS];  /* likewise; the first without: gemm's, launched twice */
    struct analytic_decode decode_attention[2];   /* without memory_efficiency: as the wider one */
    struct analytic_prefill prefill_attention;
    struct analytic_latent latent_decode[2]; /* likewise; the first without: as any other decode attention */
    struct analytic_latent_prefill latent_prefill;
    struct analytic_all_reduce all_reduce[ANALYTIC_ALL_REDUCES];
    uint32_t all_reduce_count;
    const struct analytic_shuffle *shuffles; /* [shuffle_count] */
    uint32_t shuffle_count;
    uint32_t link_kind;           /* SERVSIM_LINK_* */
    struct analytic_link link;    /* between GPUs of one node, for rank counts that are not measured */
    struct analytic_link bridge;  /* within pairs; larger groups have hops beside it, and its pace is not theirs */
    struct analytic_link network; /* between nodes, for each GPU */
    uint32_t gpus_per_node;       /* 0: however many there are, they are in one node */
    double price_usd_per_hour;    /* 0: not stated */
    struct analytic_power power;
};

/* Rows that every analytic device has at the end of its option table; analytic_read_cluster() reads them. */
#define ANALYTIC_CLUSTER_OPTIONS(network_bandwidth_)                                                                   \
    {.name = "gpus_per_node",                                                                                          \
     .unit = "",                                                                                                       \
     .default_text = "8",                                                                                              \
     .help = "GPUs that share the link; larger tensor-parallel groups cross the network",                              \
     .minimum = 1,                                                                                                     \
     .maximum = 1024,                                                                                                  \
     .type = SERVSIM_OPTION_INTEGER},                                                                                  \
        {.name = "network.bandwidth",                                                                                  \
         .unit = "bytes/s",                                                                                            \
         .default_text = (network_bandwidth_),                                                                         \
         .help = "between nodes, one direction, for each GPU (assumed)",                                               \
         .minimum = 1e6,                                                                                               \
         .maximum = 1e15,                                                                                              \
         .type = SERVSIM_OPTION_NUMBER},                                                                               \
        {.name = "network.latency",                                                                                    \
         .unit = "us",                                                                                                 \
         .default_text = "5us",                                                                                        \
         .help = "of one step of a ring between nodes (assumed)",                                                      \
         .minimum = 0,                                                                                                 \
         .maximum = 1e6,                                                                                               \
         .type = SERVSIM_OPTION_NUMBER},                                                                               \
    {                                                                                                                  \
        .name = "price_per_hour", .unit = "", .default_text = "0", .help = "US dollars for one GPU; 0: not stated",    \
        .minimum = 0, .maximum = 1e6, .type = SERVSIM_OPTION_NUMBER                                                    \
    }

/* Rows with which a card of the same chip but other memory, or in another host, is described;
   analytic_create_measured() reads them. */
#define ANALYTIC_SHEET_OPTIONS                                                                                         \
    {.name = "memory",                                                                                                 \
     .unit = "bytes",                                                                                                  \
     .help = "of one GPU, for a card with other memory; the datasheet's unless given",                                 \
     .minimum = 1e6,                                                                                                   \
     .maximum = 1e15,                                                                                                  \
     .type = SERVSIM_OPTION_NUMBER},                                                                                   \
        {.name = "memory_bandwidth",                                                                                   \
         .unit = "bytes/s",                                                                                            \
         .help = "likewise",                                                                                           \
         .minimum = 1e6,                                                                                               \
         .maximum = 1e16,                                                                                              \
         .type = SERVSIM_OPTION_NUMBER},                                                                               \
        {.name = "link_bandwidth",                                                                                     \
         .unit = "bytes/s",                                                                                            \
         .help =                                                                                                       \
             "between GPUs of a node, one direction; where it is given, collectives are rings and none is measured",   \
         .minimum = 1e6,                                                                                               \
         .maximum = 1e15,                                                                                              \
         .type = SERVSIM_OPTION_NUMBER},                                                                               \
    {                                                                                                                  \
        .name = "link_latency", .unit = "us", .help = "of one step of such a ring; launches are none then",            \
        .minimum = 0, .maximum = 1e6, .type = SERVSIM_OPTION_NUMBER                                                    \
    }

void analytic_read_cluster(struct analytic_profile *profile, const struct servsim_create *args);

#define ANALYTIC_POWER_OPTION(name_, unit_, default_, maximum_, help_)                                                 \
    {                                                                                                                  \
        .name = (name_), .unit = (unit_), .default_text = (default_), .help = (help_), .minimum = 0,                   \
        .maximum = (maximum_), .type = SERVSIM_OPTION_NUMBER                                                           \
    }

/* What every device takes to count energy; analytic_read_power() reads it. NULL for figures that are not known. */
#define ANALYTIC_POWER_OPTIONS(limit_, idle_, busy_, per_flop_, per_byte_)                                             \
    ANALYTIC_POWER_OPTION("power.limit", "W", limit_, 1e6,                                                             \
                          "of one board: mean power while busy is at most this (speed is not changed); 0: no energy "  \
                          "is counted"),                                                                               \
        ANALYTIC_POWER_OPTION("power.idle", "W", idle_, 1e6, "of one GPU with a model loaded and nothing to do"),      \
        ANALYTIC_POWER_OPTION("power.busy", "W", busy_, 1e6,                                                           \
                              "of one GPU while a step runs, before what arithmetic and memory take"),                 \
        ANALYTIC_POWER_OPTION("power.per_flop", "pJ", per_flop_, 1e6,                                                  \
                              "for each operation of the model in 16 bits; in fewer, less as the peak is higher"),     \
        ANALYTIC_POWER_OPTION("power.per_byte", "pJ", per_byte_, 1e9, "for each byte of weights and KV cache read"),   \
        ANALYTIC_POWER_OPTION("power.host", "W", "0", 1e6,                                                             \
                              "of the rest of the server, for each GPU, busy or not; 0: not counted"),                 \
        ANALYTIC_POWER_OPTION("power.electricity_price", "", "0", 1e3, "US dollars for a kWh; 0: not stated")

/* Figures that are not given are shares of the limit as on the H100, the card that was measured best. */
int32_t analytic_read_power(struct analytic_profile *profile, const struct servsim_create *args,
                            struct servsim_error *err);

/* For cards that an NVLink bridge can join in pairs; analytic_create_measured() reads it. */
#define ANALYTIC_BRIDGE_OPTION                                                                                         \
    {                                                                                                                  \
        .name = "link", .unit = "", .default_text = "pcie", .choices = "pcie|nvlink_bridge",                           \
        .help = "what joins the cards: PCIe alone, or an NVLink bridge for groups of two, too",                        \
        .type = SERVSIM_OPTION_CHOICE                                                                                  \
    }

/*
 * The link of a ring that explains measured all-reduces best. A ring of n ranks takes 2 (n - 1) steps of bytes / n
 * each, so alpha = 2 (n - 1) latency (least squares through zero over the rows) and bandwidth = 2 (n - 1) / n rate
 * (mean over the rows).
 */
struct analytic_link analytic_fit_link(const struct analytic_all_reduce *rows, uint32_t count);

/* A latency that somebody gives holds everything: launches are none. */
void analytic_set_latency(struct analytic_link *link, double latency_us);

/*
 * Between peers over PCIe 4.0 x16, at the rate that 31.5 GB/s on the wire leave. Latencies are borrowed from the RTX
 * PRO 6000 (aiconfigurator): a line through nine collectives of plain NCCL (all-gather, reduce-scatter, all-reduce of
 * 2, 4 and 8 ranks; 6.0 to 26 us) over their steps misses none by more than 0.83 us. vLLM's all-reduce of two takes 4.4
 * us.
 */
#define ANALYTIC_PEER_LINK                                                                                             \
    {                                                                                                                  \
        .latency_us = 1.55, .bytes_per_s = 25e9, .launch_us = 4.6, .pair_launch_us = 1.3                               \
    }

/* Between GeForce cards, whose drivers allow no peer-to-peer transfers: each message is written to host memory and read
   from there. No more than a few GB/s of PCIe 4.0 are left of that when all ranks do so at once. */
#define ANALYTIC_HOST_LINK                                                                                             \
    {                                                                                                                  \
        .latency_us = 3.0, .bytes_per_s = 5e9, .launch_us = 9.0, .pair_launch_us = 9.0                                 \
    }

/* Copies the profile. The context's dtype must have a rate. */
int32_t analytic_create(const struct analytic_profile *profile, const struct servsim_create *args, void **self,
                        struct servsim_error *err);
void analytic_destroy(void *self);

/* The same for a device with a datasheet of its own: its link comes from its measured all-reduces where it has them;
   the option table's cluster rows and bridge are read. */
int32_t analytic_create_measured(const struct analytic_profile *sheet, const struct servsim_create *args, void **self,
                                 struct servsim_error *err);

extern const struct servsim_hardware_ops analytic_ops;

/* Sentences that pages share. */
#define ANALYTIC_PAGE_PCIE                                                                                             \
    "Assumed: no collective was measured. They are rings over PCIe 4.0 x16 at 25 GB/s usable each way, with 4.6 us "   \
    "once and 1.55 us a step as NCCL has them on RTX PRO 6000 cards over PCIe (aiconfigurator, Apache-2.0), 1.3 us "   \
    "once for the all-reduce of two, which vLLM does itself. Cards that must pass host memory to reach each other "    \
    "(in "                                                                                                             \
    "hosts that forbid transfers between peers, or on two sockets) are several times slower: write link_bandwidth: "   \
    "5GB/s and link_latency: 4us for them.\n"
#define ANALYTIC_PAGE_HOST                                                                                             \
    "Assumed: no collective was measured on this card. The drivers of GeForce cards allow no peer-to-peer transfers "  \
    "over PCIe, so that every message passes host memory: rings at 5 GB/s each way with 9 us once and 3 us a step. "   \
    "NCCL does 5.1 GB/s where four L40S have to pass host memory over PCIe 4.0 (aiconfigurator, Apache-2.0), and 4.5 " \
    "GB/s with 9.2 us once and 2.8 us a step on V100 over PCIe 3.0 (APEX+, MIT); users report 54 us for the 14 steps " \
    "of an all-reduce of eight bytes on eight RTX 3090 (NVIDIA/nccl issue 1439), 42 us on eight RTX 4090 (issue "      \
    "1530), where this gives 51. One pair of cards with all lanes of a good host may reach twice that rate, and "      \
    "drivers patched for peer-to-peer transfers five times: write link_bandwidth and link_latency for them.\n"
#define ANALYTIC_PAGE_BRIDGE                                                                                           \
    "Assumed: with link: nvlink_bridge, groups of two use the bridge at 56.25 GB/s each way (datasheet: 112.5 GB/s "   \
    "both ways together, not measured); a bridge joins two cards only, so larger groups stay on PCIe.\n"
#define ANALYTIC_PAGE_END(network_)                                                                                    \
    "Assumed: between nodes, " network_ " and 5 us a step for each GPU, 8 GPUs a node; change them with "              \
    "gpus_per_node and network.\n"                                                                                     \
    "Norms, rotary embedding, activations and the sampler cost their traffic, at four times the bandwidth within "     \
    "half of the L2 and at the bandwidth beyond; their launches are part of the engine's overhead per layer."

/* The plugin of a device, from the tables `options` and `sheet` of its file. */
#define ANALYTIC_DEVICE(name_, summary_, page_)                                                                        \
    static int32_t create(const struct servsim_host *host, const struct servsim_create *args, void **self,             \
                          struct servsim_error *err)                                                                   \
    {                                                                                                                  \
        (void)host;                                                                                                    \
        return analytic_create_measured(&sheet, args, self, err);                                                      \
    }                                                                                                                  \
    static const struct servsim_plugin plugin = {                                                                      \
        SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_HARDWARE, options),                                                           \
        .name = (name_),                                                                                               \
        .version = "1.0",                                                                                              \
        .summary = (summary_),                                                                                         \
        .licence = "Apache-2.0",                                                                                       \
        .page = (page_),                                                                                               \
        .options = options,                                                                                            \
        .create = create,                                                                                              \
        .destroy = analytic_destroy,                                                                                   \
        .ops = &analytic_ops,                                                                                          \
    };                                                                                                                 \
    SERVSIM_ONE_PLUGIN(plugin)

#endif
