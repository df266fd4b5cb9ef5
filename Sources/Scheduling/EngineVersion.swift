// The one integer that stands in every key for all learning code together: raise it when the same
// action would give other bytes for a reason that no single stage's `revision` covers.

public enum EngineVersion {
  /// The `engine` fact of every action record.
  public static let current = 3
}
