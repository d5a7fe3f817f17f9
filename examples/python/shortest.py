"""Shortest prompt first, with ageing: a second of waiting is worth `ageing` tokens."""

import heapq

import servsim


class Scheduler:
    def __init__(self, limits, ageing=20):
        self.waiting = []
        self.ageing = ageing

    def enqueue(self, request):
        # time alone never reorders: both of two requests age alike
        key = request.prompt_tokens + self.ageing * request.arrival
        heapq.heappush(self.waiting, (key, request))

    def arrive(self, request):
        self.enqueue(request)

    def plan(self, step):
        preempted = False
        while not step.serve_running():
            victim = step.last_running()
            step.preempt(victim)
            self.enqueue(victim)
            preempted = True
        while self.waiting and not preempted and step.admit(self.waiting[0][1]):
            heapq.heappop(self.waiting)
        step.horizon_steps = servsim.FOREVER
