// The pages behind the ids of EditDiagnostics.swift.

/// Pages of this module's diagnostics.
public let modelEditingExplanations: [(id: String, text: String)] = [
  (
    "edit-layers",
    """
    edit-with-network changes the feed-forward layers of the last blocks of a model; 'layers' says of how
    many. It cannot be more than the model has.
    """
  ),
  (
    "edit-examples",
    """
    In each episode of edit-with-network an edit is made from some answers, tried on another answer, and
    kept from changing what the model says to another text. So there must be more answers than one edit
    takes, and at least one other text.
    """
  ),
  (
    "edit-diverged",
    """
    A loss or a gradient of edit-with-network became infinite or no number at all. Gradient editors are
    known for this: their rates multiply gradients of all sizes. Lower rates, or a stronger locality
    term, help. The networks of the step before are not kept: what diverges has usually been useless
    for a while.
    """
  ),
]
