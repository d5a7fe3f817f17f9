"""Traffic that no workload plugin generates: conversations that share their beginnings, as Mooncake's trace has them."""
import json
import random

PIECE_TOKENS = 512


def conversations(path, rows, seed=1):
    """Turns of long conversations: each prompt is the one before and more, in chained ids of pieces of 512 tokens."""
    draw = random.Random(seed)
    open_ones, next_id, time_ms = [[0]], 1, 0
    with open(path, "w", encoding="utf-8") as out:
        for _ in range(rows):
            time_ms += int(draw.expovariate(1 / 300))
            if draw.random() < 0.4 or not open_ones:
                ids = [0]
            else:
                ids = list(open_ones.pop(draw.randrange(len(open_ones))))
            grown = 1 + int(draw.expovariate(1 / 12))
            ids += range(next_id, next_id + grown)
            next_id += grown
            tokens = len(ids) * PIECE_TOKENS - draw.randrange(PIECE_TOKENS)
            if tokens > 60000:
                continue
            open_ones = (open_ones + [ids])[-200:]
            out.write(json.dumps({"timestamp": time_ms, "input_length": tokens, "hash_ids": ids,
                                  "output_length": 1 + int(draw.expovariate(1 / 300))}) + "\n")
