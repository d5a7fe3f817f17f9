/*
 * base/team.c - waits for children, side by side.
 */
#include "base/team.h"

#include <poll.h>

#define POLL_MS 100 /* how late it may be seen that somebody is late, or wants to stop */

uint32_t
ss_team_size(uint32_t wanted)
{
    uint32_t size = wanted != 0 ? wanted : ss_processors();
    return size < SS_TEAM_MOST ? size : SS_TEAM_MOST;
}

static int
is_free(const struct ss_team *team, uint32_t slot)
{
    return team->ops->child(team->ctx, slot)->pipe < 0;
}

static int
fill(const struct ss_team *team, struct servsim_error *err)
{
    int rc = 1;
    for (uint32_t i = 0; i < team->slots && rc > 0; i++)
        if (is_free(team, i))
            rc = team->ops->begin(team->ctx, i, err);
    return rc < 0 ? rc : 0;
}

static int
nobody_works(const struct ss_team *team)
{
    for (uint32_t i = 0; i < team->slots; i++)
        if (!is_free(team, i))
            return 0;
    return 1;
}

static int
end(const struct ss_team *team, uint32_t slot, enum ss_team_end how, struct servsim_error *err)
{
    if (how != SS_TEAM_ENDED)
        (void)kill(team->ops->child(team->ctx, slot)->pid, SIGKILL);
    return team->ops->end(team->ctx, slot, how, err);
}

/* Waits for any of them: fds[slot] is its pipe, which a child that ends closes, and fds[slots + slot] where else it
   speaks. Descriptors of -1 are passed over. */
static void
wait_for_some(const struct ss_team *team, struct pollfd fds[2 * SS_TEAM_MOST])
{
    for (uint32_t i = 0; i < team->slots; i++) {
        int speaks = team->ops->words != NULL && !is_free(team, i);
        fds[i] = (struct pollfd){.fd = team->ops->child(team->ctx, i)->pipe, .events = POLLIN};
        fds[team->slots + i] = (struct pollfd){.fd = speaks ? team->ops->words(team->ctx, i) : -1, .events = POLLIN};
    }
    (void)poll(fds, 2 * (nfds_t)team->slots, POLL_MS);
}

static int
attend(const struct ss_team *team, struct servsim_error *err)
{
    struct pollfd fds[2 * SS_TEAM_MOST];
    int rc = 0;
    wait_for_some(team, fds);
    for (uint32_t i = 0; i < team->slots && rc == 0; i++) {
        if (fds[team->slots + i].revents != 0)
            team->ops->listen(team->ctx, i);
        if (fds[i].revents != 0)
            rc = end(team, i, SS_TEAM_ENDED, err);
        else if (!is_free(team, i) && team->ops->is_late != NULL && team->ops->is_late(team->ctx, i))
            rc = end(team, i, SS_TEAM_LATE, err);
    }
    return rc;
}

static void
stop_all(const struct ss_team *team)
{
    struct servsim_error unheard = {.size = sizeof unheard};
    for (uint32_t i = 0; i < team->slots; i++)
        if (!is_free(team, i))
            (void)end(team, i, SS_TEAM_STOPPED, &unheard);
}

int
ss_team_run(const struct ss_team *team, struct servsim_error *err)
{
    int rc = 0;
    while (rc == 0) {
        rc = team->ops->look != NULL ? team->ops->look(team->ctx, err) : 0;
        if (rc == 0)
            rc = fill(team, err);
        if (rc == 0 && nobody_works(team))
            break;
        if (rc == 0)
            rc = attend(team, err);
    }
    stop_all(team);
    return rc < 0 ? rc : 0;
}
