// plumb exec-stage: one stage in a process of its own. Started by the scheduler, not by people.

import ArgumentParser
import Scheduling
import StageLibrary
import Tensors

struct ExecStageCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "exec-stage", abstract: "Carry out one order of a run.", shouldDisplay: false)

  @Argument(help: "The order, a JSON file in the folder of a run.") var order: String

  func run() throws {
    let code = Worker.main(orderPath: order, bodies: StageLibrary.bodies) {
      // Into the stage's log: slow kernels are the first thing to look at when training is slow.
      if let warning = BLASInfo.warning { Messages.remark("warning: \(warning)") }
      return BLASInfo.coreName
    }
    if code != 0 { throw Ending(code: code) }
  }
}
