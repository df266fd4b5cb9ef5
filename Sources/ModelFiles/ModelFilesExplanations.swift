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
    "model-file-missing",
    """
    A language model is a folder with config.json, model.safetensors (or the parts that
    model.safetensors.index.json lists) and tokenizer.json.
    """
  ),
  (
    "checkpoint-index",
    """
    model.safetensors.index.json lists in 'weight_map' the file of each tensor. Files must lie inside
    the folder, and no tensor may be in two of them.
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
    GPT-2 uses the token embedding as its output matrix too ('tied'). The file has an lm_head.weight
    with other values. Training such a model as tied would change what it says.
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
    A member of config.json is missing, has another type, or is out of range. Names and ranges are
    those of transformers' GPT2Config.
    """
  ),
  (
    "model-family",
    """
    The member model_type of config.json names the family of the model. Each family needs its own
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
]
