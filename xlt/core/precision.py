"""When a CPU computes in bf16. It is apart from `core.device`, as a plan asks for it and does without torch."""

# On a CPU that multiplies in bf16 (AMX) an encoder of width 384 trains twice as fast in it, one of width 64 not at all:
# its matrices are so small that turning them into bf16 takes what their products save. Between the two: not measured.
WIDE = 256
