/*
 * cost/work.h - what a computed token amounts to, for utilisation figures.
 */
#ifndef SS_COST_WORK_H
#define SS_COST_WORK_H

/* FLOPs are of the whole model; bytes are what one GPU reads. */
struct ss_work_units {
    double flops_per_token; /* outside attention and LM head */
    double flops_per_row;   /* LM head, per sampled request */
    double flops_per_pair;  /* attention, per pair of a query and a context token */
    double weight_bytes_per_step;
    double kv_bytes_per_context_token;
};

#endif
