// Sections as they stand in a page: what Templates/sections.mustache and claims.mustache show. Anchors
// and ids of figures are made different here, since two stages of one kind write sections of one id.

struct SectionPage {
  /// In the order of the page.
  let sections: [ReportSection]
  /// One for each section; different from each other and from the report's own.
  let anchors: [String]

  init(_ sections: [ReportSection]) {
    self.sections = sections.enumerated().sorted {
      ($0.element.order, $0.element.id, $0.offset) < ($1.element.order, $1.element.id, $1.offset)
    }.map(\.element)
    var anchors: [String] = []
    for section in self.sections {
      var anchor = "section-\(section.id)"
      var number = 1
      while anchors.contains(anchor) {
        number += 1
        // A capital: no id holds one, so no other section can have made this anchor.
        anchor = "section-\(section.id)-N\(number)"
      }
      anchors.append(anchor)
    }
    self.anchors = anchors
  }

  var links: [Page.Link] {
    zip(sections, anchors).map { Page.Link(anchor: $1, title: $0.title) }
  }

  /// Under names that no other figure of the page has; drawings come back in this order.
  var figures: [Figure] {
    zip(sections, anchors).flatMap { section, anchor in
      section.figures.map { figure in
        var figure = figure
        figure.id = "\(anchor)-\(figure.id)"
        return figure
      }
    }
  }

  /// - Parameter drawings: of `figures`; as many are taken as there are.
  func context(_ drawings: inout ArraySlice<String>) -> [[String: Any]] {
    var context: [[String: Any]] = []
    for (section, anchor) in zip(sections, anchors) {
      context.append([
        "sectionAnchor": anchor, "sectionTitle": section.title, "sectionSummary": section.summary,
        "hasSectionSummary": !section.summary.isEmpty,
        "sectionBlocks": blocks(section, anchor, &drawings),
      ])
    }
    return context
  }

  /// Figures that follow each other stand in one grid.
  private func blocks(
    _ section: ReportSection, _ anchor: String, _ drawings: inout ArraySlice<String>
  ) -> [[String: Any]] {
    var blocks: [[String: Any]] = []
    var grid: [[String: Any]] = []
    func flush() {
      if !grid.isEmpty { blocks.append(Self.block("isFigures", ["gridFigures": grid])) }
      grid = []
    }
    for block in section.blocks {
      if case .figure(let figure) = block {
        grid.append([
          "figureAnchor": "figure-\(anchor)-\(figure.id)", "figureTitle": figure.title,
          "figureDrawing": drawings.removeFirst(), "figureCaption": figure.caption,
        ])
        continue
      }
      flush()
      switch block {
      case .figure: break
      case .text(let text): blocks.append(Self.block("isText", ["paragraph": text]))
      case .table(let table): blocks.append(Self.block("isTable", Self.context(table)))
      case .claims(let claims):
        blocks.append(
          Self.block("isClaims", ["claimRows": claims.map { Self.context($0, source: nil) }]))
      case .images(let grid): blocks.append(Self.block("isImages", Self.context(grid)))
      case .texts(let title, let excerpts):
        blocks.append(
          Self.block(
            "isTexts",
            [
              "textsTitle": title,
              "excerpts": excerpts.map {
                ["excerptTitle": $0.title, "excerpt": StudySamples.cut($0.text)]
              },
            ]))
      }
    }
    flush()
    return blocks
  }

  private static let kinds = ["isText", "isFigures", "isTable", "isClaims", "isTexts", "isImages"]

  /// All flags stand in each block: Mustache would look for a missing one further out.
  private static func block(_ kind: String, _ content: [String: Any]) -> [String: Any] {
    var block = content
    for name in kinds { block[name] = name == kind }
    return block
  }

  private static func context(_ grid: ImageGrid) -> [String: Any] {
    [
      "imagesTitle": grid.title, "hasImagesTitle": !grid.title.isEmpty,
      "imagesCaption": grid.caption, "hasImagesCaption": !grid.caption.isEmpty,
      "imagesWidth": grid.width,
      "images": grid.items.map {
        [
          "imageTitle": $0.title, "hasImageTitle": !$0.title.isEmpty, "imageCaption": $0.caption,
          "hasImageCaption": !$0.caption.isEmpty, "imageAlt": $0.alt, "imageTone": $0.tone.rawValue,
          "imageURI": $0.dataURI,
        ] as [String: Any]
      },
    ]
  }

  /// Longer tables show so many rows and fold the rest.
  private static let (mostRows, shownRows) = (25, 12)

  private static func context(_ table: ReportTable) -> [String: Any] {
    let isLong = table.rows.count > mostRows
    let shown = isLong ? table.rows.prefix(shownRows) : table.rows[...]
    func cells(_ row: [String]) -> [String: Any] {
      [
        "tableCells": zip(row, table.columns).map {
          ["cell": $0, "isNumber": $1.isNumber] as [String: Any]
        }
      ]
    }
    return [
      "tableCaption": table.caption,
      "tableColumns": table.columns.map {
        [
          "columnTitle": $0.title, "columnUnit": $0.unit, "hasColumnUnit": !$0.unit.isEmpty,
          "isNumber": $0.isNumber,
        ] as [String: Any]
      },
      "tableRows": shown.map(cells), "hasMoreRows": isLong,
      "moreRows": table.rows.dropFirst(shown.count).map(cells),
      "moreCount": table.rows.count - shown.count,
    ]
  }

  // MARK: Claims

  var hasClaims: Bool { sections.contains { !$0.claims.isEmpty } }

  /// Every claim of every section, and where it stands.
  var claims: [[String: Any]] {
    zip(sections, anchors).flatMap { section, anchor in
      section.claims.map { Self.context($0, source: (anchor, section.title)) }
    }
  }

  /// "5 reproduced here, 2 unclear here …"
  var claimCounts: String {
    let all = sections.flatMap(\.claims)
    let parts = Claim.Verdict.allCases.compactMap { verdict -> String? in
      let count = all.count { $0.verdict == verdict }
      return count > 0 ? "\(count) \(verdict.words)" : nil
    }
    return parts.joined(separator: ", ")
  }

  private static func context(
    _ claim: Claim, source: (anchor: String, title: String)?
  ) -> [String: Any] {
    var interval = ""
    if let low = claim.low, let high = claim.high {
      interval = "\(Format.figure(low)) to \(Format.figure(high))"
    }
    var p = claim.p.map(Format.probability) ?? ""
    if let adjusted = claim.adjustedP { p += " (adjusted \(Format.probability(adjusted)))" }
    return [
      "claimID": claim.id, "statement": claim.statement, "verdict": claim.verdict.rawValue,
      "verdictWords": claim.verdict.words, "evidence": claim.evidence,
      "effect": claim.effect.map(Format.figure) ?? "", "hasEffect": claim.effect != nil,
      "claimInterval": interval, "hasInterval": !interval.isEmpty, "claimP": p, "hasP": !p.isEmpty,
      "claimChains": claim.chains > 0 ? String(claim.chains) : "", "hasChains": claim.chains > 0,
      "hasSource": source != nil, "sourceAnchor": source?.anchor ?? "",
      "sourceTitle": source?.title ?? "",
    ]
  }
}
