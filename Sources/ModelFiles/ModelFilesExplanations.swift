// The pages that `plumb explain ID` prints for the diagnostics of this module.

/// Diagnostic id and its page.
public let modelFilesExplanations: [(id: String, text: String)] = [
  (
    "file-unreadable",
    """
    A file that a model consists of could not be opened. The system's own words follow the path.
    Models are folders in the Hugging Face layout: config.json, model.safetensors, tokenizer.json.
    """
  ),
  (
    "file-unwritable",
    """
    A file could not be written. Files are written under a temporary name, made durable and then
    renamed, so the old file, if there was one, is still whole.
    """
  ),
  (
    "safetensors-malformed",
    """
    A safetensors file begins with the length of its header (8 bytes), the header as JSON, then the
    tensors without gaps up to the last byte. Every number in the header is checked against the
    size of the file. The usual cause is a download that stopped early, or a Git LFS pointer (a text
    file of some 130 bytes) in place of the real file.
    """
  ),
  (
    "safetensors-type",
    """
    The tensor's number format is not read here. Weights may be F32, F16, BF16 or F64; all are
    computed with as F32. Save the model in one of these:
        model.to(torch.float32).save_pretrained(folder)
    """
  ),
  (
    "gguf-malformed",
    """
    A GGUF file begins with 'GGUF', its version, and how many tensors and pairs of metadata it has;
    then these follow, then the tensors, each right after the one before but for the alignment. Every
    number is checked against the size of the file. Texts may have 16 MiB, lists hold no lists. The
    usual cause is a download that stopped early.
    """
  ),
  (
    "gguf-type",
    """
    The tensor's number format is not read here. Read are F32, F16, BF16 and the blocks Q4_0, Q4_1,
    Q5_0, Q5_1, Q8_0 and Q6_K. Most models are published in several formats; llama.cpp converts:
        llama-quantize model-f16.gguf model-q4_1.gguf Q4_1
    """
  ),
  (
    "gguf-vocabulary",
    """
    A GGUF file carries its tokenizer in the metadata tokenizer.ggml.…: the kind, the tokens, the
    merges, the special tokens. Something of it is missing or contradicts the rest.
    """
  ),
  (
    "model-file-missing",
    """
    A language model is a folder with config.json, model.safetensors (or the parts that
    model.safetensors.index.json lists, or model.gguf) and tokenizer.json.
    """
  ),
  (
    "checkpoint-index",
    """
    model.safetensors.index.json lists in 'weight_map' the file of each tensor. Files must lie inside
    the folder, hold exactly the tensors that the list says, and no tensor may be in two of them.
    """
  ),
  (
    "checkpoint-tensors",
    """
    config.json determines which tensors a model has and their shapes. The weights differ: some are
    missing, have another shape, or are not known. Nothing is filled in at random and nothing is left
    out silently. Known buffers that are no weights (h.N.attn.bias, h.N.attn.masked_bias) are skipped.
    """
  ),
  (
    "checkpoint-untied",
    """
    The model uses the token embedding as its output matrix too ('tied'): GPT-2 always, others where
    config.json says tie_word_embeddings. The file has an lm_head.weight with other values. Training
    such a model as tied would change what it says.
    """
  ),
  (
    "checkpoint-not-finite",
    """
    A weight is NaN or infinite. Everything computed from it would be NaN, so the file is refused.
    It comes from a training run that diverged: lower the learning rate, clip gradients, and go back to an
    earlier checkpoint.
    """
  ),
  (
    "model-config",
    """
    A member of config.json (or of a GGUF file's metadata) is missing, has another type, or is out of
    range. Names and defaults are those of transformers' GPT2Config, LlamaConfig, MistralConfig,
    BertConfig and RobertaConfig.
    """
  ),
  (
    "model-family",
    """
    The member model_type of config.json, or general.architecture of a GGUF file, names the family of
    the model. Each family needs its own
    arithmetic; one that is not implemented is refused by name.
    """
  ),
  (
    "model-feature",
    """
    config.json asks for a variation of the model that is not implemented here. Without it the same
    weights would give other numbers than where they were trained, so the model is refused.
    """
  ),
  (
    "adapter-file-missing",
    """
    An adapter is a folder with adapter_config.json and adapter_model.safetensors, as the peft library
    writes it. A file adapter_model.bin is a pickle and is not read: load and save it with peft.
    """
  ),
  (
    "adapter-config",
    """
    adapter_config.json says which modules of the base model are adapted (target_modules), with which
    rank (r) and scale (lora_alpha). A member of it is missing or out of range.
    """
  ),
  (
    "adapter-feature",
    """
    The adapter was made with a variant of LoRA that is not computed here: DoRA, trained biases,
    adapted embeddings, modules saved whole, a start that changes the base's weights (PiSSA, OLoRA,
    LoftQ, CorDA), targets as regular expressions. Computing without it would give other numbers.
    With peft: model.merge_and_unload().save_pretrained(folder), then import the folder as a model.
    """
  ),
  (
    "adapter-tensors",
    """
    adapter_config.json and the base model determine which matrices the adapter has and their shapes:
    for each adapted module lora_A [r, in] and lora_B [out, r]. The file differs. The usual cause is a
    base model of another size.
    """
  ),
  (
    "nf4-malformed",
    """
    A matrix W in bitsandbytes' NF4 is W (4-bit codes), W.absmax (scales), W.quant_map and
    W.quant_state.bitsandbytes__nf4 (JSON with shape and block size); with double quantisation also
    W.nested_absmax and W.nested_quant_map. One of them is missing or has another size or type.
    """
  ),
]
