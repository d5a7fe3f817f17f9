/*
 * hardware/analytic.h - a GPU as a datasheet plus measured efficiencies: the model that rtx3090, a100 and custom share.
 *
 * A kernel costs a fixed time plus the longer of its arithmetic and its memory traffic, each at a measured share of
 * the datasheet's peak. A plugin fills a profile and hands it to analytic_create(); the operations are the same for
 * all.
 */
#ifndef HARDWARE_ANALYTIC_H
#define HARDWARE_ANALYTIC_H

#include "servsim/plugin.h"

#define ANALYTIC_DTYPES 7u       /* peak_flops is indexed by SERVSIM_DTYPE_* */
#define ANALYTIC_ALL_REDUCES 16u /* rows of measured all-reduces at most */

/* time = launch + max(flops / (compute_efficiency peak), bytes / (memory_efficiency bandwidth)) */
struct analytic_kernel {
    double launch_us;
    double compute_efficiency;
    double memory_efficiency;
};

/* One measured rank count: time = alpha + bytes / rate, with the bytes of the whole message. */
struct analytic_all_reduce {
    uint32_t ranks;
    double alpha_us;
    double bytes_per_s;
};

/* One step of a ring: latency + bytes sent / rate, in one direction. */
struct analytic_link {
    double latency_us;
    double bytes_per_s;
};

struct analytic_profile {
    char name[64];
    uint64_t memory_bytes;
    double memory_bytes_per_s;
    double peak_flops[ANALYTIC_DTYPES]; /* dense, per second; 0: the device has no rate for it */
    struct analytic_kernel gemm;
    struct analytic_kernel moe;               /* both GEMMs of the experts; launch 0: twice gemm's, the rest gemm's */
    struct analytic_kernel decode_attention;  /* memory only; latent: compute, too (0: prefill_attention's) */
    struct analytic_kernel prefill_attention; /* arithmetic only */
    struct analytic_all_reduce all_reduce[ANALYTIC_ALL_REDUCES];
    uint32_t all_reduce_count;
    uint32_t link_kind;           /* SERVSIM_LINK_* */
    struct analytic_link link;    /* between GPUs of one node, for rank counts that are not measured */
    struct analytic_link network; /* between nodes, for each GPU */
    uint32_t gpus_per_node;       /* 0: however many there are, they are in one node */
    double price_usd_per_hour;    /* 0: not stated */
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

void analytic_read_cluster(struct analytic_profile *profile, const struct servsim_create *args);

/* For cards that an NVLink bridge can join in pairs; analytic_create_measured() reads it. */
#define ANALYTIC_BRIDGE_OPTION                                                                                         \
    {                                                                                                                  \
        .name = "link", .unit = "", .default_text = "pcie", .choices = "pcie|nvlink_bridge",                           \
        .help = "what joins the cards: PCIe 4.0 x16, or an NVLink bridge for groups of two",                           \
        .type = SERVSIM_OPTION_CHOICE                                                                                  \
    }

/*
 * The link of a ring that explains measured all-reduces best. A ring of n ranks takes 2 (n - 1) steps of bytes / n
 * each, so alpha = 2 (n - 1) latency (least squares through zero over the rows) and bandwidth = 2 (n - 1) / n rate
 * (mean over the rows).
 */
struct analytic_link analytic_fit_link(const struct analytic_all_reduce *rows, uint32_t count);

/* Latency of one ring step over PCIe, borrowed from the all-reduce of RTX PRO 6000 cards: 1.92 us. */
double analytic_pcie_latency_us(void);

/* Copies the profile. The context's dtype must have a rate. */
int32_t analytic_create(const struct analytic_profile *profile, const struct servsim_create *args, void **self,
                        struct servsim_error *err);
void analytic_destroy(void *self);

/* The same for a device with a datasheet of its own: what the profile leaves out of its link comes from its measured
   all-reduces, or else from PCIe; the option table's cluster rows and bridge are read. */
int32_t analytic_create_measured(const struct analytic_profile *sheet, const struct servsim_create *args, void **self,
                                 struct servsim_error *err);

extern const struct servsim_hardware_ops analytic_ops;

#endif
