# tools: programs for people who measure, beside servsim itself.
dist_tools_SCRIPTS = tools/fit_kernels.py tools/measure_gpu.py
