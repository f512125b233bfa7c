"""PyTorch at the sizes of GpuBenchmark: Hugging Face Mixtral's training step, and attention alone.

usage: yardstick.py full|reduced|small FILE [cuda|cpu]      writes a JSON object a line

Weights and AdamW's moments are in bf16 (fp16 where the GPU has no bf16, without loss scaling) and AdamW is fused: the
fastest that PyTorch offers. HeterMoE keeps master weights, moments and gradients in fp32, which is more to do.
Attention is scaled_dot_product_attention as PyTorch chooses it; experts are grouped where transformers has that (5 and
newer), and the output says what they are.
"""
import json
import statistics
import sys
import time

import torch
import torch.nn.functional as functional
import transformers

FULL = dict(vocabulary=32_000, hidden=2048, layers=4, heads=16, kv_heads=8, head_dim=128, experts=8, width=5632,
            length=4096, sequences=2, warm_up=3, steps=7, attention=[4096, 16_384, 65_536])
REDUCED = dict(FULL, layers=1, attention=[4096, 16_384])
SMALL = dict(vocabulary=128, hidden=64, layers=2, heads=4, kv_heads=2, head_dim=16, experts=4, width=96,
             length=32, sequences=2, warm_up=1, steps=1, attention=[64])
SCALES = dict(full=FULL, reduced=REDUCED, small=SMALL)
LONG_CALL_SECONDS = 0.5  # of a call so long one batch will do, as in Timer


def main():
    name = sys.argv[1]
    scale = SCALES[name]
    device = sys.argv[3] if len(sys.argv) > 3 else "cuda"
    bf16 = device == "cpu" or torch.cuda.get_device_capability()[0] >= 8
    dtype = torch.bfloat16 if bf16 else torch.float16
    label = "bf16" if bf16 else "fp16"
    hardware = "the processor" if device == "cpu" else torch.cuda.get_device_name()
    where = f"{hardware}: PyTorch {torch.__version__}, transformers {transformers.__version__}"

    with open(sys.argv[2], "w") as file:
        def result(group, name_, seconds, amount, unit, losses=(), how=""):
            peak = torch.cuda.max_memory_allocated() if device == "cuda" else 0
            line = dict(group=group, name=name_, type=label, seconds=seconds, rate=amount / seconds, unit=unit,
                        losses=list(losses), device=where, scale=name, peakBytes=peak, how=how)
            file.write(json.dumps(line) + "\n")
            file.flush()
            print(f"{group:10} {name_:28} {label:5} {seconds * 1e3:12.3f} ms {amount / seconds:12.2f} {unit} {how}",
                  flush=True)

        train(scale, device, dtype, result)
        if device == "cuda":
            torch.cuda.empty_cache()
        attention(scale, device, dtype, result)


def wait(device):
    if device == "cuda":
        torch.cuda.synchronize()


def timed(device, operation):
    """Seconds of a call: the median of five batches of about 20 ms; of a long one, the second call's."""
    def batch(calls):
        wait(device)
        begin = time.perf_counter()
        for _ in range(calls):
            operation()
        wait(device)
        return (time.perf_counter() - begin) / calls

    batch(1)
    first = batch(1)
    if first > LONG_CALL_SECONDS:
        return first
    calls = max(1, min(200, round(0.02 / first)))
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
    torch.manual_seed(0)
    config = transformers.MixtralConfig(
        vocab_size=scale["vocabulary"], hidden_size=scale["hidden"], intermediate_size=scale["width"],
        num_hidden_layers=scale["layers"], num_attention_heads=scale["heads"], num_key_value_heads=scale["kv_heads"],
        head_dim=scale["head_dim"], num_local_experts=scale["experts"], num_experts_per_tok=2,
        max_position_embeddings=scale["length"], output_router_logits=True, router_aux_loss_coef=0.01, use_cache=False)
    config._attn_implementation = "sdpa"
    with torch.device(device):
        model = transformers.MixtralForCausalLM(config).to(dtype)
    experts = "one after the other"
    if hasattr(model, "set_experts_implementation"):
        experts = "grouped_mm"
        model.set_experts_implementation(experts)
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
    result("step", "train", statistics.median(seconds), tokens, "tokens/s", losses, "experts: " + experts)


if __name__ == "__main__":
    main()
