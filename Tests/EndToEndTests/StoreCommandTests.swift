// Looking after a store and sharing it, as a person types it.

import Foundation
import Glibc
import Testing

private let manifest = """
  version: 1
  name: small
  summary: Small corpora.
  params:
    documents: 4
  stages:
    corpora:
      uses: compose-corpus
      matrix: {seed: 1..2}
      with: {documents: $(params.documents), seed: $(matrix.seed)}
  """

@Suite struct StoreCommandTests {
  @Test func `what nothing needs goes and comes back`() throws {
    let work = try Workspace(manifest)
    #expect(try work.plumb("run", "--set", "documents=5").code == 0)
    #expect(try work.plumb("run").code == 0)
    let young = try work.plumb("store", "gc")
    #expect(young.code == 0 && young.output.contains("nothing to collect"), "\(young.output)")
    usleep(20_000)
    #expect(
      try work.plumb(
        "store", "pin", "old", "plumb.yaml", "corpora[seed=1]", "--set", "documents=5", "--reason",
        "a figure"
      ).code == 0)
    #expect(try work.plumb("store", "pins").output.contains("a figure"))
    let dry = try work.plumb("store", "gc", "--grace", "0s", "--keep-runs", "1000d")
    #expect(dry.output.contains("would go: 1 results"), "\(dry.output) \(dry.errors)")
    let before = work.files("artifacts/objects")
    let moved = try work.plumb("store", "gc", "--grace", "0s", "--apply")
    #expect(moved.code == 0 && moved.output.contains("moved to trash/"), "\(moved.output)")
    #expect(work.files("artifacts/objects").count < before.count)
    #expect(try work.plumb("store", "verify").code == 0)
    #expect(try work.plumb("run").summary == "0 produced, 2 reused, 0 failed")
    let back = try work.plumb("store", "gc", "--undo")
    #expect(back.output.contains("came back"))
    #expect(work.files("artifacts/objects") == before)
    #expect(
      try work.plumb("run", "--set", "documents=5").summary == "0 produced, 2 reused, 0 failed")
    #expect(try work.plumb("store", "unpin", "old").code == 0)
    #expect(try work.plumb("store", "unpin", "old").code == 2)
    let usage = try work.plumb("store", "du")
    #expect(usage.output.contains("root small-"), "\(usage.output)")
    let object = try #require(before.first).suffix(64)
    let why = try work.plumb("store", "du", "--why", String(object.prefix(12)))
    #expect(why.code == 0 && why.output.contains("object \(object)"), "\(why.output)")
    #expect(try work.plumb("store", "gc", "--grace", "soon").code == 2)
  }

  @Test func `results are handed over`() throws {
    let work = try Workspace(manifest)
    #expect(try work.plumb("run").code == 0)
    #expect(try work.plumb("bundle", "hand-over.tar", "plumb.yaml", "corpora[seed=2]").code == 0)
    #expect(try work.plumb("push", "lab").output.hasPrefix("2 results"))
    let again = try work.plumb("push", "lab")
    #expect(again.output.contains("2 results were there"), "\(again.output)")

    let other = try Workspace(manifest)
    let taken = try other.plumb("unbundle", work.path("hand-over.tar"))
    #expect(
      taken.code == 0 && taken.output.hasPrefix("1 results"), "\(taken.output) \(taken.errors)")
    #expect(try other.plumb("run").summary == "1 produced, 1 reused, 0 failed")
    try other.write("no bundle", to: "bad.tar")
    let refused = try other.plumb("unbundle", "bad.tar")
    #expect(refused.code == 2 && refused.errors.contains("store-bundle-refused"))

    let third = try Workspace(manifest)
    #expect(try third.plumb("pull", work.path("lab")).code == 0)
    #expect(try third.plumb("run").summary == "0 produced, 2 reused, 0 failed")
    #expect(try third.plumb("store", "verify").code == 0)

    // A colleague's store behind the own one: read in place, nothing is copied.
    let fourth = try Workspace(manifest)
    #expect(try fourth.plumb("store", "init").code == 0)
    #expect(try fourth.plumb("store", "upstreams", "--add", work.path("lab")).code == 0)
    #expect(try fourth.plumb("run").summary == "0 produced, 2 reused, 0 failed")
    #expect(fourth.files("artifacts/actions") == [])
    let get = try fourth.plumb("get", "plumb.yaml", "corpora[seed=1].corpus", "--to", "out")
    #expect(get.code == 0 && !fourth.files("out").isEmpty, "\(get.errors)")

    // Damage here is mended from there.
    let object = try #require(third.files("artifacts/objects").first)
    remove(third.path("artifacts/objects/" + object))
    let mended = try third.plumb("store", "verify", "--repair-from", work.path("lab"))
    #expect(mended.code == 0, "\(mended.output) \(mended.errors)")
    #expect(third.files("artifacts/objects").contains(object))
  }

  @Test func `who makes what is said, and what to do about it`() throws {
    let work = try Workspace(manifest)
    #expect(try work.plumb("run").code == 0)
    #expect(try work.plumb("store", "ps").output == "nobody uses the store\n")
    let result = try #require(work.files("artifacts/actions").first)
    remove(work.path("artifacts/actions/" + result))
    let key = String(result.suffix(64))
    let lease = """
      {"boot":"b","host":"elsewhere","label":"corpora[seed=1]","namespace":"1","nonce":"n","pid":1,"start":1,"ttl":60}
      """
    try work.write(lease, to: "artifacts/leases/" + key)
    let list = try work.plumb("store", "ps")
    #expect(list.output.contains("elsewhere") && list.output.contains("corpora[seed=1]"))
    let failed = try work.plumb("run", "--if-locked", "fail")
    #expect(failed.code == 75 && failed.errors.contains("lock-busy"), "\(failed.errors)")
    let skipped = try work.plumb("run", "--if-locked", "skip")
    #expect(skipped.code == 0, "\(skipped.output) \(skipped.errors)")
    let held = try work.plumb("unlock", "corpora")
    #expect(held.code == 75 && held.errors.contains("lease-held"), "\(held.errors)")
    let broken = try work.plumb("unlock", String(key.prefix(8)), "--force")
    #expect(broken.code == 0 && broken.output.contains("taken away"))
    #expect(try work.plumb("unlock", "corpora").code == 2)
    #expect(try work.plumb("run").summary == "1 produced, 1 reused, 0 failed")
  }
}
