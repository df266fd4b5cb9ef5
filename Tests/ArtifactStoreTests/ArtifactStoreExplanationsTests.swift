import CanonicalJSON
import Diagnostics
import Glibc
import Testing

@testable import ArtifactStore

@Suite struct ArtifactStoreExplanationsTests {
  /// Every sentence has a page, every page a sentence, and every sentence shows a way out.
  @Test func everyIdIsExplained() throws {
    let status = try #require(FileStatus(of: "/"))
    let problems: [Diagnostic] = [
      .io("read", "p", EIO), .io("read", "p", ENOSPC), .io("read", "p", EACCES),
      .notAStore("p", found: nil), .formatUnknown("p", version: 2, digest: "sha256"),
      .formatDamaged("p"), .objectMissing("d"), .objectDamaged("d"), .treeDamaged("f"),
      .recordValue("f", kind: "k"), .recordDamaged("f"), .rootDamaged("p"),
      .resultIncomplete("out", .blob(.of(""))), .inputMissing("p", ENOENT),
      .inputSpecial("p", status), .inputName("p", "f"), .inputLink("p", "nowhere"),
      .inputChanged("p"), .noRoots("p"), .copyDamaged("d", "p"),
      .upstreamMissing("p", reason: "r"), .upstreamsDamaged("p", "f"), .bundleRefused("p", "f"),
      .wouldOverwrite("p"), .remoteFailed("c", "r"),
    ]
    // Ids of `VerifyReport.Problem` that no diagnostic carries.
    let used = Set(problems.map(\.id)).union(["store-object-mode", "store-result-damaged"])
    let pages = artifactStoreExplanations
    #expect(Set(pages.map(\.id)) == used)
    #expect(
      pages.map(\.id) == pages.map(\.id).sorted() && Set(pages.map(\.id)).count == pages.count)
    for page in pages { #expect(page.text.count > 100, "\(page.id)") }
    for problem in problems { #expect(problem.help != nil, "\(problem.id)") }
    for problem in problems where problem.id.hasSuffix("-damaged") {  // of this store or another
      #expect(problem.consequence == .storeDamaged, "\(problem.id)")
    }
  }
}
