// Pages behind the ids of diagnostics about edits of models and about looking inside tuned ones.

import ModelEditing

/// Diagnostic id → page, for `plumb explain`.
public let editingExplanations: [(id: String, text: String)] = modelEditingExplanations
