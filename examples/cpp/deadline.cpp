/*
 * deadline - a scheduler for servsim in C++: the request whose deadline comes first is served first.
 *
 * A request without a deadline gets one, `grace` after its arrival: so nobody waits for ever. No exception may cross into
 * the host, so what may throw is caught at the border.
 */
#include <memory>
#include <new>
#include <queue>
#include <tuple>
#include <vector>

#include "servsim/plugin.h"

namespace {

struct Waiting {
    int64_t deadline_s, deadline_ps;
    servsim_request *request;

    /* std::priority_queue puts the largest on top */
    bool operator<(const Waiting &other) const
    {
        return std::tie(deadline_s, deadline_ps, request->id) >
               std::tie(other.deadline_s, other.deadline_ps, other.request->id);
    }
};

class Deadline {
  public:
    explicit Deadline(int64_t grace_s) : grace_s(grace_s)
    {
    }

    int32_t arrive(servsim_request *request)
    {
        const servsim_request *head = waiting.empty() ? nullptr : waiting.top().request;
        enqueue(request);
        return head != nullptr && waiting.top().request == head ? SERVSIM_DECISION_HOLDS : SERVSIM_ASK_AGAIN;
    }

    int32_t plan(servsim_step *step)
    {
        int32_t answer, preempted = 0;
        while ((answer = servsim_serve_running(step, SERVSIM_NO_CAP)) == SERVSIM_NO_BLOCKS) {
            servsim_request *victim = servsim_last_running(step);
            if ((answer = servsim_preempt(step, victim, SERVSIM_RECOMPUTE)) < 0)
                return answer;
            enqueue(victim);
            preempted = 1;
        }
        while (answer == SERVSIM_OK && !preempted && !waiting.empty()) {
            answer = servsim_admit(step, waiting.top().request, SERVSIM_NO_CAP, 0);
            if (answer == SERVSIM_OK)
                waiting.pop();
        }
        step->horizon_steps = SERVSIM_FOREVER;
        return answer < 0 ? answer : 0;
    }

  private:
    void enqueue(servsim_request *request)
    {
        /* not later than the grace allows, whatever the deadline: a far one must not be for ever */
        Waiting entry{request->arrival_s + grace_s, request->arrival_ps, request};
        if (request->deadline_s < entry.deadline_s) {
            entry.deadline_s = request->deadline_s;
            entry.deadline_ps = request->deadline_ps;
        }
        waiting.push(entry);
    }

    int64_t grace_s;
    std::priority_queue<Waiting> waiting;
};

/* What is thrown becomes an error text. */
template <typename Body>
int32_t guarded(servsim_error *err, Body body)
{
    try {
        return body();
    } catch (const std::bad_alloc &) {
        return servsim_fail(err, ENOMEM, "no memory");
    } catch (...) {
        return servsim_fail(err, EIO, "an exception in the scheduler");
    }
}

int32_t arrive(void *self, servsim_request *request, servsim_error *err)
{
    return guarded(err, [&] { return static_cast<Deadline *>(self)->arrive(request); });
}

int32_t plan(void *self, servsim_step *step, servsim_error *err)
{
    return guarded(err, [&] { return static_cast<Deadline *>(self)->plan(step); });
}

int32_t create(const servsim_host *, const servsim_create *args, void **self, servsim_error *err)
{
    return guarded(err, [&] {
        *self = std::make_unique<Deadline>(servsim_integer(args, "grace")).release();
        return 0;
    });
}

void destroy(void *self)
{
    delete static_cast<Deadline *>(self);
}

/* C++17 has no designated initialisers, so tables are filled by functions. */
const servsim_option *options()
{
    static const servsim_option rows[] = {
        {"grace", "s", "60s", nullptr, "the longest that a deadline may lie ahead", 0, 1e6, SERVSIM_OPTION_INTEGER, 0},
    };
    return rows;
}

const servsim_scheduler_ops *operations()
{
    static const servsim_scheduler_ops ops = [] {
        servsim_scheduler_ops filled{};
        filled.size = sizeof filled;
        filled.arrive = arrive;
        filled.plan = plan;
        return filled;
    }();
    return &ops;
}

const servsim_plugin *descriptor()
{
    static const servsim_plugin plugin = [] {
        servsim_plugin filled{};
        filled.size = sizeof filled;
        filled.abi_major = SERVSIM_ABI_MAJOR;
        filled.abi_minor = SERVSIM_ABI_MINOR;
        filled.kind = SERVSIM_KIND_SCHEDULER;
        filled.name = "deadline";
        filled.version = "1.0";
        filled.summary = "earliest deadline first";
        filled.licence = "Apache-2.0";
        filled.options = options();
        filled.option_count = 1;
        filled.option_size = sizeof(servsim_option);
        filled.create = create;
        filled.destroy = destroy;
        filled.ops = operations();
        return filled;
    }();
    return &plugin;
}

} // namespace

extern "C" SERVSIM_EXPORT int32_t servsim_plugin_at(uint32_t index, const servsim_plugin **out)
{
    if (index != 0)
        return 0;
    *out = descriptor();
    return 1;
}
