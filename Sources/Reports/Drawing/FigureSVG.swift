// gnuplot's drawing made fit for a page: no version, no size, no fonts of its own, names that no
// other figure has, and the page's colours, so that the same drawing works on light and dark paper.

import Foundation

enum FigureSVG {
  static func clean(_ svg: String, for figure: Figure) -> String {
    var text = svg
    // The head up to the canvas names the program's version and fixed sizes.
    var viewBox = "0 0 440 310"
    if let found = text.firstMatch(of: /viewBox="([-0-9. ]+)"/) { viewBox = String(found.1) }
    if let canvas = text.range(of: "<g id=\"gnuplot_canvas\"") {
      text = String(text[canvas.lowerBound...])
    }
    text = text.replacing(/<rect [^>]*fill="#010223"\/>/, with: "")
    text = text.replacing(/<rect x="0" y="0" [^>]*\/>/, with: "")
    text = text.replacing(/<filter.*?<\/filter>/.dotMatchesNewlines(), with: "")
    text = text.replacing(/<title>.*?<\/title>/.dotMatchesNewlines(), with: "")
    text = text.replacing(/\s?font-family="[^"]*"/, with: "")
    text = text.replacing(/\s?font-size="[^"]*"/, with: "")
    text = text.replacing(
      /\s?(stroke-linecap|stroke-linejoin|shape-rendering)=["'][^"']*["']/, with: "")
    text = text.replacing(/(["'])rgb\( *(\d+), *(\d+), *(\d+)\)\1/) { match in
      "\"" + colour(match.2, match.3, match.4) + "\""
    }
    text = text.replacing(/(["'])(black|white|gray)\1/, with: "\"var(--ink)\"")
    text = text.replacing(/xlink:href=['"]#/, with: "href='#")
    // Names must differ between figures of one page.
    text = text.replacing(/id=['"]([A-Za-z0-9_]+)['"]/) { "id='\(figure.id)-\($0.1)'" }
    text = text.replacing(/href='#([A-Za-z0-9_]+)'/) { "href='#\(figure.id)-\($0.1)'" }
    text = dropUnusedMarkers(text)
    // Groups that gnuplot opens and closes without drawing.
    var before = ""
    while before != text {
      before = text
      text = text.replacing(/<g [^>]*>\s*<\/g>/, with: "")
    }
    text = text.replacing(/[ \t]*\n\s*/, with: "\n")
    let label = Format.escape(figure.title)
    return "<svg viewBox=\"\(viewBox)\" role=\"img\" aria-label=\"\(label)\">\n"
      + text.trimmingCharacters(in: .whitespacesAndNewlines) + "\n"
  }

  /// gnuplot defines all its markers in every drawing; those that the figure does not use go, from
  /// the last to the first, since they build on each other.
  private static func dropUnusedMarkers(_ text: String) -> String {
    var text = text
    let names = text.matches(of: /id='([A-Za-z0-9_-]+-gp[A-Za-z0-9]+)'/).map { String($0.1) }
    for name in names.reversed() where !text.contains("href='#\(name)'") {
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      text = lines.filter { !$0.contains("id='\(name)'") }.joined(separator: "\n")
    }
    return text
  }

  private static func colour(_ red: Substring, _ green: Substring, _ blue: Substring) -> String {
    guard red == "1", green == "2", let number = Int(blue) else {
      return "rgb(\(red),\(green),\(blue))"
    }
    switch number {
    case 0x20: return "var(--ink)"
    case 0x21: return "var(--line)"
    case 0x22: return "var(--soft)"
    default: return "var(--s\(number))"
    }
  }
}
