// Decisions of the planner, made on a queue of their own and heard in batches.

import ArtifactStore
import CanonicalJSON
import Diagnostics
import Dispatch
import Foundation
import Pipelines

extension Scheduler {
  /// Small batches: the first answers come soon, and a thousand answers do not cost a thousand changes
  /// of threads.
  func decideInBatches() {
    guard !undecided.isEmpty else { return }
    decisionsOrdered += undecided.count
    for start in stride(from: 0, to: undecided.count, by: Self.batch) {
      decide(Array(undecided[start..<min(undecided.count, start + Self.batch)]))
    }
    undecided = []
    if timers[Self.slowness] == nil { watchForSlowDecisions() }
  }

  private static let batch = 32
  private static let slowness = "slow decisions"

  private func watchForSlowDecisions() {
    let seen = decisionsMade
    startTimer(Self.slowness, after: 1) { scheduler in
      guard scheduler.decisionsMade < scheduler.decisionsOrdered else { return }
      if scheduler.decisionsMade == seen { scheduler.handle(.decisionsAreSlow) }
      scheduler.watchForSlowDecisions()
    }
  }

  private func decide(_ batch: [Int]) {
    // Results of what it reads from are known now and never change.
    var known: [Int: ActionResult] = [:]
    for index in batch {
      for producer in pipeline.dependencies(of: index) { known[producer] = results[producer] }
    }
    deciding.async { [planner, bodies, pipeline, store, options, known] in
      var answers: [Answer] = []
      var lastAnswer = ContinuousClock.now
      for index in batch {
        let decision = planner.decide(index) { known[$0] }
        let choice: SchedulerState.Choice
        switch decision.verdict {
        case .reuse(let result): choice = .reuse(result.key)
        case .fail: choice = .fail
        case .run, .twin, .wait:
          choice = .run(
            Self.work(for: decision, of: pipeline.instances[index], bodies, store, options))
          // How long things took is read from old runs only once something must run.
          if !self.hasAskedForSeconds {
            self.hasAskedForSeconds = true
            let seconds = planner.expectedSeconds()
            self.queue.async { self.handle(.expected(seconds: seconds)) }
          }
        }
        answers.append(Answer(index: index, decision: decision, choice: choice))
        // What is known need not wait for a large file that is being hashed.
        guard lastAnswer.duration(to: .now) > .milliseconds(20) || index == batch.last else {
          continue
        }
        lastAnswer = .now
        self.queue.async { [answers] in self.hear(answers) }
        answers = []
      }
    }
  }

  private struct Answer {
    let index: Int
    let decision: Decision
    let choice: SchedulerState.Choice
  }

  private func hear(_ answers: [Answer]) {
    hearsAnswers = true
    for answer in answers { decided(answer.index, answer.decision, answer.choice) }
    hearsAnswers = false
    decideInBatches()
  }

  private func decided(_ index: Int, _ decision: Decision, _ choice: SchedulerState.Choice) {
    decisionsMade += 1
    decisions[index] = decision
    if case .reuse(let result) = decision.verdict { results[index] = result }
    recorder.change(index) {
      $0.key = decision.key?.hex
      $0.decision = decision.word
      $0.reasons = decision.reasons
    }
    recorder.send(.decided(decision))
    if case .fail(let problem) = decision.verdict {
      // The result is there, only its figures are not what was asked for.
      if problem.consequence == .gateFailed { results[index] = decision.existing }
      fail(
        index, cause: problem.consequence == .gateFailed ? .gate : .diagnostic, problem: problem)
    }
    handle(.decided(index, choice))
  }

  private static func work(
    for decision: Decision, of instance: Instance, _ bodies: [any StageBody.Type], _ store: Store,
    _ options: RunOptions
  ) -> SchedulerState.Work {
    let record = decision.record!
    let facts = RecordFacts(record)
    var inputs: [String: [Int]] = [:]
    var files: [String: [[String: String]]] = [:]
    for port in inputPorts(of: instance) {
      for (position, item) in facts.items(of: port.name).enumerated() {
        let found = (try? port.files(position, item.reference, in: store)) ?? [:]
        files[port.name, default: []].append(found)
        inputs[port.name, default: []].append(
          port.outside[position] == nil
            ? store.size(of: item.reference) ?? 0 : found.values.reduce(0) { $0 + fileSize($1) })
      }
    }
    let parameters = Parameters(
      JSONObject(instance.parameters.map { ($0.name, $0.value.json) }))
    let sizes = StageSizes(parameters: parameters, inputs: inputs, files: files)
    let body = bodies.first { $0.kind == instance.definition.kind }
    return SchedulerState.Work(
      key: record.key,
      memory: instance.resources.memory ?? body?.memory(for: sizes) ?? sizes.defaultMemory,
      maximalThreads: instance.resources.threads ?? options.threads)
  }
}
