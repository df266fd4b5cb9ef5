// The one page shell and its style, and how templates are found: they are compiled into the binary
// from Templates/*.mustache, so that a report needs no file beside the program.

import Foundation
import Mustache

enum Page {
  /// Where a run's provenance goes into a report.
  static let runMarker = "<!-- run: provenance goes here -->"

  private static let library: MustacheLibrary = {
    let sources: [(String, [UInt8])] = [
      ("page", PackageResources.page_mustache), ("report", PackageResources.report_mustache),
      ("claims", PackageResources.claims_mustache),
      ("sections", PackageResources.sections_mustache), ("run", PackageResources.run_mustache),
      ("run-header", PackageResources.run_header_mustache),
      ("style", PackageResources.style_mustache),
      ("run-style", PackageResources.run_style_mustache),
    ]
    var templates: [String: MustacheTemplate] = [:]
    for (name, bytes) in sources {
      do {
        templates[name] = try MustacheTemplate(string: String(decoding: bytes, as: UTF8.self))
      } catch {
        preconditionFailure("template '\(name)' does not parse: \(error)")
      }
    }
    return MustacheLibrary(templates: templates)
  }()

  static func render(_ name: String, with context: [String: Any]) -> String {
    guard let text = library.render(context, withTemplate: name) else {
      preconditionFailure("there is no template '\(name)'")
    }
    return text
  }

  static var runStyle: String { render("run-style", with: [:]) }

  /// A link of the page's navigation.
  struct Link {
    let anchor: String
    let title: String
  }

  static func shell(title: String, navigation: [Link], body: String) -> String {
    render(
      "page",
      with: [
        "title": title, "body": body, "hasNavigation": !navigation.isEmpty,
        "navigation": navigation.map { ["anchor": $0.anchor, "title": $0.title] },
      ])
  }
}
