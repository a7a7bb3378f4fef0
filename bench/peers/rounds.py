"""Works once for every line on standard input and answers with the seconds that it took."""
import sys
import time


def serve(work, clock=time.process_time):
    print(0, flush=True)
    for _ in sys.stdin:
        begun = clock()
        work()
        print(clock() - begun, flush=True)
