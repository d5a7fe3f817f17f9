/*
 * engine/inbox.c - holding requests back for a step.
 *
 * Both modes agree on when a request is seen because it is a number of steps of the group, counted from the step end
 * that follows its arrival, wherever runs begin and end.
 */
#include "engine/inbox.h"

#include "engine/cluster.h"

int
ss_inbox_wanted(const struct ss_replica *replica)
{
    const struct ss_group *group = replica->group;
    if (!ss_replica_composes_ahead(replica))
        return 0;
    return (ss_group_runs(group) || group->between) && replica->waiting == replica->inbox.count;
}

int
ss_inbox_put(struct ss_replica *replica, struct ss_request *request)
{
    struct ss_inbox *inbox = &replica->inbox;
    uint64_t seen_at = ss_group_next_end(replica->group) + 1;
    request->seen_at = (uint32_t)seen_at;
    request->next = NULL;
    if (inbox->last != NULL)
        inbox->last->next = request;
    else
        inbox->first = request;
    inbox->last = request;
    inbox->count++;
    return ss_group_runs(replica->group) ? ss_group_end_by(replica->group, seen_at) : 0;
}

/* Steps that pass before the request is seen; 0: its time has come. The low bits tell: the run under way ends there at
   the latest, and has no more steps than a request has tokens. */
static uint32_t
steps_before(const struct ss_replica *replica, const struct ss_request *request)
{
    return request->seen_at - (uint32_t)replica->group->steps;
}

int
ss_inbox_deliver(struct ss_replica *replica, int all, struct servsim_error *err)
{
    struct ss_inbox *inbox = &replica->inbox;
    int rc = 0;
    while (rc == 0 && inbox->first != NULL && (all || steps_before(replica, inbox->first) == 0)) {
        struct ss_request *request = inbox->first;
        inbox->first = request->next;
        request->next = NULL;
        if (inbox->first == NULL)
            inbox->last = NULL;
        inbox->count--;
        rc = ss_replica_introduce(replica, request, err);
    }
    return rc;
}

uint64_t
ss_inbox_steps(const struct ss_replica *replica)
{
    return steps_before(replica, replica->inbox.first);
}
