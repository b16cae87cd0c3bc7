"""How fast gotwist must be."""

from benchmarks.measure import Goal

TEXTS = ("plain", "colour", "cjk", "short")

GOALS = (
    *(Goal(f"throughput.{text}", 1.25, "ttyd", at_least=True) for text in TEXTS),
    *(Goal(f"throughput.{text}", 0.8, "bare", at_least=True) for text in TEXTS),
    *(Goal(f"cpu.{text}", 0.65, "ttyd") for text in TEXTS),
    Goal("echo.idle.p50", 1.25, "ttyd"),
    Goal("echo.crowd.p50", 1.25, "ttyd"),
    Goal("echo.flood.p50", 1.0, "ttyd"),
    Goal("echo.flood.p90", 1.0, "ttyd"),
    Goal("echo.slow.p50", 1.0, "ttyd"),
    Goal("echo.slow.p90", 1.0, "ttyd"),
    Goal("echo.four.p50", 1.15, "ttyd"),
    Goal("echo.four.p90", 1.15, "ttyd"),
    Goal("memory.start", 70.0),
    Goal("memory.terminal", 0.65, "ttyd"),
    Goal("opening.terminals", 0.5, "ttyd"),
    Goal("sockets.held", 5000, at_least=True),
    Goal("interrupt.near", 0.2, "ttyd"),
    Goal("interrupt.far", 300.0),
    Goal("stalled.growth", 2.0),
    Goal("fanout.rate", 2.0, "terminado", at_least=True),
    Goal("signin.ratio", 1.5),
)
