// Reasons in one line. A fan-in can have a hundred of them; `plumb why` prints them all.

/// The first reasons, and how many more there are.
public func inOneLine(_ reasons: [String], atMost limit: Int = 2) -> String {
  let shown = reasons.prefix(limit).joined(separator: "; ")
  return reasons.count > limit ? "\(shown); and \(reasons.count - limit) more" : shown
}
