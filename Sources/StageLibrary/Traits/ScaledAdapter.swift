// The adapter at an input port times the parameter `adapter_scale`.

import Diagnostics
import LanguageModels
import Scheduling

extension StageContext {
  /// nil where there is no adapter or nothing would be left of it.
  ///
  /// **Throws**: what `LowRankAdapter.init` throws.
  func scaledAdapter(beside model: LanguageModel) throws(Diagnostic) -> LowRankAdapter? {
    guard let artifact = optionalInput("adapter") else { return nil }
    let adapter = try LowRankAdapter(files: artifact.files, for: model)
    let scale = parameters.number("adapter_scale")
    if scale == 0 { return nil }
    return scale == 1
      ? adapter : try LowRankAdapter.weightedSum([(adapter, scale)], for: model.table)
  }
}
