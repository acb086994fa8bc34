/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger's core in user space: replays events as the kernel would. */
#include <string.h>

#include "ledger_core.h"

#define CPUS 128
#define THREADS 1024

static struct ledger_cpu cpus[CPUS];
static struct ledger_thread threads[THREADS];
static struct ledger_charges ledger[LEDGER_ROWS], quota[LEDGER_ROWS];

LEDGER_INLINE struct ledger_charges *ledger_row(u32 victim)
{
	return victim < LEDGER_ROWS ? &ledger[victim] : 0;
}

LEDGER_INLINE struct ledger_charges *quota_row(u32 victim)
{
	return victim < LEDGER_ROWS ? &quota[victim] : 0;
}

LEDGER_INLINE struct ledger_cpu *ledger_cpu_at(u32 number)
{
	return number < CPUS ? &cpus[number] : 0;
}

LEDGER_INLINE void ledger_add(u64 *cell, u64 ns)
{
	*cell += ns;
}

enum { SWITCH, WAKE, MIGRATE };

struct event {
	u64 now;
	u64 since; /* when prev was put on its CPU */
	u64 throttled; /* of prev or the thread, on its CPU */
	u64 other; /* of next; of the thread, on the CPU it moves to */
	u32 kind;
	u32 cpu;
	u32 thread; /* prev of a switch */
	u32 next;
	u32 waits;
	u32 unused;
};

static u32 entity_of(u32 thread)
{
	return thread ? threads[thread].entity : LEDGER_IDLE;
}

static void play_switch(struct ledger_cpu *cpu, const struct event *told)
{
	struct ledger_switch event = {
		.next = told->next ? &threads[told->next] : 0,
		.now = told->now,
		.prev_since = told->since,
		.next_throttled = told->other,
		.prev_pid = told->thread,
		.next_pid = told->next,
		.prev_entity = entity_of(told->thread),
		.next_entity = entity_of(told->next),
		.prev_waits = told->waits,
		.number = told->cpu,
	};

	if (ledger_needs_prev(cpu, event.prev_pid, event.prev_waits)) {
		event.prev = &threads[told->thread];
		event.prev_throttled = told->throttled;
	}
	ledger_switch(cpu, &event);
}

static void play(const struct event *event)
{
	struct ledger_thread *thread = &threads[event->thread];
	struct ledger_cpu *cpu = ledger_cpu_at(event->cpu);

	if (event->kind == SWITCH)
		play_switch(cpu, event);
	else if (event->kind == WAKE)
		ledger_wake(cpu, event->cpu, thread, event->now,
			    event->throttled);
	else if (thread->victim)
		ledger_migrate(cpu, event->cpu, thread, event->now,
			       event->throttled, event->other);
}

/* Forget everything and replay these events on new CPUs and threads. */
void replay(const u32 *entities, u32 count, const struct event *events,
	    u32 length)
{
	u32 i;

	memset(cpus, 0, sizeof(cpus));
	memset(threads, 0, sizeof(threads));
	memset(ledger, 0, sizeof(ledger));
	memset(quota, 0, sizeof(quota));
	for (i = 0; i < count; i++)
		threads[i].entity = entities[i];
	for (i = 0; i < length; i++)
		play(&events[i]);
}

u64 charged(u32 victim, u32 runner, u32 of_quota)
{
	return (of_quota ? quota : ledger)[victim].ns[runner];
}

u64 missed(u32 cpu)
{
	return cpus[cpu].missed;
}

u64 overruns(u32 cpu)
{
	return cpus[cpu].overruns;
}
