"""First come, first served: the default policy of the scheduler `python`, and a start for your own."""

from heapq import heappop, heappush

import servsim


class Scheduler:
    def __init__(self, limits):
        self.waiting = []  # a heap; requests are in order of arrival

    def arrive(self, request):
        heappush(self.waiting, request)
        # behind others who wait, a newcomer changes nothing
        return servsim.ASK_AGAIN if self.waiting[0] is request else servsim.DECISION_HOLDS

    def plan(self, step):
        preempted = False
        while not step.serve_running():  # a KV block is missing
            victim = step.last_running()
            step.preempt(victim)
            heappush(self.waiting, victim)
            preempted = True
        while self.waiting and not preempted and step.admit(self.waiting[0]):
            heappop(self.waiting)
        step.horizon_steps = servsim.FOREVER  # it decides the same until somebody comes or goes
