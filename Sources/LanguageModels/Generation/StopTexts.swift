// Texts that end a sequence, wherever the borders of its tokens fall. Searched in bytes, token by token.

/// Ends a sequence as soon as what was written contains one of some texts, as transformers'
/// `stop_strings`.
public struct StopTexts: Sendable {
  let texts: [[UInt8]]
  let bytes: @Sendable (Int32) -> [UInt8]

  /// - Parameters:
  ///   - texts: none of them empty.
  ///   - bytes: what a token stands for.
  public init(_ texts: [String], bytes: @escaping @Sendable (Int32) -> [UInt8]) {
    precondition(texts.allSatisfy { !$0.isEmpty }, "an empty text would end every sequence")
    self.texts = texts.map { Array($0.utf8) }
    self.bytes = bytes
  }

  /// What a sequence has written.
  struct Search {
    private(set) var written: [UInt8] = []

    /// - Returns: where the first of the texts begins that end with these bytes, in bytes from the
    ///   beginning of what was written.
    mutating func add(_ token: Int32, _ stop: StopTexts) -> Int? {
      let before = written.count
      written += stop.bytes(token)
      var first: Int?
      for text in stop.texts where written.count >= text.count {
        // Only texts that end in the new bytes are new.
        let start = max(0, before - text.count + 1)
        for place in start...max(start, written.count - text.count)
        where place + text.count <= written.count
          && written[place..<place + text.count].elementsEqual(text)
        {
          first = min(first ?? place, place)
          break
        }
      }
      return first
    }
  }
}
