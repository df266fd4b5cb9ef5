// The pages that `plumb explain ID` prints for the analysis of units.

/// Diagnostic id and its page.
public let neuronExplanations: [(id: String, text: String)] = [
  (
    "neuron-corpus-empty",
    """
    Activations are means over the tokens of documents. A corpus whose documents are all empty has
    none. The corpus of attribute-neurons is optional: without it only weights are looked at.
    """
  ),
  (
    "neurons-not-finite",
    """
    A weight or an activation is infinite or not a number, so its mean says nothing. Training diverged;
    an earlier version of the chain is usable.
    """
  ),
  (
    "neuron-table",
    """
    neurons.jsonl has one line for each unit: kind, layer and unit (both from 0), and for 'weight' and
    'activation' what was found: r, p and q with bias and with quality, and the set. ablate-neurons
    checks all of it before it takes units out of a model.
    """
  ),
  (
    "neuron-set-empty",
    """
    With few chains and a correction over thousands of units often nothing passes. That is a result.
    To ablate all the same, take the units that come nearest: with 'top: 50' bias-only are the 50 units
    with the smallest p for bias among those whose p for quality is above the level, quality-only the
    reverse, both the 50 with the smallest greater p. The report then compares candidates, not findings.
    """
  ),
  (
    "ablation-model",
    """
    Layer l, unit i of the table must be layer l, unit i of the model: the model must be of the chain
    that the table was made from, or of the same configuration.
    """
  ),
  (
    "ablation-bias",
    """
    Mean patching lets a unit write its mean instead of what it computes. A constant is written by a
    bias. GPT-2 has one behind each feed-forward part; Llama files may have them (mlp_bias: true), so
    they are added with zeros elsewhere and any reader of Llama files computes the same. Mistral's files
    have no such member.
    """
  ),
]
