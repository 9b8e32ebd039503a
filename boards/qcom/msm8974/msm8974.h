/* What the msm8974 boards share. A bank is written by its bounds, as the documents give it; the cells hold start and size. */
#define BANK(start, end)	start ((end) - (start))

#define KRAIT(n) \
	cpu##n: cpu@n { device_type = "cpu"; compatible = "qcom,krait"; reg = <n>; }
