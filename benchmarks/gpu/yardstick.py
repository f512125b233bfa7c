"""PyTorch at the sizes of GpuBenchmark: Hugging Face Mixtral's training step, and attention alone.

usage: yardstick.py full|small FILE [cuda|cpu]      writes a JSON object a line

Weights are in bf16 (fp16 where the GPU has no bf16) and AdamW is fused, which is the fastest that PyTorch offers;
HeterMoE keeps master weights in fp32 besides. Attention is scaled_dot_product_attention as PyTorch chooses it.
"""
import json
import statistics
import sys
import time

import torch
import torch.nn.functional as functional

FULL = dict(vocabulary=32_000, hidden=2048, layers=4, heads=16, kv_heads=8, head_dim=128, experts=8, width=5632,
            length=4096, sequences=2, warm_up=3, steps=7, attention=[4096, 16_384, 65_536])
SMALL = dict(vocabulary=128, hidden=64, layers=2, heads=4, kv_heads=2, head_dim=16, experts=4, width=96,
             length=32, sequences=2, warm_up=1, steps=1, attention=[64])


def main():
    scale = FULL if sys.argv[1] == "full" else SMALL
    device = sys.argv[3] if len(sys.argv) > 3 else "cuda"
    bf16 = device == "cpu" or torch.cuda.get_device_capability()[0] >= 8
    dtype = torch.bfloat16 if bf16 else torch.float16
    label = "bf16" if bf16 else "fp16"

    with open(sys.argv[2], "w") as file:
        def result(group, name, seconds, amount, unit, losses=()):
            line = dict(group=group, name=name, type=label, seconds=seconds, rate=amount / seconds, unit=unit,
                        losses=list(losses))
            file.write(json.dumps(line) + "\n")
            file.flush()
            print(f"{group:10} {name:28} {label:5} {seconds * 1e3:12.3f} ms {amount / seconds:12.2f} {unit}", flush=True)

        attention(scale, device, dtype, result)
        train(scale, device, dtype, result)


def wait(device):
    if device == "cuda":
        torch.cuda.synchronize()


def timed(device, operation):
    """Seconds of a call: the median of five batches of about 20 ms."""
    def batch(calls):
        wait(device)
        begin = time.perf_counter()
        for _ in range(calls):
            operation()
        wait(device)
        return (time.perf_counter() - begin) / calls

    batch(1)
    calls = max(1, min(200, round(0.02 / batch(1))))
    return statistics.median(batch(calls) for _ in range(5))


def attention(scale, device, dtype, result):
    heads, kv_heads, head_dim = scale["heads"], scale["kv_heads"], scale["head_dim"]
    for length in scale["attention"]:
        product = 2.0 * heads * head_dim * length * (length + 1) / 2
        q = torch.randn(1, heads, length, head_dim, device=device, dtype=dtype, requires_grad=True)
        # Repeated beforehand: not every kernel that PyTorch may choose knows grouped queries.
        k, v = (torch.randn(1, kv_heads, length, head_dim, device=device, dtype=dtype)
                .repeat_interleave(heads // kv_heads, 1).requires_grad_() for _ in range(2))
        with torch.no_grad():
            seconds = timed(device, lambda: functional.scaled_dot_product_attention(q, k, v, is_causal=True))
        result("attention", f"forward {length}", seconds, 2 * product / 1e12, "TFLOP/s")
        out = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        gradient = torch.randn_like(out)
        seconds = timed(device, lambda: torch.autograd.grad(out, (q, k, v), gradient, retain_graph=True))
        result("attention", f"backward {length}", seconds, 5 * product / 1e12, "TFLOP/s")


def train(scale, device, dtype, result):
    from transformers import MixtralConfig, MixtralForCausalLM

    torch.manual_seed(0)
    config = MixtralConfig(
        vocab_size=scale["vocabulary"], hidden_size=scale["hidden"], intermediate_size=scale["width"],
        num_hidden_layers=scale["layers"], num_attention_heads=scale["heads"], num_key_value_heads=scale["kv_heads"],
        head_dim=scale["head_dim"], num_local_experts=scale["experts"], num_experts_per_tok=2,
        max_position_embeddings=scale["length"], output_router_logits=True, router_aux_loss_coef=0.01, use_cache=False)
    config._attn_implementation = "sdpa"
    with torch.device(device):
        model = MixtralForCausalLM(config).to(dtype)
    if device == "cuda" and hasattr(model, "set_experts_implementation"):
        model.set_experts_implementation("grouped_mm")
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.1, fused=True)
    losses, seconds = [], []
    for step in range(scale["warm_up"] + scale["steps"]):
        ids = torch.randint(0, scale["vocabulary"], (scale["sequences"], scale["length"]), device=device)
        wait(device)
        begin = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        if step >= scale["warm_up"]:
            seconds.append(time.perf_counter() - begin)
    tokens = scale["sequences"] * scale["length"]
    result("step", "train", statistics.median(seconds), tokens, "tokens/s", losses)


if __name__ == "__main__":
    main()
