"""The largest product in single precision that PyTorch reaches here: 2048×2048×2048."""

from measure import options, repeat, report, torch_with

arguments = options(__doc__, ["matmul"]).parse_args()
torch = torch_with(arguments)
a, b = torch.randn(2048, 2048), torch.randn(2048, 2048)
c = torch.empty(2048, 2048)


def multiply():
    torch.matmul(a, b.T, out=c)


with torch.inference_mode():
    times, machine = repeat(multiply, arguments, warm_up=3)
report(
    arguments, times, machine, 0, {"torch": torch.__version__},
    gflops=2 * 2048**3 / sorted(times)[len(times) // 2] * 1e-9,
)
