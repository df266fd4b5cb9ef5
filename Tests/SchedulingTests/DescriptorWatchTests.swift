// Pipes that come and go on several threads: each hears what is written to it, none hears another's.

import CLinux
import Dispatch
import Foundation
import Glibc
import Testing

@testable import Scheduling

@Suite struct DescriptorWatchTests {
  static func pipe() -> (read: Int32, write: Int32) {
    var ends: (Int32, Int32) = (-1, -1)
    #expect(plumb_pipe(&ends.0, &ends.1) == 0)
    return ends
  }

  /// Opens a pipe, is told of three bytes one by one and of the end, and closes it: so often.
  static func listen(times: Int) -> Int {
    var heard = 0
    let queue = DispatchQueue(label: "watch test")
    for _ in 0..<times {
      let ends = pipe()
      let signal = DispatchSemaphore(value: 0)
      nonisolated(unsafe) var bytes: [UInt8] = []
      let token = DescriptorWatch.shared.watch(ends.read, on: queue) {
        var byte: UInt8 = 0
        if read(ends.read, &byte, 1) == 1 { bytes.append(byte) } else { bytes.append(255) }
        signal.signal()
      }
      for value: UInt8 in 1...3 {
        var value = value
        write(ends.write, &value, 1)
        signal.wait()
      }
      close(ends.write)
      signal.wait()
      queue.sync {
        DescriptorWatch.shared.end(token!)
        close(ends.read)
        if bytes.prefix(4) == [1, 2, 3, 255] { heard += 1 }
      }
    }
    return heard
  }

  @Test func manyThatComeAndGo() {
    nonisolated(unsafe) var heard = [Int](repeating: 0, count: 4)
    let threads = heard.indices.map { index in
      let done = DispatchSemaphore(value: 0)
      Thread {
        let count = Self.listen(times: 500)
        Self.lock.withLock { heard[index] = count }
        done.signal()
      }.start()
      return done
    }
    for done in threads { done.wait() }
    #expect(Self.lock.withLock { heard } == [500, 500, 500, 500])
  }

  static let lock = NSLock()

  @Test func nothingIsHeardAfterTheEnd() {
    let queue = DispatchQueue(label: "watch test")
    let ends = Self.pipe()
    nonisolated(unsafe) var calls = 0
    let token = DescriptorWatch.shared.watch(ends.read, on: queue) { calls += 1 }!
    queue.sync {
      var byte: UInt8 = 7
      write(ends.write, &byte, 1)
      // Its event is on the way to this queue by now, or will be.
      usleep(20_000)
      DescriptorWatch.shared.end(token)
    }
    queue.sync {}
    usleep(20_000)
    #expect(queue.sync { calls } == 0)
    close(ends.read)
    close(ends.write)
  }

  @Test func whatCannotBeWatchedIsSaid() {
    #expect(DescriptorWatch.shared.watch(-1, on: .global()) {} == nil)
    #expect(errno == EBADF)
  }
}
