"""To the replica with the fewest prompt tokens still to compute; where several have as few, the least busy."""


class Router:
    def __init__(self, replicas):
        self.sent = [0] * len(replicas)  # requests there now

    def route(self, request, replicas):
        def work(number):
            return replicas[number].prefill_tokens_left, self.sent[number]

        chosen = min(range(len(replicas)), key=work)
        self.sent[chosen] += 1
        return chosen

    def leave(self, request, replica):
        self.sent[replica] -= 1
