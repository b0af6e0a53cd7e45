"""What the coordinator makes of large clusters: the real one, in virtual time.

    python -m benchmarks.cluster_sim                    # 1, 100, 1,000 and 10,000 workers: some minutes
    python -m benchmarks.cluster_sim --workers 1000 --preempted 0.5

Trials take a minute, log-normal. A share of the workers is preempted in an hour, noticed within half a minute, and
another joins some minutes later; one in fifty is five times as slow; one in five joins late; of the answers to workers
some are lost, so that they say it again; and in the middle the coordinator dies, and another one starts from what is
committed. Printed are hours of virtual time, the share of the workers' time that no result came from, trials that ran
twice, trials lost and rows doubled (both 0), packs that the coordinator can serve in a second of real time (taken,
asked about and delivered, one trial each), and the memory of all of this process.
"""
