"""Makes the folder example/ (a tiny Llama with random weights and a byte-level tokenizer) and example.gguf,
the same model as llama.cpp keeps it: matrices in Q8_0, rows of queries and keys in pairs.
Run: python make_example.py (transformers 5, torch, tokenizers)."""

import json
import pathlib
import struct

import numpy
import torch
import transformers as t
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

folder = pathlib.Path(__file__).with_name("example")
HEADS, KEY_HEADS, LAYERS = 4, 2, 2


def make_tokenizer():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=272, special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(["the state of the union and the news of the day"] * 4, trainer)
    return tokenizer


def text(value):
    return struct.pack("<Q", len(value.encode())) + value.encode()


def pair(key, value):
    if isinstance(value, str):
        return text(key) + struct.pack("<I", 8) + text(value)
    if isinstance(value, float):
        return text(key) + struct.pack("<If", 6, value)
    if isinstance(value, int):
        return text(key) + struct.pack("<II", 4, value)
    if isinstance(value[0], str):
        return text(key) + struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(text, value))
    return text(key) + struct.pack(f"<IIQ{len(value)}i", 9, 5, len(value), *value)


def q8_0(values):
    blocks = values.reshape(-1, 32)
    scales = numpy.abs(blocks).max(1, keepdims=True) / 127
    scaled = blocks / numpy.where(scales == 0, 1, scales)
    codes = numpy.trunc(scaled + numpy.copysign(0.5, scaled)).astype(numpy.int8)
    return b"".join(
        scale.astype("<f2").tobytes() + code.tobytes() for scale, code in zip(scales, codes))


def write_gguf(path, model, tokenizer):
    names = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight"}
    modules = {"input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q",
               "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
               "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm",
               "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}
    for layer in range(LAYERS):
        for ours, theirs in modules.items():
            names[f"model.layers.{layer}.{ours}.weight"] = f"blk.{layer}.{theirs}.weight"
    vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    config = model.config
    metadata = {
        "general.architecture": "llama", "general.name": "example",
        "llama.block_count": LAYERS, "llama.context_length": config.max_position_embeddings,
        "llama.embedding_length": config.hidden_size,
        "llama.feed_forward_length": config.intermediate_size,
        "llama.attention.head_count": HEADS, "llama.attention.head_count_kv": KEY_HEADS,
        "llama.attention.layer_norm_rms_epsilon": 1e-6, "llama.rope.freq_base": 10000.0,
        "llama.vocab_size": config.vocab_size,
        "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": [token for token, _ in vocabulary],
        "tokenizer.ggml.token_type": [3 if number == 0 else 1 for _, number in vocabulary],
        "tokenizer.ggml.merges": [m if isinstance(m, str) else " ".join(m) for m in merges],
        "tokenizer.ggml.bos_token_id": 0, "tokenizer.ggml.eos_token_id": 0,
    }
    tensors = []
    weights = model.state_dict()
    for ours, theirs in names.items():
        values = weights[ours].numpy()
        heads = HEADS if "q_proj" in ours else KEY_HEADS if "k_proj" in ours else 0
        if heads:
            values = values.reshape(heads, 2, -1, values.shape[1]).swapaxes(1, 2).reshape(values.shape)
        kind, data = (8, q8_0(values)) if values.ndim == 2 else (0, values.tobytes())
        tensors.append((theirs, values.shape[::-1], kind, data))
    out = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    out += b"".join(pair(key, value) for key, value in metadata.items())
    offset = 0
    for name, sizes, kind, data in tensors:
        out += text(name) + struct.pack(f"<I{len(sizes)}QIQ", len(sizes), *sizes, kind, offset)
        offset += (len(data) + 31) // 32 * 32
    for _, _, _, data in tensors:
        out += bytes(-len(out) % 32) + data
    path.write_bytes(out)


tokenizer = make_tokenizer()
torch.manual_seed(7)
model = t.LlamaForCausalLM(t.LlamaConfig(
    vocab_size=tokenizer.get_vocab_size(), hidden_size=32, intermediate_size=64,
    num_hidden_layers=LAYERS, num_attention_heads=HEADS, num_key_value_heads=KEY_HEADS,
    max_position_embeddings=64, tie_word_embeddings=True, bos_token_id=0, eos_token_id=0))
model.save_pretrained(folder)
tokenizer.save(str(folder / "tokenizer.json"))
(folder / "generation_config.json").unlink(missing_ok=True)
write_gguf(folder.with_suffix(".gguf"), model, tokenizer)
